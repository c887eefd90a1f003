"""The process in which the show runs; `arena.kiosk.watchdog` starts it, and again whenever it dies."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from arena.event import Event, open_event
from arena.kiosk import settings
from arena.kiosk.words import load_words
from arena.play.clock import FrameClock
from arena.play.stage import Stage, open_stage
from arena.projector.follow import Follower
from arena.projector.hall import Hall
from arena.projector.show import TheShow
from envs.errors import ArenaError

log = logging.getLogger(__name__)


def run(
    folder: Path,
    db: str | None,
    size: tuple[int, int] | None,
    name: str | None,
    ready: Callable[[Stage], None] = lambda stage: None,
) -> None:
    """Show a tournament until the operator leaves.

    Args:
        folder: the event folder.
        db: the scoreboard, if not the event folder's.
        size: of the window in pixels; None for the whole screen.
        name: of the tournament; None for the one that was begun last.
        ready: called when the window is open.

    Raises:
        ArenaError: there is no display, or the event folder can't be used.
    """
    event = open_event(folder)
    words = load_words(event.folder)
    with Follower(event, db, name) as follower, open_stage("Arena", full_screen=size is None, size=size) as stage:
        ready(stage)
        stage.pygame.mouse.set_visible(False)
        clock = FrameClock(1)
        show = TheShow(Hall(follower, stage, address_of(event), words), clock.behind)
        while not show.over:
            clock.tick()
            show.turn()
        show.close()


def address_of(event: Event) -> str:
    """Return the scoreboard's address as the kiosk shows it; empty if none is set."""
    if not (event.folder / settings.FILE_NAME).exists():
        return ""
    try:
        return settings.open_settings(event.folder).url
    except ArenaError as error:
        log.warning("No address is shown: %s", error)
        return ""
