"""The processes that replay what was sent in. The database is their queue: what was not done before the server ended is
found there by the next one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from multiprocessing.connection import Connection
from queue import Empty, Queue
from threading import Event, Lock, Thread
from typing import Any

from arena.engine.recover import replayed
from arena.engine.verify import verify
from arena.processes.workers import workers
from arena.server.games.tickets import Tickets
from arena.server.games.uploads import Sent, Uploads
from envs.errors import ArenaError, RecordingError
from envs.rules import Rules
from recordings.codec import encode
from recordings.recording import RecordedPlayer, Recording
from recordings.storage import Header

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""How often the database is asked for work that nobody has told of."""
AHEAD = 4
"""Recordings, and games that were given up, that are looked up at once for each process. Few, because what is looked up
is done before anything that arrives later, whoever sends it."""
REPLAY_SECONDS = 120.0
"""A replay that takes longer is taken for a crash; half an hour of play takes less than twenty seconds."""


class ReplayDied(Exception):
    """The process that replayed has died or hung."""


class Verifier:
    """A bounded pool: so many processes, each with a thread that gives it work.

    Args:
        uploads: where recordings wait.
        tickets: where games that were given up wait.
        count: how many processes.
        tell: called with the hash of each recording that is new on the scoreboard, in a thread of the pool.
    """

    def __init__(self, uploads: Uploads, tickets: Tickets, count: int, tell: Callable[[str], None]) -> None:
        self._uploads = uploads
        self._tickets = tickets
        self._tell = tell
        self._ahead = AHEAD * count
        self._work: Queue[int | str] = Queue()
        self._busy: set[int | str] = set()
        self._guard = Lock()
        self._wake = Event()
        self._stop = Event()
        self._threads = [Thread(target=self._feed, name="verifier-feed", daemon=True)]
        self._threads += [Thread(target=self._serve, name=f"verifier-{i}", daemon=True) for i in range(count)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End at once; what is being replayed will be replayed after the next start."""
        self._stop.set()
        self._wake.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def wake(self) -> None:
        """Say that there is work."""
        self._wake.set()

    def _feed(self) -> None:
        while not self._stop.is_set():
            with suppress(ArenaError):  # the database is locked or gone just now: look again later
                found: list[int | str] = [*self._uploads.waiting(self._ahead), *self._tickets.unsettled(self._ahead)]
                with self._guard:
                    new = [one for one in found if one not in self._busy]
                    self._busy.update(new)
                for one in new:
                    self._work.put(one)
            self._wake.wait(LOOK_SECONDS)
            self._wake.clear()

    def _serve(self) -> None:
        import scipy.stats  # noqa: F401  # takes seconds, and is needed for standings with the database locked

        while not self._stop.is_set():
            with workers(_replay, [()]) as (pipe,), suppress(ReplayDied):
                self._work_with(pipe)

    def _work_with(self, pipe: Connection) -> None:
        while not self._stop.is_set():
            try:
                one = self._work.get(timeout=0.2)
            except Empty:
                continue
            try:
                if isinstance(one, int):
                    self._verify(pipe, one)
                else:
                    self._settle(pipe, one)
            except ArenaError as error:
                log.warning("%s is tried again: %s", one, error)
            except ReplayDied:
                raise
            except Exception:
                log.exception("%s failed", one)
                if isinstance(one, int):
                    with suppress(ArenaError):
                        self._uploads.failed(one, "putting it on the scoreboard failed")
            finally:
                with self._guard:
                    self._busy.discard(one)
                self._wake.set()

    def _verify(self, pipe: Connection, number: int) -> None:
        try:
            sent = self._uploads.sent(number)
        except RecordingError as error:
            self._uploads.refuse(number, str(error))
            return
        if sent is None:
            return
        try:
            ok, reason = self._ask(pipe, ("verify", sent.recording))
        except ReplayDied:
            if not self._stop.is_set():
                self._uploads.failed(number, "its replay broke down")
            raise
        if not ok:
            self._uploads.refuse(number, reason)
            return
        self._announce(self._uploads.believe(number, sent))

    def _settle(self, pipe: Connection, number: str) -> None:
        ticket, actions = self._tickets.told(number)
        started = ticket.started_at or ticket.issued_at
        content = self._ask(pipe, ("settle", ticket.rules.as_dict(), ticket.seed, ticket.player, started, actions))
        self._announce(self._uploads.settle(number, Sent.of(content)))

    def _announce(self, recording_sha256: str | None) -> None:
        if recording_sha256 is not None:
            self._tell(recording_sha256)

    def _ask(self, pipe: Connection, question: tuple[Any, ...]) -> Any:
        try:
            pipe.send(question)
            waited = 0.0
            while not pipe.poll(0.2):
                waited += 0.2
                if self._stop.is_set() or waited > REPLAY_SECONDS:
                    raise ReplayDied
            return pipe.recv()
        except (EOFError, OSError):
            raise ReplayDied from None


def _replay(pipe: Connection) -> None:
    """What a process of the pool does, until it is ended."""
    with suppress(EOFError):
        while True:
            kind, *question = pipe.recv()
            pipe.send(_verified(*question) if kind == "verify" else _settled(*question))


def _verified(recording: Recording) -> tuple[bool, str]:
    try:
        outcome = verify(recording)
    except ArenaError as error:
        return False, str(error)
    return outcome.ok, outcome.reason


def _settled(rules: dict[str, Any], seed: int, player: str, started: datetime, actions: bytes) -> bytes:
    """Return the recording of what was told of a game; where the game was over before its actions, of what it had."""
    header = Header(Rules.from_dict(rules), seed, RecordedPlayer(name=player, kind="human"), started)
    try:
        return encode(replayed(header, actions))
    except RecordingError:
        return encode(replayed(header, b""))
