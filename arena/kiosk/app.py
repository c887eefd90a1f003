"""The process in which the kiosk runs; `arena.processes.watchdog` starts it, and again whenever it dies."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

from arena.client.offline import Alone, Connection
from arena.client.station import station
from arena.engine.recover import recover
from arena.event.blocked_words import load_words
from arena.event.folder import Event, open_event
from arena.kiosk.kiosk import Kiosk
from arena.kiosk.model import House, still
from arena.kiosk.settings import KioskSettings, open_settings
from arena.processes.supervised import Ready, run_watched
from arena.scoreboard.publish import publish, unpublished
from arena.scoreboard.store import Scoreboard
from arena.ui.window import open_stage, read_size
from envs.errors import ArenaError

log = logging.getLogger(__name__)


def run(folder: Path, db: str | None, size: tuple[int, int] | None, server: str, ready: Ready) -> None:
    """Show the kiosk until the organizer leaves it.

    Args:
        folder: the event folder.
        db: the scoreboard, if not the event folder's.
        size: of the window in pixels; None for the whole screen.
        server: address of the event's server, for which ARENA_TOKEN holds a station's token; empty: none.
        ready: see `Ready`.

    Raises:
        ArenaError: there is no display, or the event folder, its settings or the scoreboard can't be used.
    """
    event = open_event(folder)
    settings, words = open_settings(event.folder, event.settings), load_words(event.folder)
    with Scoreboard.open(db or event.database) as board, connected(event, settings, server) as connection:
        settling = threading.Thread(target=settle, args=(event, board, db, connection), daemon=True)
        with open_stage("Arena", full_screen=size is None, size=size) as stage:
            ready(lambda: stage.shown)
            settling.start()
            house = House(event, board, settings, words, connection)
            threading.Thread(target=prepare, args=(house,), daemon=True).start()
            stage.pygame.mouse.set_visible(False)
            stage.keeps_size = size is None
            show(Kiosk(house, stage))
        settling.join()


def prepare(house: House) -> None:
    """Do beforehand what the first guest would wait for."""
    for game in house.games:
        still(game)
    house.admitted.all()


def show(kiosk: Kiosk) -> None:
    """Let the kiosk run until the organizer leaves it."""
    clock = kiosk.stage.pygame.time.Clock()
    while not kiosk.open:
        kiosk.turn()
        clock.tick(kiosk.screen.pictures_per_second)


def connected(event: Event, settings: KioskSettings, server: str) -> AbstractContextManager[Connection]:
    """Return the connection with the event's server, or one with none."""
    if not server:
        return nullcontext(Alone())
    return station(event, settings.games, settings.rules, server, os.environ.get("ARENA_TOKEN", ""))


def settle(event: Event, board: Scoreboard, db: str | None, connection: Connection) -> None:
    """Make recordings of the games that an earlier process was killed in, and count and send what it left. A
    scoreboard elsewhere (`db`) gets only those that have become recordings just now."""
    try:
        if not event.recordings.exists():
            return
        recovered = recover(event.recordings)
        connection.settle(recovered)
        left = unpublished(event.recordings, board) if db is None else recovered
        publish(left, board, processes=1)
    except ArenaError as error:
        log.warning("What an earlier run left can't be counted yet: %s", error)


def main(arguments: list[str]) -> int:
    """Run in a process of its own: FOLDER DB SIZE SERVER, the last three perhaps empty. Return the exit code."""
    folder, db, size, server = arguments
    return run_watched(partial(run, Path(folder), db or None, read_size(size), server))
