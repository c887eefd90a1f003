"""Evidence that may be looked at after every game."""

from __future__ import annotations

import math


def log_evidence(wins: int, losses: int) -> float:
    """Return the natural logarithm of the evidence against equal chances, see `Sequential`."""

    def log_beta(a: float, b: float) -> float:
        return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)

    return log_beta(wins + 0.5, losses + 0.5) - log_beta(0.5, 0.5) + (wins + losses) * math.log(2)
