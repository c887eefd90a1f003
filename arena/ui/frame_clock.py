"""The clock of a person's game: 59.92 frames per second on an absolute schedule, and how well that was kept."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from envs.games import FPS
from recordings.recording import Pacing, Pause

FRAME_SECONDS = 1 / FPS
SPIN_SECONDS = 0.0004
"""The last part of a wait is spent looking at the clock: sleeping ends a little late."""
CATCH_UP = 0.8
"""The shortest interval between two frames, as a part of the usual one: what was lost is made up for at a pace that can
still be played, never in a burst."""
LATE_SECONDS = 0.5
"""A delay after which the schedule starts anew: the machine was stopped, nobody wants that time back."""


class FrameClock:
    """Says when frames are due, and measures when they came.

    Args:
        most: intervals that it has room for: the rules' `max_frames`.
        now: the time in seconds.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        most: int,
        now: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._now, self._sleep = now, sleep
        self._intervals = np.empty(most, np.float64)
        self._count = 0
        self._late = 0
        self._due = 0.0
        self._last: float | None = None
        """When the last frame came; None if the next one begins the game or goes on after a pause."""
        self._pauses: list[Pause] = []

    @property
    def late_frames(self) -> int:
        return self._late

    @property
    def pauses(self) -> tuple[Pause, ...]:
        return tuple(self._pauses)

    def tick(self) -> None:
        """Wait until the next frame is due. The first one, and the first after a pause, is due at once."""
        if self._last is None:
            self._last = self._due = self._now()
            return
        self._due += FRAME_SECONDS
        until = max(self._due, self._last + CATCH_UP * FRAME_SECONDS)
        wait = until - self._now()
        if wait > SPIN_SECONDS:
            self._sleep(wait - SPIN_SECONDS)
        while (now := self._now()) < until:
            pass
        late = now - self._due
        if late > FRAME_SECONDS:
            self._late += 1
        if late > LATE_SECONDS:
            self._due = now
        if self._count < len(self._intervals):
            self._intervals[self._count] = now - self._last
            self._count += 1
        self._last = now

    def behind(self) -> bool:
        """Whether the next frame should have come already: then a picture may be left out, not a frame."""
        return self._now() > self._due + FRAME_SECONDS

    def paused(self, frame: int, seconds: float) -> None:
        """The game has stood still for so long before the frame after `frame`; it goes on with the next tick."""
        self._pauses.append(Pause(frame=frame, ms=round(1000 * seconds, 3)))
        self._last = None

    def pacing(self, held_frames: int = 0) -> Pacing:
        """Return what was measured so far; `held_frames` is what `Pacing` says about a bot."""
        kept = 1000 * self._intervals[: self._count]
        total = float(kept.sum())
        p50, p99 = np.percentile(kept, (50, 99)) if self._count else (0.0, 0.0)
        return Pacing(
            frames_per_second=round(1000 * self._count / total, 4) if total else 0.0,
            p50_ms=round(float(p50), 3),
            p99_ms=round(float(p99), 3),
            max_ms=round(float(kept.max()), 3) if self._count else 0.0,
            late_frames=self._late,
            pauses=self.pauses,
            held_frames=held_frames,
        )
