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

from envs.rules import Rules
from recordings.storage import write_atomically


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
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
    plan = EvaluationPlan(
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
