"""What a person may do besides playing: how many pauses, for how long, and when the game is given up."""

from __future__ import annotations

from dataclasses import dataclass

from arena.engine.eligibility import MOST_PAUSES, PAUSE_SECONDS

SCREEN_SECONDS = 1 / 30
"""Between two pictures of a screen on which nothing moves."""
CONFIRM_KEYS = ("return", "enter", "keypad enter")


@dataclass(frozen=True, slots=True)
class PlayLimits:
    """What a person may do besides playing."""

    pauses: int = MOST_PAUSES
    pause_seconds: float = PAUSE_SECONDS
    """All pauses of a game together."""
    countdown: int = 3
    """Seconds before the first frame, and after a pause."""
    idle_seconds: float | None = None
    """The game is left if nothing is touched for so long, a pause and its end screen, too; None: never."""
    counts: bool = True
    """Whether the question before leaving says so."""


RANKED = PlayLimits()
PRACTICE = PlayLimits(pauses=1000, pause_seconds=3600.0, counts=False)
