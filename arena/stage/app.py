"""The process in which the show runs; `arena.processes.watchdog` starts it, and again whenever it dies."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from arena.event.blocked_words import load_words
from arena.event.folder import open_event, server_url
from arena.processes.supervised import Ready, run_watched
from arena.stage.audience import Hall
from arena.stage.player import TheShow
from arena.stage.poller import Follower
from arena.ui.frame_clock import FrameClock
from arena.ui.window import Stage, open_stage, read_size
from envs.errors import ArenaError


def run(
    folder: Path,
    db: str | None,
    size: tuple[int, int] | None,
    name: str | None,
    display: int,
    ready: Ready,
) -> None:
    """Show a tournament until the operator leaves.

    Args:
        folder: the event folder.
        db: the scoreboard, if not the event folder's.
        size: of the window in pixels; None for the whole screen.
        name: of the tournament; None for the one that was begun last.
        display: which display it fills, 0 for the first.
        ready: see `Ready`.

    Raises:
        ArenaError: there is no display, or the event folder can't be used.
    """
    event = open_event(folder)
    words = load_words(event.folder)
    with Follower(event, db, name) as follower, open_stage("Arena", size=size) as stage:
        _fill(stage, size, display)
        ready(lambda: stage.shown)
        stage.pygame.mouse.set_visible(False)
        clock = FrameClock(1)
        show = TheShow(Hall(follower, stage, server_url(event), words), clock.behind)
        while not show.over:
            clock.tick()
            show.turn()
        show.close()


def main(arguments: list[str]) -> int:
    """Run in a process of its own: FOLDER DB SIZE NAME DISPLAY, the second to fourth perhaps empty. Return the exit
    code."""
    folder, db, size, name, display = arguments
    return run_watched(partial(run, Path(folder), db or None, read_size(size), name or None, int(display)))


def _fill(stage: Stage, size: tuple[int, int] | None, display: int) -> None:
    """Take the whole of a display, unless a size is given."""
    count = stage.pygame.display.get_num_displays()
    if not 0 <= display < count:
        raise ArenaError(f"Screens here are 1 to {count}; what came is --screen {display + 1}.")
    stage.display = display
    if size is None:
        stage.toggle_full_screen()
