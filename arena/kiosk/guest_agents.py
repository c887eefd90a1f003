"""Agents of participants that guests may play against: those in `agents/` of the event folder that are admitted."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from agents.packages import admit
from arena.event.blocked_words import WordList
from arena.scoreboard.server_tables import DONE, HiddenNameRow, SubmissionRow
from arena.scoreboard.store import Scoreboard
from envs.errors import ArenaError
from envs.games import Game

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Admitted:
    """An agent's file that was read and may play."""

    path: Path
    name: str
    """On the scoreboard: its owner's choice where it was sent to a server, else the one in the file."""
    games: frozenset[str]
    """ROM names of those of the kiosk's games that it can play."""


class AdmittedAgents:
    """Reads a folder of agents; each file once, until it changes.

    Args:
        folder: of agent packages and SB3 zips; need not exist.
        board: the scoreboard. What was sent to a server with that database is offered once it has been evaluated, under
            the name that its owner gave it.
        words: what no name may hold.
        games: the kiosk's.
    """

    def __init__(self, folder: Path, board: Scoreboard, words: WordList, games: tuple[Game, ...]) -> None:
        self._folder = folder
        self._board = board
        self._words = words
        self._games = games
        self._read: dict[tuple[Path, int, int], tuple[Admitted, str] | None] = {}
        """What a file came to, with its SHA-256; None: it is not admitted."""

    def all(self) -> list[Admitted]:
        """Return who may be played against, sorted by name; files that aren't admitted are left out."""
        try:
            return sorted(self._offered(), key=lambda one: one.name)
        except (ArenaError, OSError) as error:
            log.warning("No agents of participants: %s", error)
            return []

    def _offered(self) -> Iterator[Admitted]:
        if not self._folder.is_dir():
            return
        sent, hidden = self._sent()
        for path in sorted(self._folder.glob("*.zip")):
            found = self._known(path)
            if found is None:
                continue
            one, sha256 = found
            for known in [one] if sha256 not in sent else sent[sha256].offered(one):
                if known.name not in hidden and not self._words.refuses(known.name):
                    yield known

    def _sent(self) -> tuple[dict[str, _Sent], frozenset[str]]:
        """Return what was sent to a server, by SHA-256, and the names that an organizer has hidden."""
        columns = select(
            SubmissionRow.artifact_sha256, SubmissionRow.name, SubmissionRow.game, SubmissionRow.state
        ).order_by(SubmissionRow.id)
        sent: dict[str, _Sent] = {}
        with self._board.reading() as session:
            for sha256, name, game, state in session.execute(columns):
                done = sent.setdefault(sha256, _Sent({}))
                if state == DONE:
                    done.games.setdefault(name, set()).add(game)
            return sent, frozenset(session.scalars(select(HiddenNameRow.name)))

    def _known(self, path: Path) -> tuple[Admitted, str] | None:
        stat = path.stat()
        key = (path, stat.st_mtime_ns, stat.st_size)
        if key not in self._read:
            self._read[key] = self._admitted(path)
        return self._read[key]

    def _admitted(self, path: Path) -> tuple[Admitted, str] | None:
        try:
            package = admit(path)
        except ArenaError as error:
            log.warning("%s is not offered: %s", path, error)
            return None
        games = set()
        for game in self._games:
            try:
                package.check_game(game)
            except ArenaError:
                continue
            games.add(game.name)
        return Admitted(path, package.name, frozenset(games)), package.sha256


@dataclass(frozen=True, slots=True)
class _Sent:
    """An agent that was sent to a server."""

    games: dict[str, set[str]]
    """Where it has been evaluated, by the names its owners gave it."""

    def offered(self, one: Admitted) -> Iterator[Admitted]:
        for name, games in self.games.items():
            yield Admitted(one.path, name, one.games & games)
