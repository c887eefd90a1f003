"""What the kiosk knows of its event: games, opponents, seeds, standings, what to show, and how a match is counted."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from itertools import chain, zip_longest
from pathlib import Path
from threading import Lock

import numpy as np

import recordings
from agents.load import SCRIPT_PREFIX, house_bots
from agents.player import Kind
from arena.client.offline import Alone, Connection
from arena.engine.evaluate import Handling
from arena.event.blocked_words import WordList
from arena.event.folder import Event, server_url
from arena.event.lifecycle import EventLifecycle
from arena.event.log import Log
from arena.event.secrets import ranked_seeds
from arena.kiosk.guest_agents import AdmittedAgents
from arena.kiosk.settings import KioskSettings
from arena.play.opponent_loading import LoadingOpponent
from arena.scoreboard.publish import publish
from arena.scoreboard.results import Result, Standing
from arena.scoreboard.store import Scoreboard
from arena.stats.comparison import percentile_rank
from arena.ui.show import replay
from envs.errors import ArenaError, EventError
from envs.games import GAMES, HUMAN, Game, Reference, find_game
from envs.rules import Rules, named_rules
from recordings.codec import read

GOLDEN = Path(recordings.__file__).parent / "golden"
"""Games that are there before anybody has played."""
CLIPS_PER_GAME = 3
STILL_FRAME = 900
"""Emulated frame of the golden game that stands for a game in a menu: after fifteen seconds something is going on."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpponentChoice:
    """Somebody to play against."""

    agent: str
    """What `arena.engine.evaluate.load` takes."""
    mean: float | None
    """Mean score on this event's standings; None before its first game."""
    named: str | None = None
    """A participant's agent: its name on the standings. Such ones play in the sandbox."""

    @property
    def name(self) -> str:
        return self.agent if self.named is None else self.named

    def start(self, rules: Rules) -> LoadingOpponent:
        """Start its process."""
        return LoadingOpponent(self.agent, rules, handling=Handling(sandbox=self.named is not None), name=self.named)


@dataclass(frozen=True, slots=True)
class MatchOutcome:
    """What a match came to on the scoreboard."""

    place: int
    """Rank among all players of the game, people and machines."""
    players: int
    percentile: float | None
    """Percentage of the other people whom this person's mean beats, equal ones counted half; None if there are none."""
    mean: float
    """Mean of all the person's games that count."""
    best_before: float | None
    """Best score of this name before this match; None if it is new."""
    not_counted: tuple[str, ...] = ()
    """Why games of this match don't count, one sentence part each."""
    standings: tuple[Standing, ...] = ()
    """Those that `place` is one of."""


class House:
    """The event as the kiosk sees it.

    Args:
        event: its folder.
        board: its scoreboard.
        settings: what the organizer has set.
        words: what no name may hold.
        station: the connection with the event's server.
    """

    def __init__(
        self,
        event: Event,
        board: Scoreboard,
        settings: KioskSettings,
        words: WordList,
        station: Connection = Alone(),  # noqa: B008  # it has no state
    ) -> None:
        self.event = event
        self.board = board
        self.settings = settings
        self.words = words
        self.station = station
        self.url = server_url(event)
        """Address of the scoreboard that guests are shown; empty: the station's, if it has one."""
        self.games = tuple(find_game(name) for name in settings.games)
        self.admitted = AdmittedAgents(event.agents, board, words, self.games)

    def rules(self, game: Game) -> Rules:
        return named_rules(game, self.settings.rules)

    def seeds(self, game: Game) -> tuple[int, ...]:
        """Return the seeds of a ranked match, `settings.rounds` of them."""
        return ranked_seeds(self.event.folder, self.rules(game), self.settings.rounds)

    @property
    def is_over(self) -> bool:
        """Whether no ranked game begins any more, by the log in this event folder; a server answers for itself."""
        try:
            return not EventLifecycle(self.event, Log(self.board.engine)).state().phase.takes_station_games
        except ArenaError as error:
            log.warning("Nobody knows whether the event is open: %s", error)
            return False

    def may_play(self, game: Game, name: str) -> bool:
        """Whether a person of that name has ranked games left today (UTC), as far as this kiosk knows."""
        today = datetime.now(UTC).date()
        rules_id = self.rules(game).rules_id
        try:
            results = self.board.results(game=game.name, rules_id=rules_id, player=name)
        except ArenaError as error:
            log.warning("Nobody knows how often %s has played: %s", name, error)
            return True
        attempts = sum(r.kind is Kind.HUMAN and r.started_at.date() == today for r in results)
        return attempts < self.event.settings.quotas.attempts_per_day

    def opponents(self, game: Game) -> list[OpponentChoice]:
        """Return who can be played against: house bots, participants' agents, the arena's script; the strongest
        first."""
        agents = house_bots(game) + ([f"{SCRIPT_PREFIX}basic"] if game.name in GAMES else [])
        means = {s.player: s.mean for s in self.standings(game) if s.kind is not Kind.HUMAN}
        opponents = [OpponentChoice(agent, means.get(agent)) for agent in agents]
        opponents += [
            OpponentChoice(str(one.path), means.get(one.name), one.name)
            for one in self.admitted.all()
            if game.name in one.games and one.name not in agents
        ]
        return sorted(opponents, key=lambda choice: -1.0 if choice.mean is None else choice.mean, reverse=True)

    def standings(self, game: Game) -> list[Standing]:
        """Return the standings of `game`, the server's if it was heard lately, else this kiosk's own; empty if the
        scoreboard doesn't answer: the kiosk goes on without."""
        if (shared := self.station.standings(game.name)) is not None:
            return shared
        try:
            return self.board.standings(game.name, self.rules(game).rules_id)
        except ArenaError as error:
            log.warning("No standings: %s", error)
            return []

    def has_played(self, name: str) -> bool:
        """Whether a person of that name stands on the scoreboard."""
        return any(
            standing.player == name and standing.kind is Kind.HUMAN
            for game in self.games
            for standing in self.standings(game)
        )

    def is_a_machine(self, name: str) -> bool:
        """Whether a bot or script has that name."""
        small = name.casefold()
        if small.startswith(SCRIPT_PREFIX):
            return True
        names = {one.name for one in self.admitted.all()}
        for game in self.games:
            names.update(house_bots(game), (s.player for s in self.standings(game) if s.kind is not Kind.HUMAN))
        return small in {name.casefold() for name in names}

    def clips(self, game: Game) -> list[Path]:
        """Return recordings worth showing: the best of different players of the event, people and machines in turn."""
        try:
            results = self.board.results(game=game.name, rules_id=self.rules(game).rules_id)
        except ArenaError as error:
            log.warning("No recordings to show: %s", error)
            results = []
        best: dict[tuple[str, Kind], Result] = {}
        for result in results:
            there = best.get((result.player, result.kind))
            if there is None or result.score > there.score:
                best[result.player, result.kind] = result
        ordered = sorted(best.values(), key=lambda result: -result.score)
        people = [self._file_of(result) for result in ordered if result.kind is Kind.HUMAN]
        machines = [self._file_of(result) for result in ordered if result.kind is not Kind.HUMAN]
        mixed = chain.from_iterable(zip_longest(people, machines))
        return [path for path in mixed if path is not None and path.is_file()][:CLIPS_PER_GAME]

    def performers(self, game: Game) -> list[str]:
        """Return who plays live in attract mode while there are no recordings: house bots, else the arena's script."""
        return house_bots(game) or ([f"{SCRIPT_PREFIX}basic"] if game.name in GAMES else [])

    def golden(self, game: Game) -> Path:
        """Return a recording of `game` that comes with the arena.

        Raises:
            EventError: there is none.
        """
        paths = sorted(GOLDEN.glob(f"{game.name}-*-script-basic-*"))
        if not paths:
            raise EventError(f"No recording of {game.name} comes with the arena.")
        return paths[0]

    def _file_of(self, result: Result) -> Path:
        return self.event.recordings / result.recording_name

    # -- counting ----------------------------------------------------------------------------------------------------

    def count(self, game: Game, name: str, games: Sequence[Path]) -> MatchOutcome:
        """Verify and book a match's recordings and say where the person stands now. Takes a second or two for each.

        Raises:
            ScoreboardError, EventError: the scoreboard can't be used; the recordings are kept, and a later start of
                the kiosk books them.
        """
        rules = self.rules(game)
        before = [
            result
            for result in self.board.results(game=game.name, rules_id=rules.rules_id, player=name)
            if result.kind is Kind.HUMAN and result.recording_name not in {path.name for path in games}
        ]
        publications = publish(games, self.board, processes=1)
        standings = self.board.standings(game.name, rules.rules_id)
        if (shared := self.station.standings(game.name)) is not None:
            standings = with_own(shared, standings, name)
        people = [standing for standing in standings if standing.kind is Kind.HUMAN]
        mine = next((standing for standing in people if standing.player == name), None)
        refused = tuple(b.verification.reason for b in publications if not b.verification.ok)
        if mine is None:
            return MatchOutcome(0, len(standings), None, 0.0, None, refused)
        others = [standing.mean for standing in people if standing is not mine]
        return MatchOutcome(
            place=mine.rank,
            players=len(standings),
            percentile=percentile_rank(mine.mean, others) if others else None,
            mean=mine.mean,
            best_before=max((result.score for result in before), default=None),
            not_counted=refused,
            standings=tuple(standings),
        )


def with_own(shared: Sequence[Standing], own: Sequence[Standing], name: str) -> list[Standing]:
    """Return the server's standings with what this kiosk knows of a person: the server hears of the last games a moment
    later. Who has played elsewhere, too, is known better there."""
    mine = [s for s in (*shared, *own) if s.player == name and s.kind is Kind.HUMAN]
    if not mine:
        return list(shared)
    best_known = max(mine, key=lambda standing: standing.episodes)
    others = [s for s in shared if s not in mine]
    ordered = sorted([*others, best_known], key=lambda standing: -standing.mean)
    return [replace(s, rank=1 + sum(other.mean > s.mean for other in ordered)) for s in ordered]


def human_reference(game: Game) -> Reference | None:
    """Return the published score of people that results are compared with."""
    return game.reference(HUMAN)


def still(game: Game) -> np.ndarray | None:
    """Return a picture that stands for `game`, uint8 (height, 160, 3); None if there is none. Always the same array."""
    with _one_at_a_time:
        return _still(game)


_one_at_a_time = Lock()


@cache
def _still(game: Game) -> np.ndarray | None:
    paths = sorted(GOLDEN.glob(f"{game.name}-*-script-basic-*"))
    if not paths:
        return None
    show = replay([read(paths[0])])
    while show.advance() and show.ticks < STILL_FRAME:
        pass
    return show.panels[0].picture().copy()
