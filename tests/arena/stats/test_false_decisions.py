"""How often equal players are called different, and how often a true difference is found, in simulated events.

ARENA_SOAK=1 simulates more than 10,000 events and prints what came out (`-s`); that takes half an hour of one core.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from arena.stats.verdicts import Scores, decided
from arena.tournament.series import BestOf, Sequential, series
from envs.games import GAMES
from recordings.codec import read

SOAK = bool(os.environ.get("ARENA_SOAK"))
EVENTS = 1500 if SOAK else 20
"""With each kind of scores."""
DUELS = 10_000 if SOAK else 1000
GOLDEN = Path(__file__).parents[3] / "recordings" / "golden"

Draw = Callable[[np.random.Generator, tuple[int, int], str], NDArray[np.float64]]
"""Points by player and seed, shape (players, seeds), in a game: everybody is equally strong."""


def skewed(rng: np.random.Generator, shape: tuple[int, int], game: str) -> NDArray[np.float64]:
    return np.round(rng.lognormal(5, 0.8, shape), -1)


def heavy_tails(rng: np.random.Generator, shape: tuple[int, int], game: str) -> NDArray[np.float64]:
    """Now and then somebody gets a thousand times as many points as usual; the variance is infinite."""
    return np.floor(100 * rng.pareto(1.2, shape))


def few_points(rng: np.random.Generator, shape: tuple[int, int], game: str) -> NDArray[np.float64]:
    """Every third seed is tied."""
    return rng.binomial(5, 0.3, shape).astype(np.float64)


def mostly_nothing(rng: np.random.Generator, shape: tuple[int, int], game: str) -> NDArray[np.float64]:
    return np.where(rng.random(shape) < 0.8, 0.0, 100.0)


def two_fates(rng: np.random.Generator, shape: tuple[int, int], game: str) -> NDArray[np.float64]:
    """Over at once, or long."""
    return np.round(np.where(rng.random(shape) < 0.5, rng.normal(200, 30, shape), rng.normal(3000, 400, shape)))


def easy_and_hard_seeds(rng: np.random.Generator, shape: tuple[int, int], game: str) -> NDArray[np.float64]:
    """What a seed gives is shared by all who play it."""
    return np.round(500 * rng.lognormal(0, 1, (1, shape[1])) * rng.lognormal(0, 0.5, shape))


@cache
def golden_scores(game: str) -> tuple[float, ...]:
    found = [read(path) for path in sorted(GOLDEN.glob("*.arena.zip"))]
    return tuple(float(one.score) for one in found if one.rules.game == game)


def recorded(rng: np.random.Generator, shape: tuple[int, int], game: str) -> NDArray[np.float64]:
    """Drawn from the scores of the recordings in `recordings/golden/`."""
    return rng.choice(golden_scores(game), shape)


KINDS: tuple[Draw, ...] = (
    skewed, heavy_tails, few_points, mostly_nothing, two_fates, easy_and_hard_seeds, recorded,
)  # fmt: skip
SEEDS = {draw: number for number, draw in enumerate(KINDS)}
PLAYED = [name for name in GAMES if name != "pacman"]


def event(rng: np.random.Generator, draw: Draw, seeds: int, better: int = 1) -> dict[str, tuple[Scores, Scores]]:
    """Return an event in which up to four people meet up to four bots in three games.

    Args:
        better: the people's score on a seed is the best of so many tries.
    """
    people, bots = (int(n) for n in rng.integers(1, 5, 2))
    scores: dict[str, tuple[Scores, Scores]] = {}
    for game in PLAYED:
        points = draw(rng, (better * people + bots, seeds), game)
        mine = points[: better * people].reshape(people, better, seeds).max(axis=1)
        scores[game] = named("Person", mine), named("Bot", points[better * people :])
    return scores


def named(kind: str, points: NDArray[np.float64]) -> Scores:
    return {f"{kind} {i}": dict(enumerate(map(float, row))) for i, row in enumerate(points)}


def most(share: float, events: int) -> float:
    """Return the share that is exceeded once in 1,000 simulations if the true one is `share`."""
    return share + 3.1 * (share * (1 - share) / events) ** 0.5


def test_equal_sides_are_called_different_in_at_most_one_event_of_twenty() -> None:
    """Any false verdict in any of three games or overall counts."""
    wrong: dict[str, int] = {}
    for draw in KINDS:
        rng = np.random.default_rng(SEEDS[draw])
        wrong[draw.__name__] = sum(any(decided(event(rng, draw, int(rng.integers(6, 13))))) for _ in range(EVENTS))
    print({name: f"{100 * count / EVENTS:.2f} %" for name, count in wrong.items()})
    assert sum(wrong.values()) <= most(0.05, EVENTS * len(KINDS)) * EVENTS * len(KINDS)
    assert max(wrong.values()) <= most(0.05, EVENTS) * EVENTS


def test_a_true_difference_is_found() -> None:
    """Whose points are the better of three tries wins three seeds of four where nothing is tied."""
    found: dict[str, float] = {}
    events = 100 if SOAK else 6
    for draw in KINDS:
        rng = np.random.default_rng(SEEDS[draw])
        found[draw.__name__] = sum(decided(event(rng, draw, 20, better=3))[-1] for _ in range(events)) / events
    print({name: f"{100 * share:.1f} %" for name, share in found.items()})
    assert sum(found.values()) / len(found) >= 0.8
    assert min(share for name, share in found.items() if name != "heavy_tails") >= 0.6


# -- until decided ---------------------------------------------------------------------------------------------------


def duels(rule: Sequential, draw: Draw, better: int, count: int) -> tuple[float, float, float]:
    """Return the shares of duels that were decided for A and for B, and the mean number of seeds played."""
    rng = np.random.default_rng(SEEDS[draw])
    played = []
    for _ in range(count):
        points = draw(rng, (better + 1, rule.most), "breakout").astype(int)
        played.append(series(rule, points[:-1].max(axis=0).tolist(), points[-1].tolist()))
    won = [one.lead for one in played if one.decided]
    return won.count(1) / count, won.count(-1) / count, sum(one.played for one in played) / count


@pytest.mark.parametrize("alpha", [0.1, 0.05, 0.05 / 3, 0.01])
@pytest.mark.parametrize("cap", [30, 200])
def test_a_duel_until_decided_keeps_its_error_rate_however_often_it_is_looked_at(alpha: float, cap: int) -> None:
    rule, count = Sequential(alpha=alpha, cap=cap), max(100, DUELS // 20)
    wrong = {draw.__name__: sum(duels(rule, draw, 1, count)[:2]) for draw in KINDS}
    print(alpha, cap, {name: f"{100 * share:.2f} %" for name, share in wrong.items()})
    assert max(wrong.values()) <= most(alpha, count)


@pytest.mark.parametrize("rule", [BestOf(n=41), Sequential(alpha=0.05 / 3, cap=100)], ids=["best of", "until decided"])
def test_a_verdict_on_duels_that_end_when_they_are_decided_keeps_its_error_rate(rule: BestOf | Sequential) -> None:
    """The sign-flip test, made for a number of seeds fixed before, would err more often than it says."""
    count = max(100, DUELS // 10)
    wrong = {}
    for draw in KINDS:
        rng = np.random.default_rng(SEEDS[draw])
        wrong[draw.__name__] = sum(any(decided(stopped_duel(rng, draw, rule), stopped=True)) for _ in range(count))
    print(rule.text(), {name: f"{100 * found / count:.2f} %" for name, found in wrong.items()})
    assert max(wrong.values()) <= most(0.05, count) * count


def stopped_duel(rng: np.random.Generator, draw: Draw, rule: BestOf | Sequential) -> dict[str, tuple[Scores, Scores]]:
    """Return the scores of one person and one bot in three games, as far as they were played."""
    scores: dict[str, tuple[Scores, Scores]] = {}
    for game in PLAYED:
        points = draw(rng, (2, rule.most), game)
        played = series(rule, *points.astype(int).tolist()).played
        scores[game] = named("Person", points[:1, :played]), named("Bot", points[1:, :played])
    return scores


def test_how_many_duels_are_decided_and_after_how_many_seeds() -> None:
    """The other error, that nothing is decided though one is better, has no bound before the cap: these are figures."""
    rng = random.Random(1)
    found = {}
    for chance in (0.5, 0.65, 0.75, 0.8, 0.9):
        for cap in (30, 60):
            played = []
            for _ in range(DUELS // 2):
                wins = [int(rng.random() < chance) for _ in range(cap)]
                played.append(series(Sequential(cap=cap), list(wins), [1 - win for win in wins]))
            right = sum(one.decided and one.lead > 0 for one in played) / len(played)
            wrong = sum(one.decided and one.lead < 0 for one in played) / len(played)
            found[chance, cap] = right, wrong, sum(one.played for one in played) / len(played)
    for (chance, cap), (right, wrong, seeds) in found.items():
        print(f"wins {chance}, cap {cap}: right {100 * right:.1f} %, wrong {100 * wrong:.2f} %, {seeds:.1f} seeds")
    assert found[0.8, 30][0] > 0.6
    assert found[0.8, 60][0] > 0.95
    assert found[0.9, 30][0] > 0.97
    assert max(wrong for (chance, _), (_, wrong, _) in found.items() if chance > 0.5) < 0.01
    right, wrong, _ = found[0.5, 60]
    assert right + wrong <= 0.05
