"""Ratings recover the strengths of simulated leagues."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest

from arena.stats.ratings import ELO_PER_NAT, bradley_terry, ladder


def league(strengths: dict[str, float], seeds: int, seed: int) -> list[dict[str, float]]:
    """On each seed everybody's points are strength plus noise for which Bradley-Terry holds exactly (Gumbel)."""
    rng = np.random.default_rng(seed)
    return [{name: value + float(rng.gumbel()) for name, value in strengths.items()} for _ in range(seeds)]


SOAK = bool(os.environ.get("ARENA_SOAK"))
STRENGTHS = {f"player {i}": (i - 3.5) / 2 for i in range(8)}


def test_bradley_terry_recovers_known_strengths() -> None:
    for seed in range(3):
        found = {one.player: one for one in bradley_terry(league(STRENGTHS, 200, seed), resamples=2, seed=seed)}
        for name, strength in STRENGTHS.items():
            assert found[name].elo == pytest.approx(1500 + ELO_PER_NAT * strength, abs=75)


@pytest.mark.parametrize("step", [0.0, 0.5])
@pytest.mark.parametrize("seeds", [10, 30, 150])
def test_intervals_hold_the_true_strength_about_19_times_in_20(seeds: int, step: float) -> None:
    """With `step` points are rounded to its multiples, so that many seeds are tied between neighbours."""
    leagues, resamples = (100, 200) if SOAK else (8, 60)
    covered = total = 0
    for number in range(leagues):
        meetings = league(STRENGTHS, seeds, number)
        if step:
            meetings = [{name: step * round(points / step) for name, points in one.items()} for one in meetings]
        for one in bradley_terry(meetings, resamples=resamples, seed=number):
            covered += one.low <= 1500 + ELO_PER_NAT * STRENGTHS[one.player] <= one.high
            total += 1
    print(f"{seeds} seeds, rounded to {step}: {100 * covered / total:.1f} % of {total}")
    assert covered / total >= (0.93 if SOAK else 0.85)
    assert covered < total or not SOAK


def test_the_ladder_ends_in_the_right_order() -> None:
    strengths = {name: 2 * value for name, value in STRENGTHS.items()}
    ranks = [one.player for one in ladder(league(strengths, 150, 3))]
    right = sorted(strengths, key=lambda name: -strengths[name])
    assert max(abs(ranks.index(name) - right.index(name)) for name in right) <= 1
    assert ranks[0] == right[0]


@pytest.mark.parametrize("seed", range(20 if SOAK else 4))
def test_the_ladder_follows_the_strengths(seed: int) -> None:
    """Its scale is openskill's own; what counts is that it is a straight image of the strengths."""
    found = {one.player: one for one in ladder(league(STRENGTHS, 150, seed))}
    means = [found[name].mean for name in STRENGTHS]
    assert np.corrcoef(means, list(STRENGTHS.values()))[0, 1] > 0.93
    assert all(one.spread < 8 for one in found.values())


def test_equal_players_are_close_and_intervals_overlap() -> None:
    found = bradley_terry(league(dict.fromkeys("abcd", 0.0), 100, 1))
    assert max(one.low for one in found) < min(one.high for one in found)


def test_who_never_lost_has_a_finite_strength() -> None:
    first, second = bradley_terry([{"a": 2, "b": 1}] * 20)
    assert first.player == "a"
    assert all(map(math.isfinite, (first.elo, first.low, first.high, second.elo)))


def test_ties_count_half_and_solo_games_nothing() -> None:
    tied = bradley_terry([{"a": 1, "b": 1}, {"a": 5}])
    assert tied[0].elo == pytest.approx(tied[1].elo)
    assert bradley_terry([{"a": 5}]) == []
    assert [one.meetings for one in ladder([{"a": 5}])] == [0]
