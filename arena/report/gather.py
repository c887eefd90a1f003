"""What the report tells, gathered from the event folder. Nothing is played or changed here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from agents.delay import DELAYS_MS, delayed_name, is_delayed
from agents.player import Kind
from arena.event.folder import Event
from arena.event.lifecycle import EventState
from arena.event.lifecycle import state_of as phases_of
from arena.event.log import EVENT, TOURNAMENT, Log
from arena.report.event_page import verdicts_of
from arena.scoreboard.results import Result, RulesClass, Standing
from arena.scoreboard.store import Scoreboard
from arena.stats.ratings import Meeting, Rating, Strength, bradley_terry, ladder
from arena.stats.verdicts import ALPHA, EventVerdicts, Scores, against_reference
from arena.tournament.model import Format, TournamentState, state_of
from arena.tournament.qualification import Move, moves
from arena.tournament.sides import meetings_of, shown_states, sides_of, verdict_of
from arena.tournament.standings import FIRST, Duel, StandingsLine, round_title, rounds, standings
from arena.tournament.teams import TeamLine, team_standings
from envs.games import GAMES, Game, find_game

MANY = 24
"""More players than this are cut off in tables on paper, and their duels aren't listed."""


@dataclass(frozen=True, slots=True)
class NotableDuel:
    """Two players whose games on the same seeds are worth telling."""

    stage: str
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class Tournament:
    """One tournament as the report shows it."""

    state: TournamentState
    lines: Sequence[StandingsLine]
    duels: Sequence[tuple[str, Sequence[Duel]]]
    """Title and duels of each round; empty if there are too many."""
    outcome: EventVerdicts | None
    """People against bots; None if they have played no seed in common."""
    seeds: Mapping[tuple[str, str], Sequence[tuple[int, int]]]
    """Number and seed of what was played, by stage and game."""
    delayed: Mapping[int, EventVerdicts]
    """The same people against bots with a reaction delay, by milliseconds; empty if the bots haven't played so."""
    delayed_means: Mapping[str, tuple[float, Mapping[int, float]]]
    """By game: the mean of the people, and that of the bots by delay, on the same seeds."""
    finals: Mapping[str, NotableDuel]
    """Whose story is told, by game."""

    @property
    def title(self) -> str:
        return self.state.plan.title

    @property
    def teams(self) -> list[TeamLine]:
        return team_standings(self.lines, self.state.entrants)


@dataclass(frozen=True, slots=True)
class Ranking:
    """Strengths in one game, or in all."""

    title: str
    strengths: Sequence[Strength]
    ratings: Mapping[str, Rating]
    kinds: Mapping[str, Kind]


@dataclass(frozen=True, slots=True)
class GameView:
    """One game under one set of rules."""

    game: Game
    rules: RulesClass
    standings: Sequence[Standing]
    results: Sequence[Result]
    """The latest first."""
    verdicts: Sequence[str]
    moves: Sequence[Move]
    reference: str | None

    @property
    def rules_text(self) -> str:
        """Return what the rules are called, with the beginning of their id where that isn't their name."""
        short = self.rules.rules_id[:8]
        return short if self.rules.label == short else f"{self.rules.label} ({short})"

    @property
    def attempts(self) -> dict[str, list[float]]:
        """Scores of people who have played more than once, in the order in which they were played."""
        found: dict[str, list[tuple[object, float]]] = {}
        for result in self.results:
            if result.kind is Kind.HUMAN:
                found.setdefault(result.player, []).append((result.started_at, result.score))
        return {name: [score for _, score in sorted(played)] for name, played in found.items() if len(played) > 1}

    @property
    def scores_by_kind(self) -> dict[str, list[float]]:
        found: dict[str, list[float]] = {}
        for result in self.results:
            if not is_delayed(result.player):
                found.setdefault(result.kind.value, []).append(result.score)
        return found


@dataclass(frozen=True, slots=True)
class Report:
    """All that the report tells, apart from pictures and films."""

    title: str
    when: date
    event: EventState
    tournaments: Sequence[Tournament]
    games: Sequence[GameView]
    rankings: Sequence[Ranking]
    rehearsal: bool = False
    """Whether there were only tournaments on practice seeds."""
    references: Sequence[str] = field(default_factory=tuple)

    @property
    def outcome(self) -> EventVerdicts | None:
        """The verdict that stands at the top: of the last team battle, or else of the last tournament with both."""
        both = [one for one in self.tournaments if one.outcome is not None]
        battles = [one for one in both if one.state.plan.format is Format.TEAM]
        return (battles or both)[-1].outcome if both else None

    @property
    def results(self) -> list[Result]:
        return [result for game in self.games for result in game.results]


def gather(event: Event, board: Scoreboard) -> Report:
    """Gather the report of an event.

    Raises:
        ScoreboardError: the scoreboard can't be read.
        EventError: its log contradicts itself.
    """
    log = Log(board.engine)
    states = [state_of(log.entries(stream)) for stream in log.streams() if stream.startswith(TOURNAMENT)]
    real = [state for state in states if not state.plan.practice]
    shown = shown_states(states)
    tournaments = [_tournament(state, board) for state in shown]
    hidden = _hidden(real)
    games = _games(board, hidden, event.settings.seeds.practice)
    phases = phases_of(log.entries(EVENT))
    references = [sentence for one in games if (sentence := one.reference) is not None]
    return Report(
        event.name, date.today(), phases, tournaments, games, rankings_of(shown), not real and bool(states), references
    )


def _tournament(state: TournamentState, board: Scoreboard) -> Tournament:
    lines = standings(state)
    listed = len(state.entrants) <= MANY and state.plan.format in (Format.DUEL, Format.KNOCKOUT)
    duels = [(round_title(state, i), one) for i, one in enumerate(rounds(state))] if listed else []
    seeds: dict[tuple[str, str], dict[int, int]] = {}
    for (stage, game, index, _), score in state.scores.items():
        seeds.setdefault((stage, game), {})[index] = score.seed
    ordered = {key: sorted(found.items()) for key, found in sorted(seeds.items())}
    found = verdict_of(state, sides_of(state))
    outcome = found if any(one.differences for one in found.games) else None
    delayed = {} if outcome is None else _delayed(state, board)
    verdicts = {milliseconds: verdict_of(state, sides, ALPHA / len(delayed)) for milliseconds, sides in delayed.items()}
    means = {} if outcome is None else _delayed_means(outcome, verdicts, sides_of(state))
    return Tournament(state, lines, duels, outcome, ordered, verdicts, means, _finals(state, lines))


def _delayed(state: TournamentState, board: Scoreboard) -> dict[int, dict[str, tuple[Scores, Scores]]]:
    """Return the scores of people and of delayed bots, by delay and game: only of bots that have played all their seeds
    with that delay."""
    found: dict[int, dict[str, tuple[Scores, Scores]]] = {}
    for milliseconds in DELAYS_MS[1:]:
        sides: dict[str, tuple[Scores, Scores]] = {}
        for game, (people, bots) in sides_of(state).items():
            slow: dict[str, dict[int, float]] = {}
            for name, by_seed in bots.items():
                rules_id = state.plan.rules[game].rules_id
                played = board.results(rules_id=rules_id, player=delayed_name(name, milliseconds))
                scores = {result.seed: result.score for result in played if result.seed in by_seed}
                if scores.keys() == by_seed.keys():
                    slow[name] = scores
            if people and slow.keys() == bots.keys() and slow:
                sides[game] = people, slow
        if sides:
            found[milliseconds] = sides
    return found


def _delayed_means(
    outcome: EventVerdicts, delayed: Mapping[int, EventVerdicts], sides: Mapping[str, tuple[Scores, Scores]]
) -> dict[str, tuple[float, Mapping[int, float]]]:
    found: dict[str, tuple[float, Mapping[int, float]]] = {}
    for verdict in outcome.games:
        if not verdict.differences:
            continue
        people = sides[verdict.game][0]
        played = [people[name][seed] for name in verdict.people for seed in verdict.differences]
        mean = sum(played) / len(played)
        means = {0: mean - verdict.comparison.mean}
        for milliseconds, other in delayed.items():
            for one in other.games:
                if one.game == verdict.game and one.differences:
                    means[milliseconds] = mean - one.comparison.mean
        if len(means) > 1:
            found[verdict.game] = mean, means
    return found


def _finals(state: TournamentState, lines: Sequence[StandingsLine]) -> dict[str, NotableDuel]:
    """Return the final of a knockout; elsewhere the first two of each game, in a team battle the best of each side."""
    if state.plan.format in (Format.DUEL, Format.KNOCKOUT):
        last = rounds(state)[-1]
        if len(last) > 1 or last[0].b is None:
            return {}
        return dict.fromkeys(state.plan.games, NotableDuel(last[0].stage, last[0].a, last[0].b))
    found = {}
    for game in state.plan.games:
        names = [line.player for line in lines if state.entrant(line.player).plays(game)]
        if state.plan.format is Format.TEAM:
            human = {name: state.entrant(name).human for name in names}
            names = [*[n for n in names if human[n]][:1], *[n for n in names if not human[n]][:1]]
        if len(names) > 1:
            found[game] = NotableDuel(FIRST, names[0], names[1])
    return found


def _hidden(states: Iterable[TournamentState]) -> dict[tuple[str, str], dict[str, list[float]]]:
    """Return the scores on hidden seeds by game, rules and player."""
    found: dict[tuple[str, str], dict[str, list[float]]] = {}
    for state in states:
        for (_, game, _, player), score in state.scores.items():
            key = (game, state.plan.rules[game].rules_id)
            found.setdefault(key, {}).setdefault(player, []).append(float(score.score))
    return found


def _games(
    board: Scoreboard, hidden: Mapping[tuple[str, str], Mapping[str, Sequence[float]]], practice: int
) -> list[GameView]:
    order = list(GAMES)
    classes = sorted(
        board.classes(), key=lambda c: (order.index(c.game) if c.game in order else len(order), c.game, c.label)
    )
    views = []
    for one in classes:
        results = board.results(game=one.game, rules_id=one.rules_id)
        table = board.standings(one.game, one.rules_id)
        said = verdicts_of(table, results) if len(table) <= MANY else []
        moved = moves(results, hidden.get((one.game, one.rules_id), {}), practice)
        bots: dict[str, dict[int, float]] = {}
        for result in results:
            if result.kind is not Kind.HUMAN and not is_delayed(result.player):
                bots.setdefault(result.player, {})[result.seed] = result.score
        reference = against_reference(one.game, bots)
        views.append(GameView(find_game(one.game), one, table, results, said, moved, reference))
    return views


def rankings_of(states: Sequence[TournamentState]) -> list[Ranking]:
    """Return the strengths overall (where there is more than one game) and in each game."""
    kinds = {entrant.name: entrant.kind for state in states for entrant in state.entrants}
    found = [_ranking(title, played, kinds) for title, played in meetings_of(states).items()]
    return [one for one in found if one.strengths]


def _ranking(title: str, meetings: Sequence[Meeting], kinds: Mapping[str, Kind]) -> Ranking:
    return Ranking(title, bradley_terry(meetings), {one.player: one for one in ladder(meetings)}, kinds)
