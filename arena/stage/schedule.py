"""What there is to show of a tournament, in which order, and what the audience knows so far.

All of it follows from the tournament's state (`arena.tournament.model`). A bout is one seed of one game between two
players.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

from arena.tournament.model import Entrant, Format, Score, TournamentState
from arena.tournament.series import BestOf, Series, series
from arena.tournament.standings import FIRST, Duel, round_title, rounds

Seen = Mapping[str, tuple[int, ...]]
"""The lines of the log with the scores of each bout that was shown, by `Bout.key`."""


@dataclass(frozen=True, slots=True)
class Bout:
    """Two players on one seed."""

    key: str
    """The same after a restart, and without names: it is kept on disk."""
    stage: str
    title: str
    """What people call the round."""
    game: str
    index: int
    """Which of the stage's seeds, from 0 on."""
    a: Entrant
    b: Entrant

    @property
    def names(self) -> tuple[str, str]:
        return self.a.name, self.b.name


def bouts_of(state: TournamentState) -> list[Bout]:
    """Return every bout that can be named so far, in the order in which they are shown.

    Duels are shown one after the other, game by game. Where everybody plays the same seeds there are far more pairs
    than an evening has minutes: each seed of each game is shown once, with another pair every time.
    """
    if state.plan.format in (Format.ROUND_ROBIN, Format.TEAM):
        return list(_shared(state))
    return [
        bout
        for number, duels in enumerate(rounds(state))
        for place, duel in enumerate(duels)
        for bout in _of_duel(state, duel, round_title(state, number), place)
    ]


def _of_duel(state: TournamentState, duel: Duel, title: str, place: int) -> Iterator[Bout]:
    if duel.b is None:
        return
    a, b = state.entrant(duel.a), state.entrant(duel.b)
    for game, so_far in duel.games.items():
        # one more than was played: it may be running; the seeds behind the deciding one count for nothing
        for index in range(so_far.played + (not so_far.over)):
            yield Bout(
                f"{duel.stage}, duel {place + 1}, {game}, seed {index + 1}", duel.stage, title, game, index, a, b
            )


def _shared(state: TournamentState) -> Iterator[Bout]:
    pairs = _pairs(state)
    rule = state.plan.series
    count = rule.n if isinstance(rule, BestOf) else rule.cap
    places = ((index, game) for index in range(count) for game in state.plan.games)
    for number, (index, game) in enumerate(places):
        a, b = pairs[number % len(pairs)]
        title = state.plan.format.value
        yield Bout(f"{FIRST}, {game}, seed {index + 1}", FIRST, title, game, index, a, b)


def _pairs(state: TournamentState) -> list[tuple[Entrant, Entrant]]:
    """Return who meets whom, such that neighbours in the list share as few players as can be. Who has withdrawn is
    left out as long as two remain."""
    here = [entrant for entrant in state.entrants if entrant.name not in state.withdrawn]
    if state.plan.format is Format.TEAM:
        people, bots = [one for one in here if one.human], [one for one in here if not one.human]
        if not people or not bots:
            people, bots = ([e for e in state.entrants if e.human is human] for human in (True, False))
        # Both sides move on with every bout; after a whole turn one of them is shifted, so that every pair comes.
        pairs = [
            (people[k % len(people)], bots[(k + turn) % len(bots)])
            for turn in range(len(bots))
            for k in range(len(people) * len(bots))
        ]
        return list(dict.fromkeys(pairs))
    players = here if len(here) > 1 else list(state.entrants)
    n = len(players)
    apart = sorted(combinations(range(n), 2), key=lambda pair: (min(pair[1] - pair[0], n - pair[1] + pair[0]), pair))
    return [(players[i], players[j]) for i, j in apart]


def scores_of(state: TournamentState, bout: Bout) -> tuple[Score | None, Score | None]:
    """Return the booked scores of a bout; None for what isn't there (yet, or any more)."""
    found = [state.scores.get((bout.stage, bout.game, bout.index, name)) for name in bout.names]
    return found[0], found[1]


def lines_of(state: TournamentState, bout: Bout) -> tuple[int, ...]:
    """Return the lines of the log that hold the bout's scores."""
    return tuple(score.number for score in scores_of(state, bout) if score is not None)


def is_seen(state: TournamentState, seen: Seen, bout: Bout) -> bool:
    """Whether the bout was shown, with the scores that count now: one that was undone and played again is new."""
    lines = seen.get(bout.key)
    return lines is not None and {score.number for score in state.scores.values()}.issuperset(lines)


def known(state: TournamentState, bouts: list[Bout], seen: Seen) -> TournamentState:
    """Return the state as the audience knows it: without the scores of what wasn't shown yet."""
    shown = [bout for bout in bouts if is_seen(state, seen, bout)]
    if state.plan.format in (Format.ROUND_ROBIN, Format.TEAM):
        places = {(bout.stage, bout.game, bout.index) for bout in shown}
        kept = {key: score for key, score in state.scores.items() if key[:3] in places}
    else:
        slots = {(bout.stage, bout.game, bout.index, name) for bout in shown for name in bout.names}
        kept = {key: score for key, score in state.scores.items() if key in slots}
    return replace(state, scores=kept)


def series_of(state: TournamentState, bout: Bout) -> Series:
    """Return how the two players of a bout stand in its game up to and including its seed."""
    count = bout.index + 1
    a, b = (state.scores_of(bout.stage, bout.game, name, count) for name in bout.names)
    return series(state.plan.series, a, b)
