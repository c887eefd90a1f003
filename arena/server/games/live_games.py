"""The games that run just now, as far as their stations have told. In memory, made anew from the database at start."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from envs.rules import Rules


def public_id(ticket: str) -> str:
    """Return the name under which everybody may see a ticket's game: nobody can play with it."""
    return hashlib.sha256(f"arena live {ticket}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class LiveGame:
    """A running game. `seed` and `rules` are for making pictures on the server; no answer may hold the seed."""

    id: str
    player: str
    station: str
    rules: Rules
    seed: int
    frames: int
    """Frames that are known here."""
    started_at: datetime

    @property
    def game(self) -> str:
        return self.rules.game


@dataclass
class Known:
    """What is kept of a running game."""

    ticket: str
    token: int
    player: str
    station: str
    rules: Rules
    seed: int
    started_at: datetime
    head: str
    """The newest chain head."""
    heard: float
    """When something was heard of it, in seconds of the server's clock."""
    actions: bytearray = field(default_factory=bytearray)
    lock: Lock = field(default_factory=Lock)
    """Held while its links are stored: they come one after the other."""


class Live:
    """Running games by ticket. May be used by several threads at once."""

    def __init__(self) -> None:
        self._games: dict[str, Known] = {}
        self._tickets: dict[str, str] = {}
        self._guard = Lock()

    def games(self) -> list[LiveGame]:
        """Return the running games, the oldest first."""
        with self._guard:
            return [_shown(known) for known in self._games.values()]

    def actions(self, game: str) -> bytes:
        """Return the actions of a running game so far, by its public id; nothing if it isn't running."""
        with self._guard:
            known = self._games.get(self._tickets.get(game, ""))
            return b"" if known is None else bytes(known.actions)

    def find(self, ticket: str) -> Known | None:
        with self._guard:
            return self._games.get(ticket)

    def begin(self, known: Known) -> None:
        with self._guard:
            self._games.setdefault(known.ticket, known)
            self._tickets[public_id(known.ticket)] = known.ticket

    def end(self, ticket: str) -> None:
        with self._guard:
            self._games.pop(ticket, None)
            self._tickets.pop(public_id(ticket), None)

    def quiet(self, since: float) -> list[str]:
        """Return the tickets of which nothing was heard after `since` (seconds of the server's clock)."""
        with self._guard:
            return [ticket for ticket, known in self._games.items() if known.heard < since]


def _shown(known: Known) -> LiveGame:
    return LiveGame(
        public_id(known.ticket),
        known.player,
        known.station,
        known.rules,
        known.seed,
        len(known.actions),
        known.started_at,
    )
