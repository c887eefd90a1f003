"""Which seeds are played: known ones for practice, and ones that nobody can choose or foresee for a final."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import secrets
from collections.abc import Iterator
from contextlib import suppress

from envs.environment import SEED_LIMIT, ale_seed_of
from envs.errors import SeedError
from envs.rules import Rules

PRACTICE_SEEDS = 2**20
"""Seeds below this one are for practice: everybody may know them, so no final uses them."""
MOST_FRESH = 100_000
"""Most seeds that are drawn at once."""


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


FINAL = "arena seeds 1"
"""Names the way in which the seeds of a final are made; another way would get another name."""
SECRET_BYTES = 32


def new_secret() -> bytes:
    """Return the secret of an event, from the operating system's generator."""
    return secrets.token_bytes(SECRET_BYTES)


def commitment(secret: bytes) -> str:
    """Return what is published when an event opens: SHA-256 of the secret, in hexadecimal."""
    return hashlib.sha256(secret).hexdigest()


def final_seeds(secret: bytes, stage: str, game: str, entropy: str, count: int) -> tuple[int, ...]:
    """Return the first `count` seeds of one stage of a final in one game, all different.

    Nobody can choose them: the organizers' secret is fixed when the event opens, and `entropy` is a public number that
    nobody knows before submissions close. Nobody else can compute them before the secret is revealed; afterwards
    everybody can. Seed number i comes from HMAC-SHA256 with the secret as key over the JSON text
    `["arena seeds 1", stage, game, entropy, i]` (ASCII, no spaces): its first 53 bits. A number that is a practice
    seed, that ALE can't use (see `envs.environment.ale_seed_of`) or that came before is passed over. The longer list of
    a stage begins with the shorter one.

    Args:
        secret: the event's.
        stage: names tournament and round, e.g. `final/round 1`.
        game: ALE's ROM name.
        entropy: the public number, as it was announced, character by character.
        count: how many.
    """
    return _usable(_final_candidates(secret, stage, game, entropy), count)


def _final_candidates(secret: bytes, stage: str, game: str, entropy: str) -> Iterator[int]:
    for number in itertools.count():
        message = json.dumps([FINAL, stage, game, entropy, number], separators=(",", ":")).encode("ascii")
        seed = int.from_bytes(hmac.digest(secret, message, "sha256")[:8]) >> 11
        if seed >= PRACTICE_SEEDS:
            yield seed


def rehearsal_seeds(stage: str, game: str, count: int) -> tuple[int, ...]:
    """Return practice seeds for a tournament that is only tried out: like `final_seeds`, without secrets."""
    texts = (json.dumps(["arena rehearsal", stage, game, number]) for number in itertools.count())
    return _usable((_number(hashlib.sha256(text.encode()).digest()) % PRACTICE_SEEDS for text in texts), count)


def evaluation_seeds(secret: bytes, rules: Rules, count: int) -> tuple[int, ...]:
    """Return the seeds on which a server evaluates the agents that are submitted under `rules`: the same for all of
    them. The longer list begins with the shorter one.

    Args:
        secret: see `arena.event.secrets.evaluation_secret`.
    """
    texts = (f"arena evaluation\n{rules.rules_id}\n{number}" for number in itertools.count())
    return _usable((_number(hmac.digest(secret, text.encode(), "sha256")) % SEED_LIMIT for text in texts), count)


def fresh_seeds(count: int) -> tuple[int, ...]:
    """Draw `count` seeds that nobody has seen, from the operating system's generator; none is a practice seed.

    Raises:
        SeedError: `count` is not between 1 and 100,000.
    """
    if not 1 <= count <= MOST_FRESH:
        raise SeedError(f"An evaluation has 1 to {MOST_FRESH:,} games; what came is {count:,}.")
    drawn = (PRACTICE_SEEDS + secrets.randbelow(SEED_LIMIT - PRACTICE_SEEDS) for _ in itertools.count())
    return _usable(drawn, count)


def _number(digest: bytes) -> int:
    return int.from_bytes(digest[:8])


def _usable(candidates: Iterator[int], count: int) -> tuple[int, ...]:
    """Return the first `count` different seeds among `candidates` that ALE accepts (see `ale_seed_of`)."""
    found: dict[int, None] = {}
    while len(found) < count:
        seed = next(candidates)
        with suppress(SeedError):
            ale_seed_of(seed)
            found[seed] = None
    return tuple(found)
