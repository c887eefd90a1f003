"""Which seeds are played."""

from __future__ import annotations

from envs.errors import SeedError

PRACTICE_SEEDS = 2**20
"""Seeds below this one are for practice: everybody may know them, so no final uses them."""


def practice_seeds(count: int, first: int = 0) -> tuple[int, ...]:
    """Return `count` practice seeds from `first` on.

    Raises:
        SeedError: there are not that many.
    """
    if count < 1 or first < 0 or first + count > PRACTICE_SEEDS:
        raise SeedError(
            f"Practice seeds are 0 to {PRACTICE_SEEDS - 1:,} and at least one is played; "
            f"what came is {count:,} from {first:,} on."
        )
    return tuple(range(first, first + count))
