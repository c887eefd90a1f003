"""What scores say, and what they don't: intervals, paired comparisons and a verdict that may be "not decided yet".

Every function takes plain numbers and a seed, and gives the same answer for the same input whatever its order.
SciPy takes a second or more to import, so it is imported where it is used.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

CONFIDENCE = 0.95
POWER = 0.8
"""Chance of deciding that `Comparison.seeds_needed` aims at; 0.8 is customary (Cohen 1988)."""
MANY_SEEDS = 1000
"""More further seeds than this are reported as None: nobody will play them."""

_RESAMPLES = 9_999
_DRAWS = 2_000_000
"""Numbers drawn per bootstrap at most: above 200 scores the resamples grow fewer, down to 999, which blurs the ends
of an interval by a few percent of its width, and that interval is narrow by then."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Scores of one player in one game under one set of rules."""

    n: int
    mean: float
    """Without any score this and the other averages and the maximum are NaN."""
    median: float
    iqm: float
    """Interquartile mean, see `iqm`."""
    low: float | None
    """Lower end of the 95 % interval of the mean, see `mean_interval`; None below two scores."""
    high: float | None
    maximum: float


class Verdict(StrEnum):
    A = "A"
    B = "B"
    UNDECIDED = "not decided yet"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two players on the seeds that both played; every difference is A minus B on one seed, in points."""

    n: int
    """Seeds that both played. At 0 all differences are 0.0, the intervals None and the p-value 1.0."""
    mean: float
    """Mean of the differences."""
    median: float
    iqm: float
    """Interquartile mean of the differences."""
    low: float | None
    """Lower end of the 95 % interval of the mean difference, see `mean_interval`; None below two pairs."""
    high: float | None
    wins: int
    """Seeds on which A has more points than B."""
    losses: int
    ties: int
    p_beats: float
    """Share of the seeds on which A has more points, ties counted half; 0.5 without any pair."""
    p_beats_low: float | None
    """Lower end of the 95 % interval of `p_beats` (Wilson 1927); None without any pair."""
    p_beats_high: float | None
    p_value: float
    """Two-sided, of the sign-flip test, see `compare`."""
    verdict: Verdict
    seeds_needed: int | None
    """About how many further seeds would decide it; 0 if it is decided, None if more than 1,000."""

    def sentence(self, name_a: str, name_b: str) -> str:
        """Return what came out in plain words."""
        if self.n == 0:
            return f"{name_a} and {name_b} have played no seed in common."
        if self.mean == 0:
            lead, behind, state = name_a, name_b, "their means are equal"
        elif self.mean > 0:
            lead, behind, state = name_a, name_b, self._lead(name_a, self.wins, self.low, self.high)
        else:
            low, high = (None, None) if self.low is None or self.high is None else (-self.high, -self.low)
            lead, behind, state = name_b, name_a, self._lead(name_b, self.losses, low, high)
        if self.verdict is not Verdict.UNDECIDED:
            return f"{lead} beats {behind}: {state}, p = {self.p_value:.2g}."
        more = f"more than {MANY_SEEDS:,}" if self.seeds_needed is None else f"about {self.seeds_needed:,}"
        noun = "seed" if self.seeds_needed == 1 else "seeds"
        return f"Not decided yet between {name_a} and {name_b}: {state}; {more} further {noun} needed."

    def _lead(self, leader: str, won: int, low: float | None, high: float | None) -> str:
        said = f"{leader} is ahead on {won} of {_count(self.n, 'seed')}"
        said += f" ({_count(self.ties, 'tie')})" if self.ties else ""
        said += f", mean lead {abs(self.mean):,.1f} points"
        return said if low is None or high is None else f"{said}, 95 % interval {low:,.1f} to {high:,.1f}"


def summary(scores: ArrayLike, *, seed: int = 0) -> Summary:
    """Summarise `scores`, shape (n,), in points.

    No score has no mean, and one score has no interval. Equal scores have one of width 0: resampling knows only what
    it has seen.

    Raises:
        ValueError: a score is not a finite number.
    """
    values = _sorted(scores)
    if len(values) == 0:
        return Summary(0, math.nan, math.nan, math.nan, None, None, math.nan)
    low, high = mean_interval(values, seed=seed) or (None, None)
    return Summary(len(values), _mean(values), float(np.median(values)), iqm(values), low, high, float(values[-1]))


def iqm(scores: ArrayLike) -> float:
    """Return the interquartile mean of `scores`, shape (n,), n >= 1: the mean without the lowest and the highest
    quarter, floor(n / 4) scores at each end. Below four scores it is the mean.

    Source: Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice".
    """
    values = _sorted(scores)
    cut = len(values) // 4
    return _mean(values[cut : len(values) - cut])


def mean_interval(scores: ArrayLike, *, seed: int = 0) -> tuple[float, float] | None:
    """Return the 95 % interval of the mean of `scores`, shape (n,); None below two scores.

    Bootstrap percentile interval (Efron 1979) with the expanded percentiles of Hesterberg 2015, "What Teachers Should
    Know About the Bootstrap": widened so that on symmetric data it is as wide as Student's t interval, where the plain
    one is too narrow for few scores. It stays between the lowest and the highest score. For skewed scores it holds
    the true mean less often than it says when they are few: about 9 times in 10 with 10 scores, 7 in 10 with 3.
    """
    values = _sorted(scores)
    n = len(values)
    if n < 2:
        return None
    if values[0] == values[-1]:
        return float(values[0]), float(values[0])
    from scipy.special import ndtr, stdtrit
    from scipy.stats import bootstrap

    expanded = float(ndtr(-math.sqrt(n / (n - 1)) * stdtrit(n - 1, (1 + CONFIDENCE) / 2)))
    found = bootstrap(
        (values,),
        np.mean,
        n_resamples=min(_RESAMPLES, max(999, _DRAWS // n)),
        batch=max(1, _DRAWS // n),
        confidence_level=1 - 2 * expanded,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


def compare(
    a_by_seed: Mapping[int, float],
    b_by_seed: Mapping[int, float],
    *,
    seed: int = 0,
    alpha: float = 0.05,
    p_value: float | None = None,
) -> Comparison:
    """Compare two players on the seeds that both played; other seeds are left out.

    The verdict comes from a sign-flip permutation test of the mean difference (Fisher 1935), two-sided: if the players
    are equal, each seed could as well have ended the other way round. All 2**n ways are counted up to 13 seeds, and
    9,999 random ones above. It needs no assumption about the shape of the scores: equal players are declared different
    with a probability of at most `alpha`. Below six seeds nothing can be decided at 0.05.

    That holds for one look at a number of seeds fixed beforehand. Whoever looks, adds seeds and looks again until it
    is decided will be wrong more often (12 % of simulated events with nine looks), and needs a sequential test or
    `alpha` divided by the number of looks. The interval of the mean comes from resampling and may disagree at the
    border; the verdict goes by the test.

    `seeds_needed` is a normal approximation with the mean and spread seen so far and a power of 0.8 (Cohen 1988,
    chapter 2): a plan for the evening, not a promise.

    Args:
        a_by_seed: A's score for each seed; for seeds played more than once see `first_by_seed`.
        b_by_seed: B's.
        seed: of the resampling.
        alpha: largest probability of a false decision, above 0 and below 1.
        p_value: of another test, which then decides; None for the sign-flip test.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1; what came is {alpha!r}.")
    common = sorted(a_by_seed.keys() & b_by_seed.keys())
    differences = _sorted([a_by_seed[s] - b_by_seed[s] for s in common])
    n = len(differences)
    wins, losses = int(np.sum(differences > 0)), int(np.sum(differences < 0))
    ties = n - wins - losses
    mean = _mean(differences) if n else 0.0
    if p_value is None:
        p_value = sign_flip_p(differences, seed)
    verdict = Verdict.UNDECIDED if p_value > alpha or mean == 0 else Verdict.A if mean > 0 else Verdict.B
    low, high = mean_interval(differences, seed=seed) or (None, None)
    p_beats = (wins + ties / 2) / n if n else 0.5
    p_low, p_high = _wilson(p_beats, n) or (None, None)
    return Comparison(
        n=n,
        mean=mean,
        median=float(np.median(differences)) if n else 0.0,
        iqm=iqm(differences) if n else 0.0,
        low=low,
        high=high,
        wins=wins,
        losses=losses,
        ties=ties,
        p_beats=p_beats,
        p_beats_low=p_low,
        p_beats_high=p_high,
        p_value=p_value,
        verdict=verdict,
        seeds_needed=_seeds_needed(differences, alpha) if verdict is Verdict.UNDECIDED else 0,
    )


def first_by_seed(plays: Iterable[tuple[int, float]]) -> dict[int, float]:
    """Return the score of the first play of each seed, from (seed, score) in the order in which they were played.

    The first, because the best of several would favour who tries more often, and the mean of several has another
    distribution than a single score, which the test in `compare` would take for a difference.
    """
    first: dict[int, float] = {}
    for seed, score in plays:
        first.setdefault(seed, score)
    return first


def human_normalized(score: float, random: float, human: float) -> float:
    """Return `score` on the scale on which random play is 0.0 and the reference human is 1.0 (Mnih et al. 2015).

    Raises:
        ValueError: `random` and `human` are equal.
    """
    if human == random:
        raise ValueError(f"The scores of random and human play must differ; both are {human}.")
    return (score - random) / (human - random)


def percentile_rank(score: float, others: Sequence[float]) -> float:
    """Return the percentage, 0 to 100, of the scores in `others` that `score` beats, equal ones counted half.

    Raises:
        ValueError: there are no others.
    """
    if len(others) == 0:
        raise ValueError("A percentile rank needs at least one other score.")
    values = np.asarray(others, dtype=np.float64)
    return float(100 * np.mean((values < score) + (values == score) / 2))


def sign_flip_p(differences: NDArray[np.float64], seed: int) -> float:
    """Return the two-sided p-value of the mean of `differences`, shape (n,), when each could have had the other sign;
    see `compare`."""
    if len(differences) < 2 or not np.any(differences):
        return 1.0
    from scipy.stats import permutation_test

    found = permutation_test(
        (differences,),
        _mean_along,
        permutation_type="samples",
        vectorized=True,
        n_resamples=_RESAMPLES,
        batch=max(1, _DRAWS // len(differences)),
        rng=np.random.default_rng(seed),
    )
    return min(1.0, float(found.pvalue))


def _mean_along(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    return np.asarray(np.mean(values, axis=axis))


def _wilson(share: float, n: int) -> tuple[float, float] | None:
    """95 % score interval of a share of n (Wilson 1927); a tie that counts half only makes it wider than needed."""
    if n == 0:
        return None
    z2 = _normal_quantile((1 + CONFIDENCE) / 2) ** 2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def _seeds_needed(differences: NDArray[np.float64], alpha: float) -> int | None:
    """Further seeds for a decision with probability `POWER`, if mean and spread stay as they are."""
    n = len(differences)
    fewest = 1 + math.ceil(-math.log2(alpha))
    if n < 2:
        return max(1, fewest - n)
    mean, spread = float(np.mean(differences)), float(np.std(differences, ddof=1))
    if mean == 0:
        return None
    z = _normal_quantile(1 - alpha / 2) + _normal_quantile(POWER)
    further = max(1, fewest - n, math.ceil(min((z * spread / mean) ** 2, 1e9)) - n)
    return further if further <= MANY_SEEDS else None


def _normal_quantile(probability: float) -> float:
    return NormalDist().inv_cdf(probability)


def _sorted(scores: ArrayLike) -> NDArray[np.float64]:
    values = np.sort(np.asarray(scores, dtype=np.float64).reshape(-1))
    if not np.all(np.isfinite(values)):
        raise ValueError("Scores must be finite numbers.")
    return values


def _mean(values: NDArray[np.float64]) -> float:
    """Correctly rounded, so that equal means of whole scores compare equal however many there are."""
    return math.fsum(values) / len(values)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
