"""Who meets whom, what is still to be played, and who stands where. All of it follows from a tournament's state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import combinations

import numpy as np

from agents.player import Kind
from arena.tournament.model import Entrant, Format, ScoreSlot, TournamentState
from arena.tournament.series import BestOf, Sequential, Series, seeds_wanted, series

AHEAD_BOT, AHEAD_PERSON = 8, 1
"""Seeds that may be played before the other side has, in a sequential test: bots play eight at once anyway."""
FIRST = "round 1"


class How(StrEnum):
    """Why a duel is over."""

    PLAYED = "played"
    WALK_OVER = "walk-over"
    BYE = "bye"
    SEEDING = "better seeding"
    """Nobody led, and a knockout can't wait."""


@dataclass(frozen=True, slots=True)
class Duel:
    """Two players in one stage, over all games."""

    stage: str
    a: str
    b: str | None
    """None in a bye."""
    games: dict[str, Series]
    over: bool
    winner: str | None
    """None as long as it isn't over, and in a draw."""
    how: How = How.PLAYED

    @property
    def games_won(self) -> tuple[int, int]:
        """Games that A and B have won."""
        leads = [one.lead for one in self.games.values() if one.over]
        return sum(lead > 0 for lead in leads), sum(lead < 0 for lead in leads)

    @property
    def seeds_won(self) -> tuple[int, int]:
        return sum(one.wins for one in self.games.values()), sum(one.losses for one in self.games.values())


@dataclass(frozen=True, slots=True)
class StandingsLine:
    """One line of a tournament's standings."""

    place: int
    player: str
    kind: Kind
    won: int
    drawn: int
    lost: int
    seeds_won: int
    note: str = ""

    def plain(self) -> dict[str, object]:
        """Return the line as plain JSON."""
        return asdict(self) | {"kind": self.kind.value}


def is_proven(state: TournamentState, duel: Duel) -> bool:
    """Return whether a duel's winner is proven better, where a sequential test asks for that: it may also just be ahead
    when the seeds are used up."""
    if not isinstance(state.plan.series, Sequential) or duel.how is not How.PLAYED or duel.winner is None:
        return True
    signs = [one.lead for one in duel.games.values() if one.decided]
    return sum(signs) > 0 if duel.winner == duel.a else sum(signs) < 0


def rounds(state: TournamentState) -> list[list[Duel]]:
    """Return the duels of every round that can be named so far. Those of a round robin grow with the square of its
    players: for its standings use `standings`."""
    match state.plan.format:
        case Format.DUEL:
            return [[_duel(state, FIRST, state.entrants[0], state.entrants[1])]]
        case Format.KNOCKOUT:
            return list(_knockout(state))
        case _:
            pairs = combinations(state.entrants, 2)
            team = state.plan.format is Format.TEAM
            return [[_duel(state, FIRST, a, b) for a, b in pairs if _meet(a, b, team)]]


def _meet(a: Entrant, b: Entrant, battle: bool) -> bool:
    """Return whether two play against each other: not in one team, and in a team battle people against bots only."""
    return (a.team is None or a.team != b.team) and (not battle or a.human != b.human)


def open_slots(state: TournamentState) -> list[ScoreSlot]:
    """Return what can be played now, in the order of the seeds."""
    if state.plan.format in (Format.ROUND_ROBIN, Format.TEAM):
        found = list(_shared_slots(state))
    else:
        found = [slot for duel in rounds(state)[-1] if not duel.over for slot in _duel_slots(state, duel)]
    return sorted(found, key=lambda slot: (slot.index, state.plan.games.index(slot.game)))


def is_over(state: TournamentState) -> bool:
    """Return whether nothing is left to play."""
    return not open_slots(state)


def round_title(state: TournamentState, number: int) -> str:
    """Return what people call a round, 0 for the first."""
    if state.plan.format is not Format.KNOCKOUT:
        return state.plan.format.value
    left = len(_bracket(len(state.entrants))) >> number
    return {2: "final", 4: "semi-finals", 8: "quarter-finals"}.get(left, f"round of {left}")


def _shared_slots(state: TournamentState) -> Iterator[ScoreSlot]:
    rule = state.plan.series
    count = rule.n if isinstance(rule, BestOf) else rule.cap
    for entrant in state.entrants:
        if entrant.name in state.withdrawn:
            continue
        for game in filter(entrant.plays, state.plan.games):
            for index in range(count):
                if (FIRST, game, index, entrant.name) not in state.scores:
                    yield ScoreSlot.model_construct(stage=FIRST, game=game, index=index, player=entrant.name)


def _duel_slots(state: TournamentState, duel: Duel) -> Iterator[ScoreSlot]:
    for name in (duel.a, duel.b):
        if name is None:
            continue
        ahead = AHEAD_PERSON if state.entrant(name).human else AHEAD_BOT
        for game, so_far in duel.games.items():
            for index in range(seeds_wanted(state.plan.series, so_far, ahead)):
                if (duel.stage, game, index, name) not in state.scores:
                    yield ScoreSlot(stage=duel.stage, game=game, index=index, player=name)


def _duel(state: TournamentState, stage: str, a: Entrant, b: Entrant | None) -> Duel:
    """Return how A and B stand in a stage; if nothing separates them at the end, a knockout takes the better seeded."""
    if b is None:
        return Duel(stage, a.name, None, {}, True, a.name, How.BYE)
    most = state.plan.series.most
    games = {
        game: series(
            state.plan.series,
            state.scores_of(stage, game, a.name, most),
            state.scores_of(stage, game, b.name, most),
        )
        for game in state.plan.games
        if a.plays(game) and b.plays(game)
    }
    if all(one.over for one in games.values()):
        found = Duel(stage, a.name, b.name, games, True, None)
        mine, others = (found.games_won, found.seeds_won), (found.games_won[::-1], found.seeds_won[::-1])
        winner = a.name if mine > others else b.name if others > mine else None
        how = How.PLAYED
        if winner is None and state.plan.format is Format.KNOCKOUT:
            order = [entrant.name for entrant in state.entrants]
            winner, how = min((a.name, b.name), key=order.index), How.SEEDING
        return Duel(stage, a.name, b.name, games, True, winner, how)
    gone = [one.name in state.withdrawn for one in (a, b)]
    if any(gone):
        return Duel(stage, a.name, b.name, games, True, b.name if gone[0] and not gone[1] else a.name, How.WALK_OVER)
    return Duel(stage, a.name, b.name, games, False, None)


def _bracket(count: int) -> list[int]:
    """Return seeding places, 1 the best, in the order of the bracket: as many as the next power of two, so that the
    best two can meet in the final only."""
    places = [1]
    while len(places) < count:
        size = 2 * len(places)
        places = [one for place in places for one in (place, size + 1 - place)]
    return places


def _knockout(state: TournamentState) -> Iterator[list[Duel]]:
    """Yield round after round, up to the first that isn't over."""
    places = _bracket(len(state.entrants))
    left: list[Entrant | None] = [state.entrants[p - 1] if p <= len(state.entrants) else None for p in places]
    number = 0
    while len(left) > 1:
        number += 1
        duels = []
        for one, other in zip(left[::2], left[1::2], strict=True):
            first, second = (one, other) if one is not None else (other, one)
            assert first is not None  # byes are fewer than half of the places, and spread by the seeding
            duels.append(_duel(state, f"round {number}", first, second))
        yield duels
        if not all(duel.over for duel in duels):
            return
        left = [state.entrant(duel.winner or duel.a) for duel in duels]


# -- standings -------------------------------------------------------------------------------------------------------


def standings(state: TournamentState) -> list[StandingsLine]:
    """Return the standings as they are now, the best first; equal ones share a place."""
    if state.plan.format in (Format.ROUND_ROBIN, Format.TEAM):
        return _table(state)
    lines: dict[str, list[int]] = {entrant.name: [0, 0, 0, 0] for entrant in state.entrants}
    reached = dict.fromkeys(lines, 0)
    played = rounds(state)
    for number, duels in enumerate(played, start=1):
        for duel in duels:
            _count(lines, duel)
            for name in (duel.a, duel.b):
                if name is not None:
                    reached[name] = max(reached[name], number + (duel.winner == name))
    order = [entrant.name for entrant in state.entrants]
    ranked = sorted(lines, key=lambda name: (-reached[name], order.index(name)))
    places: list[StandingsLine] = []
    for position, name in enumerate(ranked, start=1):
        tied = bool(places) and reached[places[-1].player] == reached[name]
        note = _knocked(state, played, name)
        won, drawn, lost, seeds = lines[name]
        place = places[-1].place if tied else position
        places.append(StandingsLine(place, name, state.entrant(name).kind, won, drawn, lost, seeds, note))
    return places


def _count(lines: dict[str, list[int]], duel: Duel) -> None:
    if duel.b is None:
        return
    for name, seeds in ((duel.a, duel.seeds_won[0]), (duel.b, duel.seeds_won[1])):
        lines[name][3] += seeds
        if duel.over:
            lines[name][0 if duel.winner == name else 1 if duel.winner is None else 2] += 1


def _knocked(state: TournamentState, played: Sequence[Sequence[Duel]], name: str) -> str:
    """Return what became of a player, in words."""
    last_round, last = next(
        (number, duel)
        for number in range(len(played) - 1, -1, -1)
        for duel in played[number]
        if name in (duel.a, duel.b)
    )
    if not last.over:
        return "playing"
    if state.plan.format is Format.DUEL:
        if not is_proven(state, last):
            return "ahead, not decided" if last.winner == name else "behind, not decided"
        return "draw" if last.winner is None else "won" if last.winner == name else "lost"
    if last.winner == name:
        return "won the tournament" if len(played[last_round]) == 1 else "waiting"
    how = " (walk-over)" if last.how is How.WALK_OVER else ""
    return f"out in the {round_title(state, last_round).rstrip('s')}{how}"


def _table(state: TournamentState) -> list[StandingsLine]:
    """Return the standings of a format in which everybody plays the same seeds: two for a duel won, one for a draw,
    then the seeds won. A duel counts when both have played everything, or one has withdrawn."""
    names = [entrant.name for entrant in state.entrants]
    place_of = {name: i for i, name in enumerate(names)}
    rule = state.plan.series
    n = rule.n if isinstance(rule, BestOf) else rule.cap
    scores = np.full((len(state.plan.games), len(names), n), np.nan)
    for (stage, game, index, player), score in state.scores.items():
        if stage == FIRST and index < n:
            scores[state.plan.games.index(game), place_of[player], index] = score.score
    with np.errstate(invalid="ignore"):
        # won[g, i, j]: seeds of game g on which i has more points than j
        won = np.stack([(game[:, None, :] > game[None, :, :]).sum(axis=2) for game in scores])
    games = np.sign(won - won.transpose(0, 2, 1)).sum(axis=0)
    seeds = won.sum(axis=0)
    result = np.where(games != 0, np.sign(games), np.sign(seeds - seeds.T))
    plays = np.array([[entrant.plays(game) for entrant in state.entrants] for game in state.plan.games])
    complete = ~(np.isnan(scores).any(axis=2) & plays).any(axis=0)
    counts = complete[:, None] & complete[None, :]
    here = np.array([name not in state.withdrawn for name in names])
    open_pairs = ~counts
    result = np.where(open_pairs & here[:, None] & ~here[None, :], 1, result)
    result = np.where(open_pairs & ~here[:, None] & here[None, :], -1, result)
    counts |= here[:, None] != here[None, :]
    meets = ~np.eye(len(names), dtype=bool) & (plays[:, :, None] & plays[:, None, :]).any(axis=0)
    if state.plan.format is Format.TEAM:
        human = np.array([entrant.human for entrant in state.entrants])
        meets &= human[:, None] != human[None, :]
    teams = [entrant.team for entrant in state.entrants]
    meets &= ~np.array([[one is not None and one == other for other in teams] for one in teams])
    counts &= meets
    tally = [((result == value) & counts).sum(axis=1) for value in (1, 0, -1)]
    seeds_won = (seeds * meets).sum(axis=1)
    keys = [(2 * int(tally[0][i]) + int(tally[1][i]), int(seeds_won[i])) for i in range(len(names))]
    order = sorted(range(len(names)), key=lambda i: (-keys[i][0], -keys[i][1], i))
    lines: list[StandingsLine] = []
    before = -1
    for position, i in enumerate(order, start=1):
        place = lines[-1].place if before >= 0 and keys[before] == keys[i] else position
        note = "" if here[i] else "withdrew"
        wins, draws, losses = (int(one[i]) for one in tally)
        lines.append(
            StandingsLine(place, names[i], state.entrants[i].kind, wins, draws, losses, int(seeds_won[i]), note)
        )
        before = i
    return lines
