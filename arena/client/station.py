"""What the kiosk asks of its server. Nothing here waits: the talking is done by another process (`attendant`)."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock
from typing import Any

from agents.player import Kind
from arena.client.api import RankedTicket
from arena.client.outbox import Outbox
from arena.client.station_process import NEWS_FILE, Begin, OutboxNotice, TicketAnswer, TicketRequest, attend
from arena.event.folder import Event
from arena.processes.workers import workers
from arena.scoreboard.results import Standing
from envs.errors import RecordingError
from envs.rules import Rules
from recordings.codec import SUFFIX, read
from recordings.recording import Recording
from recordings.storage import JOURNAL_SUFFIX, write_atomically

FRESH_SECONDS = 30.0
"""Standings that are older are not the server's any more: it can't be reached."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TicketRefused:
    """The server gives no ticket."""

    reason: str


class Watched:
    """One ranked game: what was kept of it goes into the outbox.

    Args:
        outbox: the event folder's.
        ticket: the number of the person's; None for a game that the server doesn't know of.
        over: called when a recording was put in, with whether it is the person's.
    """

    def __init__(self, outbox: Outbox, ticket: str | None, over: Callable[[bool], None]) -> None:
        self._outbox = outbox
        self._ticket = ticket
        self._over = over

    def __call__(self, recording: Recording, path: Path) -> None:
        """Take a recording that was just saved at `path`; on return it is in the outbox.

        Raises:
            EventError: the disk is full.
        """
        persons = recording.player.kind == Kind.HUMAN.value
        self._outbox.add(path, self._ticket if persons else None)
        self._over(persons)


class Station:
    """A kiosk with a server; make it with `station`.

    Args:
        event: the event folder.
        games: that are played here.
        rules: the name of their rules.
        url, token: the server's address, and a token of a station.
    """

    def __init__(self, event: Event, games: tuple[str, ...], rules: str, url: str, token: str) -> None:
        self._event = event
        self._url = url
        self._arguments = event.folder, games, rules, url, token
        self.outbox = Outbox(event.folder)
        self._notes = event.folder / "station" / "tickets"
        self._numbers = count(1)
        self._wished = 0
        self._answer: RankedTicket | TicketRefused | None = None
        self._process = ExitStack()
        self._guard = Lock()
        """Held while the pipe is written to: also the threads that save recordings do that."""
        self._pipe: Connection | None = None
        # What an earlier process has left; games that begin from now on are none of it.
        self._left_notes = sorted(self._notes.glob("*.json"))
        self._left = sorted(event.recordings.glob(f"*{SUFFIX}"))

    @property
    def url(self) -> str:
        return self._url

    # -- tickets ------------------------------------------------------------------------------------------------------

    def wish(self, player: str, rules: Rules, seed: int | None) -> None:
        """Ask for a ticket; `answer` says when it is there."""
        self._wished, self._answer = next(self._numbers), None
        self._say(TicketRequest(self._wished, player, rules.game, rules.label, seed))

    def answer(self) -> RankedTicket | TicketRefused | None:
        """Return what became of the last wish; None as long as there is no answer."""
        with suppress(OSError, EOFError):
            while self._pipe is not None and self._pipe.poll():
                answer: TicketAnswer = self._pipe.recv()
                if answer.number == self._wished:
                    self._answer = answer.ticket or TicketRefused(answer.reason)
        return self._answer

    def begin(self, ticket: RankedTicket | None) -> Watched:
        """Say that a ranked game begins, with a ticket or without; return what takes its recordings.

        Raises:
            EventError: the disk is full.
        """
        self._wished, self._answer = 0, None
        if ticket is None:
            return Watched(self.outbox, None, lambda persons: self._say(OutboxNotice()))
        note, folder = self._notes / f"{ticket.id}.json", self._event.recordings
        known = [path.name for path in folder.glob(_recordings_of(ticket.rules, ticket.seed))]
        said = {"ticket": ticket.id, "player": ticket.player, "rules": ticket.rules.as_dict(), "seed": ticket.seed}
        said["known"] = known
        write_atomically(note, json.dumps(said).encode())
        self._say(Begin(ticket, frozenset(path.name for path in folder.glob(f"*{JOURNAL_SUFFIX}"))))

        def over(persons: bool) -> None:
            if persons:
                note.unlink(missing_ok=True)
            self._say(OutboxNotice())

        return Watched(self.outbox, ticket.id, over)

    def settle(self, recovered: Sequence[Path]) -> None:
        """Put into the outbox what an earlier process could not, before it was killed.

        Args:
            recovered: recordings that were made of its journals just now.

        Raises:
            EventError: the disk is full.
        """
        there = {*self._left, *recovered}
        for note in self._left_notes:
            try:
                said = json.loads(note.read_bytes())
                path = _played(said, there)
                if path is not None:
                    self.outbox.add(path, said["ticket"])
            except (OSError, ValueError, KeyError, TypeError) as error:
                log.warning("The note %s can't be used (%s).", note.name, error)
            note.unlink(missing_ok=True)
        held = self.outbox.recordings()
        for path in sorted(there):
            with suppress(RecordingError, OSError):
                if _sha256(path) not in held:
                    self.outbox.add(path)
        self._say(OutboxNotice())

    # -- news ---------------------------------------------------------------------------------------------------------

    def standings(self, game: str) -> list[Standing] | None:
        """Return the server's standings of `game`; None if it hasn't been heard for a while."""
        news = read_news(self._event.folder)
        try:
            if not 0 <= time.time() - news["heard"] <= FRESH_SECONDS:
                return None
            return [_standing(one) for one in news["standings"][game]]
        except (KeyError, TypeError, ValueError):
            return None

    # -- the other process --------------------------------------------------------------------------------------------

    def _say(self, message: TicketRequest | Begin | OutboxNotice) -> None:
        """Send a message; if the other process has died, to a new one."""
        with self._guard:
            for _ in range(2):
                if self._pipe is None:
                    (self._pipe,) = self._process.enter_context(workers(attend, [self._arguments]))
                try:
                    self._pipe.send(message)
                    return
                except OSError:
                    log.warning("What talks to the server has died; it is started again.")
                    self._process.close()
                    self._pipe = None

    def open(self) -> None:
        self._say(OutboxNotice())  # there may be something from before

    def close(self) -> None:
        self._process.close()
        self._pipe = None


@contextmanager
def station(event: Event, games: tuple[str, ...], rules: str, url: str, token: str) -> Iterator[Station]:
    """Give a Station whose other process runs. It need not reach its server, now or ever."""
    one = Station(event, games, rules, url, token)
    one.open()
    try:
        yield one
    finally:
        one.close()


def read_news(folder: Path) -> dict[str, Any]:
    """Return what is known of the server in an event folder: `name` of the station, `server`, `heard` (seconds since
    1970), `trouble`, `standings`; empty if there is none."""
    try:
        found: dict[str, Any] = json.loads((folder / "station" / NEWS_FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _standing(value: dict[str, Any]) -> Standing:
    known = {field.name: value[field.name] for field in fields(Standing)}
    known["kind"] = Kind(known["kind"])
    if isinstance(known["last_played"], str):
        known["last_played"] = datetime.fromisoformat(known["last_played"])
    return Standing(**known)


def _recordings_of(rules: Rules, seed: int) -> str:
    return f"{rules.game}-*-s{seed}-*{SUFFIX}"


def _played(said: dict[str, Any], there: set[Path]) -> Path | None:
    """Return the recording of the game that a note was written for."""
    rules = Rules.from_dict(said["rules"])
    for path in sorted(there):
        if path.match(_recordings_of(rules, said["seed"])) and path.name not in said["known"]:
            with suppress(RecordingError):
                found = read(path)
                if (found.player.name, found.player.kind, found.rules) == (said["player"], Kind.HUMAN.value, rules):
                    return path
    return None


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
