"""Seeds of a final: computable by anybody afterwards, by nobody before."""

from __future__ import annotations

import hashlib
import hmac

from arena.engine.seeds import PRACTICE_SEEDS, commitment, final_seeds, new_secret, rehearsal_seeds

SECRET = bytes(range(32))


def from_the_description(secret: bytes, stage: str, game: str, entropy: str, count: int) -> list[int]:
    """Written from the docstring, without the arena's code and without JSON's library."""
    found: list[int] = []
    for number in range(10 * count):
        text = f'["arena seeds 1","{stage}","{game}","{entropy}",{number}]'
        seed = int(hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()[:14], 16) >> 3
        if seed >= PRACTICE_SEEDS and seed not in found:
            found.append(seed)
    return found[:count]


def test_they_follow_from_secret_stage_game_and_public_number() -> None:
    seeds = final_seeds(SECRET, "final/round 1", "breakout", "4 8 15", 50)
    assert list(seeds) == from_the_description(SECRET, "final/round 1", "breakout", "4 8 15", 50)
    assert seeds[:7] == final_seeds(SECRET, "final/round 1", "breakout", "4 8 15", 7)
    others = [
        final_seeds(bytes(32), "final/round 1", "breakout", "4 8 15", 50),
        final_seeds(SECRET, "final/round 2", "breakout", "4 8 15", 50),
        final_seeds(SECRET, "final/round 1", "pacman", "4 8 15", 50),
        final_seeds(SECRET, "final/round 1", "breakout", "4 8 16", 50),
    ]
    assert len({*seeds, *(seed for other in others for seed in other)}) == 250


def test_none_is_a_practice_seed_and_rehearsals_have_nothing_else() -> None:
    assert min(final_seeds(SECRET, "a", "b", "c", 2000)) >= PRACTICE_SEEDS
    assert max(final_seeds(SECRET, "a", "b", "c", 2000)) < 2**53
    rehearsal = rehearsal_seeds("a", "b", 200)
    assert len(set(rehearsal)) == 200
    assert max(rehearsal) < PRACTICE_SEEDS


def test_the_secret_is_long_and_its_hash_is_plain_sha256() -> None:
    assert len({new_secret() for _ in range(10)}) == 10
    assert len(new_secret()) == 32
    assert commitment(SECRET) == hashlib.sha256(SECRET).hexdigest()
