"""Duels."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.stats.sequential import log_evidence
from arena.tournament.series import BestOf, Sequential, seeds_wanted, series

BEST = BestOf(n=5)
Score = st.integers(0, 3)


@pytest.mark.parametrize(
    ("a", "b", "wins", "losses", "ties", "over", "lead"),
    [
        ([], [], 0, 0, 0, False, 0),
        ([1, 1], [0, 0], 2, 0, 0, False, 1),
        ([1, 1, 1, 0, 0], [0, 0, 0, 9, 9], 3, 0, 0, True, 1),
        ([1, 0, 1, 0, 0], [0, 1, 0, 1, 1], 2, 3, 0, True, -1),
        ([1, None, 1], [0, 0, 0], 1, 0, 0, False, 1),
        ([1, 1, 5, 0, 0], [0, 0, 5, 1, 1], 2, 2, 1, False, 0),
        ([1, 1, 5, 0, 0, 3], [0, 0, 5, 1, 1, 2], 3, 2, 1, True, 1),
        ([5] * 10, [5] * 10, 0, 0, 10, True, 0),
    ],
)
def test_best_of_five(
    a: list[int | None], b: list[int | None], wins: int, losses: int, ties: int, over: bool, lead: int
) -> None:
    found = series(BEST, a, b)
    assert (found.wins, found.losses, found.ties, found.over, found.lead) == (wins, losses, ties, over, lead)


def test_an_even_number_may_end_level_and_points_decide_then() -> None:
    found = series(BestOf(n=2), [10, 0], [0, 3])
    assert (found.over, found.decided, found.lead) == (True, False, 1)
    assert series(BestOf(n=2), [10, 0], [0, 10]).lead == 0


def test_tied_seeds_are_followed_by_fresh_ones() -> None:
    tied = series(BEST, [5, 5], [5, 5])
    assert seeds_wanted(BEST, tied, 1) == 7
    assert seeds_wanted(BEST, series(BEST, [5] * 9, [5] * 9), 1) == BEST.most


@given(st.lists(st.tuples(Score, Score), max_size=40), st.sampled_from([BestOf(n=3), BestOf(n=4), Sequential(cap=9)]))
def test_both_sides_see_the_same_duel_and_later_games_change_nothing(
    played: list[tuple[int, int]], rule: BestOf | Sequential
) -> None:
    a, b = [x for x, _ in played], [y for _, y in played]
    one, other = series(rule, a, b), series(rule, b, a)
    assert (one.wins, one.losses, one.over, one.lead) == (other.losses, other.wins, other.over, -other.lead)
    assert one.played <= rule.most
    if one.over:
        assert series(rule, [*a, 9, 9], [*b, 0, 0]) == one
        assert seeds_wanted(rule, one, 8) == one.played
    else:
        assert one.played == len(played)
        assert seeds_wanted(rule, one, 1) > one.played


def test_seven_in_a_row_decide() -> None:
    rule = Sequential()
    assert not series(rule, [1] * 6, [0] * 6).decided
    assert series(rule, [1] * 7, [0] * 7).decided


@given(st.integers(0, 40))
def test_the_evidence_is_a_fair_bet(n: int) -> None:
    """Its mean over all ways that n equal seeds can end is 1, which is what makes the error rate hold."""
    from math import comb, exp

    mean = sum(comb(n, wins) * 0.5**n * exp(log_evidence(wins, n - wins)) for wins in range(n + 1))
    assert mean == pytest.approx(1)


def decisions(chance: float, events: int) -> tuple[float, float]:
    """Share of duels that were decided, and the mean number of seeds."""
    rng = random.Random(int(1000 * chance))
    rule = Sequential(alpha=0.05, cap=60)
    found = []
    for _ in range(events):
        wins = [int(rng.random() < chance) for _ in range(60)]
        found.append(series(rule, list(wins), [1 - win for win in wins]))
    return sum(one.decided for one in found) / events, sum(one.played for one in found) / events


def test_equal_players_are_rarely_told_apart_and_unequal_ones_mostly() -> None:
    assert decisions(0.5, 2000)[0] <= 0.05
    decided, seeds = decisions(0.8, 500)
    assert decided > 0.9
    assert seeds < 30
