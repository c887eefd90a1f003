"""How far a result may be trusted: what the server saw of the game while it was played.

A score is proved by its replay. That somebody played it then and there, at the speed of the game, is another matter: it
shows in the chain heads (`recordings.live_chain`) and in when they came, by the server's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from arena.engine.eligibility import MOST_PAUSES, PAUSE_SLACK_SECONDS
from arena.engine.eligibility import PAUSE_SECONDS as ALL_PAUSES_SECONDS
from envs.games import FPS
from recordings.live_chain import EVERY

MISSING = 2
"""Heads at the end that may be missing: the game is over before they are sent."""
SHORT_SECONDS = 10.0
"""Games below this length are not timed: a second of bad network is more than a tenth of them."""
SPEED = 0.04
"""By how much the speed may differ from that of the game; a difference of 5 % is always noticed."""
LATE_SECONDS = 3.0
"""By how much a head may come before or after its time."""
LATE_SECONDS_SHORT = 1.0
"""The same in a short game."""

PAUSES, PAUSE_SECONDS = MOST_PAUSES, ALL_PAUSES_SECONDS + MOST_PAUSES * PAUSE_SLACK_SECONDS
"""How often, and for how long in all, a game on a station may stand still: people may pause there."""
STILL_SECONDS = 1.0
"""A head that comes so much later after the one before it than the game takes was held up by a pause."""


class Trust(StrEnum):
    WITNESSED = "witnessed"
    """Played on a station of the organizers, watched live by the server."""
    ATTESTED = "attested"
    """Played on somebody's own machine, watched live by the server."""
    UNATTESTED = "unattested"
    """The score is true; how it was played, nobody saw."""


def judge(heads: Sequence[tuple[int, float]], frames: int, *, station: bool) -> tuple[Trust, str]:
    """Return the level and a sentence with the reason.

    Args:
        heads: frames played and seconds on the server's clock of each head that came, in order.
        frames: length of the game.
        station: whether it was played on a station of the organizers.
    """
    if station:
        heads = _without_pauses(heads)
    doubt = _doubt(heads, frames)
    if doubt is not None:
        return Trust.UNATTESTED, doubt
    where = "on a station" if station else "on the player's own machine"
    seen = f"played {where} and followed live, {len(heads)} chain heads"
    if heads and heads[-1][1] - heads[0][1] >= SHORT_SECONDS:
        seen += f", at {_speed(heads):.2f} times the game's speed"
    return (Trust.WITNESSED if station else Trust.ATTESTED), seen


def _without_pauses(heads: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Return the heads as if the first pauses had not been."""
    moved: list[tuple[int, float]] = []
    paused, pauses = 0.0, 0
    before = heads[0] if heads else (0, 0.0)
    for frame, seconds in heads:
        extra = seconds - before[1] - (frame - before[0]) / FPS
        if extra > STILL_SECONDS and pauses < PAUSES and paused + extra <= PAUSE_SECONDS:
            paused += extra
            pauses += 1
        moved.append((frame, seconds - paused))
        before = (frame, seconds)
    return moved


def _doubt(heads: Sequence[tuple[int, float]], frames: int) -> str | None:
    if not heads:
        return "nothing of the game was heard while it was played"
    last = heads[-1][0]
    if last + EVERY * (MISSING + 1) <= frames:
        return f"the live chain heads end at frame {last:,} of {frames:,}"
    began = heads[0]
    span = (last - began[0]) / FPS
    late = [(frame, seconds - began[1] - (frame - began[0]) / FPS) for frame, seconds in heads]
    if max(span, heads[-1][1] - began[1]) >= SHORT_SECONDS:
        speed = _speed(heads)
        if abs(speed - 1) > SPEED:
            return f"it was played at {speed:.2f} times the game's speed"
    frame, worst = max(late, key=lambda one: abs(one[1]))
    if abs(worst) > (LATE_SECONDS if span >= SHORT_SECONDS else LATE_SECONDS_SHORT):
        return f"frame {frame:,} came {abs(worst):.1f} s {'late' if worst > 0 else 'early'}"
    return None


def _speed(heads: Sequence[tuple[int, float]]) -> float:
    """Return how fast it was played, 1 being the game's own speed, by the least-squares line through the heads."""
    n = len(heads)
    if n < 2:
        return 1.0
    frame_mean = sum(frame for frame, _ in heads) / n
    second_mean = sum(seconds for _, seconds in heads) / n
    covered = sum((frame - frame_mean) * (seconds - second_mean) for frame, seconds in heads)
    spread = sum((frame - frame_mean) ** 2 for frame, _ in heads)
    if covered <= 0:
        return float("inf")
    return spread / covered / FPS
