"""The plan of an evaluation on hidden seeds: what is going to be played, written down before the first game.

Who could stop after a lucky start, or draw seeds again, would report luck. So the number of games is fixed and the
seeds are drawn once; the plan stays in the event folder whatever comes of it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from arena.engine.seeds import PRACTICE_SEEDS
from envs.environment import SEED_LIMIT, ale_seed_of
from envs.errors import SeedError
from envs.rules import Rules
from recordings.storage import write_atomically

MOST_GAMES = 100_000


def hidden_seeds(count: int) -> tuple[int, ...]:
    """Draw `count` different seeds that nobody has seen, from the operating system's generator, all of them outside the
    practice seeds.

    Raises:
        SeedError: `count` is not between 1 and 100,000.
    """
    if not 1 <= count <= MOST_GAMES:
        raise SeedError(f"An evaluation has 1 to {MOST_GAMES:,} games; what came is {count:,}.")
    drawn: dict[int, None] = {}
    while len(drawn) < count:
        seed = PRACTICE_SEEDS + secrets.randbelow(SEED_LIMIT - PRACTICE_SEEDS)
        try:
            ale_seed_of(seed)
        except SeedError:  # the one in four thousand million that ALE would read as "use the clock"
            continue
        drawn[seed] = None
    return tuple(drawn)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is going to be played."""

    agent: str
    """The player's name."""
    artifact_sha256: str | None
    game: str
    rules_id: str
    seeds: tuple[int, ...]
    delays_ms: tuple[int, ...]
    drawn_at: str
    """UTC, ISO 8601."""


def write_plan(
    folder: Path, agent: str, artifact_sha256: str | None, rules: Rules, seeds: Sequence[int], delays_ms: Sequence[int]
) -> Path:
    """Write the plan into `folder` and return its path.

    Raises:
        EventError: the folder can't be written.
    """
    now = datetime.now(UTC)
    stamp = now.isoformat(timespec="seconds")
    plan = Plan(
        agent,
        artifact_sha256,
        rules.game,
        rules.rules_id,
        tuple(seeds),
        tuple(delays_ms),
        stamp,
    )
    path = folder / f"{rules.game}-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}.json"
    write_atomically(path, (json.dumps(asdict(plan), indent=2) + "\n").encode())
    return path
