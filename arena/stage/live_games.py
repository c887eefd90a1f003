"""Where the actions of a game come from: its recording, or, while it is played, its journal on this machine and what
its station has told the server. A game that runs is known up to a second or two ago."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from arena.scoreboard.database import plain_errors
from arena.scoreboard.server_tables import HeadRow, HiddenNameRow, TicketRow
from arena.tournament.model import Entrant, Score
from envs.errors import ArenaError
from envs.rules import Rules
from recordings.codec import read
from recordings.recording import Recording
from recordings.storage import JOURNAL_SUFFIX, read_journal

QUIET_SECONDS = 90.0
"""A journal or ticket of which nothing came for so long isn't played any more; a person's pauses are shorter."""

log = logging.getLogger(__name__)


class RunningGame(NamedTuple):
    """Whose running game it is."""

    player: str
    rules_id: str
    seed: int


Running = Mapping[RunningGame, bytes]
"""The actions so far of every game that is played just now."""


def recording_of(score: Score, entrant: Entrant, rules: Rules, folder: Path) -> Recording:
    """Return the recording of a booked score.

    Raises:
        ArenaError: it is gone, can't be read, or isn't the one that was booked.
    """
    if score.recording is None:
        raise ArenaError("The recording was removed because its player asked for it.")
    path = folder / score.recording
    recording = read(path)
    found = (recording.player.name, recording.rules.rules_id, recording.seed, recording.score)
    expected = (entrant.name, rules.rules_id, score.seed, score.score)
    if found != expected or (score.sha256 and hashlib.sha256(path.read_bytes()).hexdigest() != score.sha256):
        raise ArenaError(f"{path.name} is not the recording that was booked.")
    return recording


class Journals:
    """The games that are played on this machine: their journals in the event folder.

    Args:
        folder: where recordings lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def running(self) -> dict[RunningGame, bytes]:
        """Return the actions of every game whose journal has grown lately."""
        found: dict[RunningGame, tuple[datetime, bytes]] = {}
        for path in sorted(self._folder.glob(f"*{JOURNAL_SUFFIX}")):
            with suppress(OSError, ArenaError):  # over meanwhile, or only just begun
                if time.time() - path.stat().st_mtime > QUIET_SECONDS:
                    continue
                header, actions = read_journal(path.read_bytes())
                key = RunningGame(header.player.name, header.rules.rules_id, header.seed)
                began = header.started_at if header.started_at.tzinfo else header.started_at.replace(tzinfo=UTC)
                if key not in found or found[key][0] < began:
                    found[key] = began, actions
        return {key: actions for key, (_, actions) in found.items()}


class LiveTickets:
    """The games that stations tell the server of, read from its tables.

    Args:
        engine: the database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[str, bytearray] = {}
        self._heard: dict[str, float] = {}

    def running(self) -> dict[RunningGame, bytes]:
        """Return the actions of every started game, as far as they were told.

        Raises:
            ScoreboardError: the database can't be read.
        """
        found: dict[RunningGame, bytes] = {}
        query = select(TicketRow.id, TicketRow.player, TicketRow.rules_id, TicketRow.seed)
        with plain_errors(self._engine.url), Session(self._engine) as session:
            tickets = session.execute(query.where(TicketRow.state == "started").order_by(TicketRow.started_at)).all()
            for ticket, player, rules_id, seed in tickets:
                actions = self._known.setdefault(ticket, bytearray())
                heads = select(HeadRow.actions).where(HeadRow.ticket == ticket, HeadRow.frame > len(actions))
                for (more,) in session.execute(heads.order_by(HeadRow.frame)):
                    actions += more
                    self._heard[ticket] = time.monotonic()
                if time.monotonic() - self._heard.setdefault(ticket, time.monotonic()) < QUIET_SECONDS and actions:
                    found[RunningGame(player, rules_id, seed)] = bytes(actions)
        over = self._known.keys() - {ticket for ticket, *_ in tickets}
        for ticket in over:
            del self._known[ticket]
            self._heard.pop(ticket, None)
        return found


def hidden_names(engine: Engine) -> frozenset[str]:
    """Return the names that the organizers have hidden.

    Raises:
        ScoreboardError: the database can't be read.
    """
    with plain_errors(engine.url), Session(engine) as session:
        return frozenset(session.scalars(select(HiddenNameRow.name)))
