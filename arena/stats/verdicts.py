"""People against bots: who won, in each game and overall, with evidence or with "not decided".

All verdicts of one family (every game, and overall) together call equal players different in at most 5 % of events:
the p-values are corrected by Holm's step-down method (Holm 1979), whatever the games have to do with each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arena.stats.comparison import Comparison, Verdict, compare, sign_flip_p, summary
from arena.stats.sequential import log_evidence
from envs.games import HUMAN, find_game

ALPHA = 0.05
PEOPLE, BOTS = "People", "Bots"
Scores = Mapping[str, Mapping[int, float]]
"""Points by player and seed. The order of the players is their seeding."""


@dataclass(frozen=True, slots=True)
class GameVerdict:
    """People against bots in one game."""

    game: str
    players: int
    """How many of each side count: the first so many by seeding, as many people as bots."""
    people: tuple[str, ...]
    bots: tuple[str, ...]
    differences: Mapping[int, float]
    """By seed: mean of the people minus mean of the bots, in points."""
    comparison: Comparison
    """A are the people. Its verdict is the corrected one."""
    effect: float | None
    """Mean difference in standard deviations of the differences (Cohen's d_z, 1988); None where they don't vary."""

    @property
    def sentence(self) -> str:
        """Return the verdict in plain words."""
        return _sentence(find_game(self.game).title, self.comparison, self.effect)


@dataclass(frozen=True, slots=True)
class EventVerdicts:
    """The verdicts of one event, or of one part of it."""

    games: tuple[GameVerdict, ...]
    verdict: Verdict
    """Over all games, each scaled by its own mean absolute difference."""
    p_value: float

    @property
    def sentence(self) -> str:
        """Return the overall verdict in plain words."""
        won = [find_game(v.game).title for v in self.games if v.comparison.verdict is Verdict.A]
        lost = [find_game(v.game).title for v in self.games if v.comparison.verdict is Verdict.B]
        rest = [find_game(v.game).title for v in self.games if v.comparison.verdict is Verdict.UNDECIDED]
        said = [
            *([f"people won {_listed(won)}"] if won else []),
            *([f"bots won {_listed(lost)}"] if lost else []),
            *([f"{_listed(rest)} {'is' if len(rest) == 1 else 'are'} not decided"] if rest else []),
        ]
        head = {
            Verdict.A: "Overall, people are better than bots",
            Verdict.B: "Overall, bots are better than people",
            Verdict.UNDECIDED: "Overall, it is not decided between people and bots",
        }[self.verdict]
        return f"{head} (p {_p(self.p_value)}): {'; '.join(said) or 'no game was played by both'}."


def people_against_bots(
    scores: Mapping[str, tuple[Scores, Scores]], *, alpha: float = ALPHA, seed: int = 0, stopped: bool = False
) -> EventVerdicts:
    """Judge people against bots.

    On each seed the mean of the people is compared with the mean of as many bots. As many, because the mean of few
    skewed scores has another distribution than that of many; which ones, the seeding has said before anything was
    played. The seeds that all of them have played count.

    Args:
        scores: people's and bots' by game.
        alpha: largest probability of any false decision if all are equal.
        seed: of the resampling.
        stopped: whether it was the scores that said when to stop, as in a duel. Then a test made for that takes the
            sign-flip test's place (`arena.tournament.series.Sequential`), and who has won more seeds must also lead in
            points.
    """
    found = {game: _differences(*sides) for game, sides in scores.items()}
    pooled = _pooled([_array(one[2]) for one in found.values()])
    *_, overall = p_values = _tested([_array(one[2]) for one in found.values()], seed, stopped)
    allowed = holm(p_values, alpha)
    verdicts = []
    for (game, (people, bots, differences)), p_value, share in zip(found.items(), p_values, allowed, strict=False):
        compared = compare(differences, dict.fromkeys(differences, 0.0), seed=seed, alpha=share, p_value=p_value)
        values = _array(differences)
        spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        effect = compared.mean / spread if spread else None
        verdicts.append(GameVerdict(game, len(people), people, bots, differences, compared, effect))
    mean = float(np.mean(pooled)) if len(pooled) else 0.0
    verdict = Verdict.UNDECIDED if overall > allowed[-1] or mean == 0 else Verdict.A if mean > 0 else Verdict.B
    return EventVerdicts(tuple(verdicts), verdict, overall)


def decided(
    scores: Mapping[str, tuple[Scores, Scores]], *, alpha: float = ALPHA, seed: int = 0, stopped: bool = False
) -> list[bool]:
    """Return for every game, and last for all together, whether `people_against_bots` would call it decided; quicker,
    for simulations."""
    p_values = _tested([_array(_differences(*sides)[2]) for sides in scores.values()], seed, stopped)
    return [p <= allowed for p, allowed in zip(p_values, holm(p_values, alpha), strict=True)]


def _tested(differences: Sequence[NDArray[np.float64]], seed: int, stopped: bool) -> list[float]:
    """Return the p-value of every game, and last that of all together."""
    both = (*differences, _pooled(differences))
    return [_stopped_p(values) if stopped else sign_flip_p(values, seed) for values in both]


def _stopped_p(differences: NDArray[np.float64]) -> float:
    """Return a p-value that holds whenever one stops: 1 / evidence (Ville 1939)."""
    wins, losses = int(np.sum(differences > 0)), int(np.sum(differences < 0))
    if not len(differences) or np.sign(np.mean(differences)) != np.sign(wins - losses):
        return 1.0
    return min(1.0, math.exp(-log_evidence(wins, losses)))


def holm(p_values: Sequence[float], alpha: float) -> list[float]:
    """Return the threshold for each of `p_values`, in their order: a verdict is one where the p-value is not above its
    own. Together they err with a probability of at most `alpha` (Holm 1979)."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    allowed = [0.0] * len(p_values)
    for position, i in enumerate(order):
        threshold = alpha / (len(p_values) - position)
        allowed[i] = threshold
        if p_values[i] > threshold:
            for later in order[position:]:
                allowed[later] = threshold
            break
    return allowed


def against_reference(game: str, bots: Scores) -> str | None:
    """Return a sentence on the best bot's mean beside the reference human; None if there is no reference or no bot."""
    reference = find_game(game).reference(HUMAN)
    played = {name: list(by_seed.values()) for name, by_seed in bots.items() if by_seed}
    if reference is None or not played:
        return None
    name = max(played, key=lambda one: float(np.mean(played[one])))
    found = summary(played[name])
    if found.low is None or found.high is None:
        return None
    where = "above" if found.low > reference.score else "below" if found.high < reference.score else "about at"
    return (
        f"{find_game(game).title}: the best bot, {name}, is {where} the reference human: mean {_points(found.mean)} "
        f"(95 % interval {_points(found.low)} to {_points(found.high)}) beside {_points(reference.score)} "
        f"({reference.conditions})."
    )


def _differences(people: Scores, bots: Scores) -> tuple[tuple[str, ...], tuple[str, ...], dict[int, float]]:
    """Return who counts on either side, and people minus bots by seed."""
    first = [name for name, by_seed in people.items() if by_seed]
    second = [name for name, by_seed in bots.items() if by_seed]
    count = min(len(first), len(second))
    first, second = first[:count], second[:count]
    if not count:
        return (), (), {}
    seeds = set.intersection(*({*people[name]} for name in first), *({*bots[name]} for name in second))
    differences = {
        seed: math.fsum(people[name][seed] for name in first) / count
        - math.fsum(bots[name][seed] for name in second) / count
        for seed in sorted(seeds)
    }
    return tuple(first), tuple(second), differences


def _pooled(games: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return all differences on one scale: in each game its mean absolute difference is 1, so that no game counts more
    because it gives more points. That scale is the same whichever way the seeds end, so the sign-flip test holds."""
    scaled = [values / np.mean(np.abs(values)) for values in games if len(values) and np.any(values)]
    return np.concatenate(scaled) if scaled else np.zeros(0)


def _array(differences: Mapping[int, float]) -> NDArray[np.float64]:
    return np.sort(np.array(list(differences.values()), dtype=np.float64))


def _sentence(title: str, c: Comparison, effect: float | None) -> str:
    if c.n == 0:
        return f"{title} was not played by people and bots on the same seeds."
    seeds = f"{c.n} {'seed' if c.n == 1 else 'seeds'}"
    if c.mean == 0:
        return f"Not decided in {title}: over {seeds} people and bots have the same mean."
    ahead, won = (PEOPLE, c.wins) if c.mean > 0 else (BOTS, c.losses)
    sign = 1 if c.mean > 0 else -1
    state = f"{won} of {seeds}"
    state += f" ({c.ties} tied)" if c.ties else ""
    state += f", median lead {_points(sign * c.median)} points, mean lead {_points(sign * c.mean)}"
    if c.low is not None and c.high is not None:
        low, high = (c.low, c.high) if sign > 0 else (-c.high, -c.low)
        state += f" with 95 % interval {_points(low)} to {_points(high)}"
    if effect is not None:
        state += f", effect size {abs(effect):.1f}"
    state += f", p {_p(c.p_value)}"
    if c.verdict is not Verdict.UNDECIDED:
        return f"{ahead} won {title}: {state}."
    more = "more than 1,000" if c.seeds_needed is None else f"about {c.seeds_needed:,}"
    noun = "seed" if c.seeds_needed == 1 else "seeds"
    return f"Not decided in {title}: {ahead.lower()} are ahead, {state}; {more} more {noun} needed."


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.2g}"


def _points(value: float) -> str:
    said = f"{value:,.0f}" if abs(value) >= 100 or float(value).is_integer() else f"{value:,.1f}"
    return said.lstrip("-") if float(said.replace(",", "")) == 0 else said


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
