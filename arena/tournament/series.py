"""A duel: two players meet on the same seeds, one after the other, until it is decided.

Two ways to decide. Best of n asks who was better this evening. The sequential test asks who is better, with a stated
error rate, and plays as many seeds as that takes, up to a cap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from arena.stats.sequential import log_evidence

FRESH = 5
"""Fresh seeds that may be added to a best of n for seeds that were tied."""


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class BestOf(_Rule):
    """Who wins more than half of n seeds. A tied seed counts for nobody and is followed by a fresh one, `FRESH` times
    at most."""

    kind: Literal["best of"] = "best of"
    n: Annotated[int, Field(ge=1, le=1000)] = 5

    @property
    def most(self) -> int:
        """Seeds that are played at most."""
        return self.n + FRESH

    def decided(self, wins: int, losses: int) -> bool:
        return max(wins, losses) > self.n / 2

    def text(self) -> str:
        return f"best of {self.n}"


class Sequential(_Rule):
    """Until a test that may be looked at after every seed decides.

    The test is a betting martingale on who wins a seed: the likelihood ratio of a mixture over all chances to win,
    with the weights of Krichevsky and Trofimov (a beta distribution of 1/2, 1/2), against equal chances. If the players
    are equal, it ever reaches 1/alpha with a probability of at most alpha, however long they play (Ville 1939; Robbins
    1970, "Statistical Methods Related to the Law of the Iterated Logarithm"). Tied seeds don't count. It takes seven
    seeds won in a row to decide at 0.05.
    """

    kind: Literal["sequential"] = "sequential"
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Largest probability of calling one of two equal players better, in each game."""
    cap: Annotated[int, Field(ge=1, le=1000)] = 30
    """Seeds that are played at most; then it stays undecided."""

    @property
    def most(self) -> int:
        return self.cap

    def decided(self, wins: int, losses: int) -> bool:
        return wins != losses and log_evidence(wins, losses) >= -math.log(self.alpha)

    def text(self) -> str:
        return f"until decided at {100 * self.alpha:.2g} % error per game, {self.cap} seeds at most"


SeriesRule = Annotated[BestOf | Sequential, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class Series:
    """How a duel in one game stands, as far as both have played; later seeds than the deciding one don't count."""

    wins: int
    losses: int
    ties: int
    points: int
    """Sum of the points of A on the seeds that count."""
    points_against: int
    over: bool
    """Whether nothing is left to play."""
    decided: bool
    """Whether the rule's condition was met; if it is over without that, whoever leads is not proven better."""

    @property
    def played(self) -> int:
        return self.wins + self.losses + self.ties

    @property
    def lead(self) -> int:
        """1 if A is ahead, -1 if B is, 0 if nobody: by seeds, then by points."""
        mine, others = (self.wins, self.points), (self.losses, self.points_against)
        return (mine > others) - (mine < others)


def series(rule: BestOf | Sequential, a: Sequence[int | None], b: Sequence[int | None]) -> Series:
    """Return how a duel stands.

    Args:
        rule: how it is decided.
        a: A's score on each seed, in the order of the seeds; None where it hasn't been played.
        b: B's.
    """
    wins = losses = ties = points = against = 0
    decided = over = False
    for mine, others in zip(a, b, strict=False):
        if mine is None or others is None:
            break
        wins += mine > others
        losses += mine < others
        ties += mine == others
        points += mine
        against += others
        decided = rule.decided(wins, losses)
        over = decided or wins + losses + ties == rule.most or _is_used_up(rule, wins, losses)
        if over:
            break
    return Series(wins, losses, ties, points, against, over, decided)


def _is_used_up(rule: BestOf | Sequential, wins: int, losses: int) -> bool:
    """An even number of seeds may end in a draw."""
    return isinstance(rule, BestOf) and wins + losses >= rule.n


def seeds_wanted(rule: BestOf | Sequential, so_far: Series, ahead: int) -> int:
    """Return how many seeds from the first one on should be played by now.

    Args:
        rule: how the duel is decided.
        so_far: how it stands.
        ahead: how many seeds may be played before the other side has, in a sequential test.
    """
    if so_far.over:
        return so_far.played
    if isinstance(rule, BestOf):
        return min(rule.most, rule.n + so_far.ties)
    return min(rule.most, so_far.played + ahead)
