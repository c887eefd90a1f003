"""Follows the database and the running games in a thread, so that the picture never waits for either."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from arena.event.folder import Event
from arena.event.log import TOURNAMENT, Entry, Log
from arena.scoreboard.store import Scoreboard
from arena.stage import bookmark
from arena.stage.live_games import Journals, LiveTickets, Running, RunningGame, hidden_names
from arena.tournament.model import Format, ScoreSlot, TournamentState, state_of
from arena.tournament.runner import TournamentRunner, tournaments
from arena.tournament.sides import sides_of, verdict_of
from arena.tournament.standings import is_over, open_slots
from envs.errors import ArenaError

POLL_SECONDS = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class News:
    """What was there at the last look. Nothing in it changes afterwards."""

    tournament: str = ""
    """Its name; empty if there is none."""
    state: TournamentState | None = None
    running: Running = field(default_factory=dict)
    seeds: Mapping[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)
    """By stage and game; those that can't be computed here are missing."""
    waiting: tuple[ScoreSlot, ...] = ()
    """What people have to play next."""
    over: bool = False
    verdict: str = ""
    """When a team battle is over: people against bots, in words."""
    hidden: frozenset[str] = frozenset()
    """Names that are not shown."""
    trouble: str = ""
    """Why this is old; empty if it isn't."""


class Follower:
    """Looks once a second. Use it as a context; `news` is the last look.

    Args:
        event: the event folder.
        db: the scoreboard, if not the event folder's.
        name: the tournament; None for the one that was begun last.
    """

    def __init__(self, event: Event, db: str | None, name: str | None) -> None:
        self.event = event
        self._db = db or str(event.database)
        self._file: Path | None = event.database if db is None else None
        self.name = name
        self._journals = Journals(event.recordings)
        self._board: Scoreboard | None = None
        self._tickets: LiveTickets | None = None
        self._entries: list[Entry] = []
        self._begun: tuple[list[str], str | None] = [], None
        """All tournaments, and which of them was begun last."""
        self._to_keep: bytes | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self.news = News()

    def __enter__(self) -> Self:
        self.look()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End; what was to be kept is kept."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        self._keep()
        if self._board is not None:
            self._board.close()

    def keep(self, text: bytes) -> None:
        """Write `arena.stage.bookmark.text_of` the place in the show soon."""
        self._to_keep = text

    def _run(self) -> None:
        while not self._over.wait(POLL_SECONDS):
            self.look()
            self._keep()  # here, not where it is drawn: a disk may take its time

    def _keep(self) -> None:
        text, self._to_keep = self._to_keep, None
        if text is not None:
            bookmark.save(text, self.event.folder)

    def look(self) -> None:
        """Look now. What can't be read now is as it was."""
        try:
            self.news = self._looked()
        except ArenaError as error:
            if not self.news.trouble:
                log.warning("%s", error)
            self.news = replace(self.news, trouble=str(error))
        except Exception as error:  # the show goes on with what it knows
            log.exception("The tournament could not be read")
            self.news = replace(self.news, trouble=f"{type(error).__name__}: {error}")

    def _looked(self) -> News:
        if self._board is None:
            if self._file is not None and not self._file.exists():
                return News()  # looking shall not make a database
            self._board = Scoreboard.open(self._db)
            self._tickets = LiveTickets(self._board.engine)
        assert self._tickets is not None
        entries = self._new_entries(Log(self._board.engine))
        running: dict[RunningGame, bytes] = dict(self._journals.running())
        for played, actions in self._tickets.running().items():
            if len(actions) > len(running.get(played, b"")):
                running[played] = actions
        if not entries:
            return News(running=running)
        before = self.news
        if entries is self._entries and before.state is not None and before.tournament == entries[0].body["name"]:
            return replace(before, running=running, hidden=hidden_names(self._board.engine), trouble="")
        self._entries = entries
        return replace(self._judged(entries), running=running, hidden=hidden_names(self._board.engine))

    def _new_entries(self, the_log: Log) -> list[Entry]:
        """Return the tournament's lines; the very same list if nothing was added."""
        name = self.name or self._newest(the_log)
        if name is None:
            return []
        stream, known = TOURNAMENT + name, self._entries
        if known and known[0].stream == stream:
            last = known[-1]
            more = the_log.entries(stream, last.number - 1)
            if more and more[0] == last:
                return known if len(more) == 1 else [*known, *more[1:]]
        return the_log.entries(stream)

    def _newest(self, the_log: Log) -> str | None:
        """Return the tournament that was begun last."""
        names = tournaments(the_log)
        if names != self._begun[0]:
            began = {name: the_log.entries(TOURNAMENT + name)[0].at for name in names}
            self._begun = names, max(began, key=lambda name: began[name], default=None)
        return self._begun[1]

    def _judged(self, entries: list[Entry]) -> News:
        """Return what the lines say."""
        assert self._board is not None
        state = state_of(entries)
        name = state.plan.name
        over = is_over(state)
        people = {entrant.name for entrant in state.entrants if entrant.human}
        waiting = tuple(slot for slot in open_slots(state) if slot.player in people)
        verdict = ""
        if over and state.plan.format is Format.TEAM and state.scores:
            verdict = verdict_of(state, sides_of(state)).sentence
        return News(name, state, seeds=self._seeds(state, waiting), waiting=waiting, over=over, verdict=verdict)

    def _seeds(self, state: TournamentState, waiting: tuple[ScoreSlot, ...]) -> dict[tuple[str, str], tuple[int, ...]]:
        assert self._board is not None
        one = TournamentRunner(self.event, self._board, state.plan.name)
        found = {}
        for place in {(slot.stage, slot.game) for slot in waiting}:
            try:
                found[place] = one.seeds(state.plan, *place)
            except ArenaError as error:  # the secret is elsewhere: running games are then shown once both are booked
                log.warning("The running games can't be told apart: %s", error)
                break
        return found
