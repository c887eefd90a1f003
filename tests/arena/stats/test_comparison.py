"""The statistics, against definitions computed another way and against simulated players whose truth is known."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arena.stats.comparison import (
    Verdict,
    compare,
    first_by_seed,
    human_normalized,
    iqm,
    mean_interval,
    percentile_rank,
    summary,
)

scores = st.lists(st.integers(0, 1000), min_size=1, max_size=30)


def by_seed(values: object) -> dict[int, float]:
    return dict(enumerate(np.asarray(values, dtype=float).tolist()))


def atari_scores(random: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Breakout-like: mostly a few bricks, now and then a tunnel behind the wall."""
    return np.where(random.random(n) < 0.15, random.normal(250, 60, n).clip(0).round(), random.poisson(15, n))


# -- one player ------------------------------------------------------------------------------------------------------


def test_summary_of_known_scores() -> None:
    found = summary([8, 1, 2, 100, 3, 4, 5, 7])
    assert (found.n, found.mean, found.median, found.maximum) == (8, 16.25, 4.5, 100)
    assert found.iqm == (3 + 4 + 5 + 7) / 4
    assert found.low is not None
    assert found.high is not None
    assert 1 <= found.low < found.mean < found.high <= 100


@given(scores)
def test_iqm_is_the_trimmed_mean_of_scipy(values: list[int]) -> None:
    from scipy.stats import trim_mean

    assert iqm(values) == pytest.approx(trim_mean(values, 0.25))


def test_no_score_has_no_mean() -> None:
    found = summary([])
    assert (found.n, found.low, found.high) == (0, None, None)
    assert all(math.isnan(value) for value in (found.mean, found.median, found.iqm, found.maximum))


def test_one_score_has_no_interval() -> None:
    found = summary([7])
    assert (found.mean, found.median, found.iqm, found.maximum) == (7, 7, 7, 7)
    assert (found.low, found.high) == (None, None)


def test_equal_scores_have_an_interval_without_width() -> None:
    assert mean_interval([0.0] * 5) == (0, 0)
    assert mean_interval([7, 7]) == (7, 7)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_scores_must_be_finite(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        summary([1, bad])
    with pytest.raises(ValueError, match="finite"):
        compare({1: 1.0}, {1: bad})


def test_an_interval_is_repeatable_and_has_its_seed() -> None:
    values = atari_scores(np.random.default_rng(5), 20)
    assert mean_interval(values) == mean_interval(values[::-1]) == mean_interval(values, seed=0)
    assert mean_interval(values, seed=1) != mean_interval(values)


def test_an_interval_of_many_scores_is_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(5).gamma(2, 100, size=4000)
    low, high = mean_interval(values) or (0, 0)
    half = 1.96 * values.std(ddof=1) / math.sqrt(len(values))
    assert low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_intervals_of_few_scores_hold_the_mean_as_often_as_they_say() -> None:
    # The plain percentile interval holds it in 82 of 100 cases here, this one in 93.
    random = np.random.default_rng(11)
    held = 0
    for _ in range(400):
        low, high = mean_interval(random.normal(1000, 200, size=5)) or (0, 0)
        held += low <= 1000 <= high
    assert held / 400 >= 0.90


# -- two players -----------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-50, 50), min_size=2, max_size=9))
def test_the_p_value_is_the_share_of_sign_flips_at_least_as_extreme(differences: list[int]) -> None:
    flipped = [
        sum(sign * d for sign, d in zip(signs, differences, strict=True))
        for signs in itertools.product((1, -1), repeat=len(differences))
    ]
    expected = sum(abs(total) >= abs(sum(differences)) for total in flipped) / len(flipped)
    found = compare(by_seed(differences), by_seed([0] * len(differences)))
    assert found.p_value == pytest.approx(expected)


@pytest.mark.parametrize(("n", "events"), [(8, 400), (20, 250)])
def test_equal_players_are_declared_different_in_at_most_one_of_twenty_events(n: int, events: int) -> None:
    # Exact tests can't exceed 0.05; what is allowed here on top are two standard errors of the simulation.
    random = np.random.default_rng(n)
    verdicts = [
        compare(by_seed(atari_scores(random, n)), by_seed(atari_scores(random, n))).verdict for _ in range(events)
    ]
    false = sum(verdict is not Verdict.UNDECIDED for verdict in verdicts)
    assert false / events <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / events)
    assert false > 0, "a test that never decides would pass as well"


def test_a_better_player_is_found() -> None:
    random = np.random.default_rng(3)
    right = sum(
        compare(by_seed(random.poisson(30, 20)), by_seed(random.poisson(24, 20))).verdict is Verdict.A
        for _ in range(30)
    )
    assert right >= 27


def test_the_order_of_the_players_only_turns_the_sign() -> None:
    random = np.random.default_rng(4)
    a, b = by_seed(random.poisson(30, 12)), by_seed(random.poisson(20, 12))
    ab, ba = compare(a, b), compare(b, a)
    assert (ab.verdict, ba.verdict) == (Verdict.A, Verdict.B)
    assert ab.p_value == ba.p_value
    assert (ab.mean, ab.median, ab.iqm) == (-ba.mean, -ba.median, -ba.iqm)
    assert (ab.wins, ab.losses, ab.ties) == (ba.losses, ba.wins, ba.ties)
    assert ab.p_beats == pytest.approx(1 - ba.p_beats)


def test_only_seeds_that_both_played_count() -> None:
    found = compare({1: 10, 2: 20, 3: 30, 9: 1000}, {3: 30, 2: 25, 1: 4, 8: 1000})
    assert (found.n, found.wins, found.losses, found.ties) == (3, 1, 1, 1)
    assert (found.mean, found.median, found.p_beats) == pytest.approx((1 / 3, 0, 0.5))


def test_the_interval_of_the_share_of_wins_is_wilsons() -> None:
    from scipy.stats import binomtest

    found = compare(by_seed([1] * 17 + [0] * 3), by_seed([0] * 17 + [1] * 3))
    expected = binomtest(17, 20).proportion_ci(method="wilson")
    assert (found.p_beats_low, found.p_beats_high) == pytest.approx((expected.low, expected.high))


def test_nothing_in_common() -> None:
    found = compare({1: 10}, {2: 20})
    assert (found.n, found.p_value, found.p_beats, found.verdict) == (0, 1, 0.5, Verdict.UNDECIDED)
    assert (found.low, found.p_beats_low, found.seeds_needed) == (None, None, 6)
    assert found.sentence("Ann", "Bot") == "Ann and Bot have played no seed in common."


@pytest.mark.parametrize("n", range(1, 8))
def test_six_seeds_are_the_fewest_that_decide(n: int) -> None:
    found = compare(by_seed(range(100, 100 + n)), by_seed([0] * n))
    assert found.verdict is (Verdict.A if n >= 6 else Verdict.UNDECIDED)
    assert found.seeds_needed == max(0, 6 - n)


def test_alpha_bounds_the_decision() -> None:
    a, b = by_seed(range(100, 108)), by_seed([0] * 8)
    assert compare(a, b).p_value == 2 / 2**8
    assert compare(a, b, alpha=0.005).verdict is Verdict.UNDECIDED
    assert compare(a, b, alpha=0.005).seeds_needed == 1
    for alpha in (0, 1, math.nan):
        with pytest.raises(ValueError, match="alpha"):
            compare(a, b, alpha=alpha)


def test_the_seeds_needed_are_those_that_decide_four_times_in_five() -> None:
    random = np.random.default_rng(6)
    sample = random.normal(0, 1, 15)
    sample = (sample - sample.mean()) / sample.std(ddof=1) * 100 + 50  # an effect of half a standard deviation
    found = compare(by_seed(sample), by_seed([0] * 15), alpha=0.01)
    assert found.seeds_needed == math.ceil(((2.5758 + 0.8416) / 0.5) ** 2) - 15
    n = 15 + found.seeds_needed
    decided = sum(
        compare(by_seed(random.normal(50, 100, n)), by_seed([0] * n), alpha=0.01).verdict is Verdict.A
        for _ in range(100)
    )
    assert 65 <= decided <= 95


def test_no_number_of_seeds_decides_between_equal_players() -> None:
    assert compare(by_seed([5] * 9), by_seed([5] * 9)).seeds_needed is None
    assert compare(by_seed([100, -100, 1]), by_seed([0, 0, 0])).seeds_needed is None


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        (
            [*range(11, 19), 3],
            [1] * 8 + [3],
            "Ann beats Bot: Ann is ahead on 8 of 9 seeds (1 tie), mean lead 12.0 points, "
            "95 % interval {low:,.1f} to {high:,.1f}, "
            "p = 0.0078.",
        ),
        (
            [0] * 8,
            [2000] * 8,
            "Bot beats Ann: Bot is ahead on 8 of 8 seeds, mean lead 2,000.0 points, 95 % interval 2,000.0 to 2,000.0, "
            "p = 0.0078.",
        ),
        (
            [5],
            [2],
            "Not decided yet between Ann and Bot: Ann is ahead on 1 of 1 seed, mean lead 3.0 points; about 5 further "
            "seeds needed.",
        ),
        (
            [0, 0],
            [0, 0],
            "Not decided yet between Ann and Bot: their means are equal; more than 1,000 further seeds needed.",
        ),
        (
            [1, 2, 3, 4, 0],
            [0, 0, 0, 0, 0],
            "Not decided yet between Ann and Bot: Ann is ahead on 4 of 5 seeds (1 tie), mean lead 2.0 points, "
            "95 % interval {low:,.1f} to {high:,.1f}; about 1 further seed needed.",
        ),
    ],
)
def test_sentences(a: list[float], b: list[float], said: str) -> None:
    found = compare(by_seed(a), by_seed(b))
    assert found.sentence("Ann", "Bot") == said.format(low=found.low, high=found.high)


# -- scales ----------------------------------------------------------------------------------------------------------


def test_the_first_play_of_a_seed_counts() -> None:
    assert first_by_seed([(1, 10), (2, 5), (1, 99), (2, 0)]) == {1: 10, 2: 5}


def test_human_normalized_scores() -> None:
    assert human_normalized(1.7, random=1.7, human=30.5) == 0
    assert human_normalized(30.5, random=1.7, human=30.5) == 1
    assert human_normalized(59.3, random=1.7, human=30.5) == pytest.approx(2)
    with pytest.raises(ValueError, match="must differ"):
        human_normalized(1, random=2, human=2)


@given(scores, st.integers(0, 1000))
def test_percentile_rank_is_that_of_scipy(others: list[int], score: int) -> None:
    from scipy.stats import percentileofscore

    assert percentile_rank(score, others) == pytest.approx(percentileofscore(others, score, kind="mean"))


def test_a_percentile_rank_needs_others() -> None:
    with pytest.raises(ValueError, match="at least one"):
        percentile_rank(1, [])


def test_scipy_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, arena.stats.comparison; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3]).returncode == 0
