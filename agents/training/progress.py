"""How far something is that takes long: a bar in a terminal, elsewhere lines that become rarer."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from tqdm import tqdm

FIRST, MOST = 2.0, 60.0
"""Seconds before the first line, and most between two; each pause is twice as long as the one before."""
REFRESH = 0.2
"""Seconds between two looks of the bar."""

T = TypeVar("T")


class Progress:
    """Shows `done` of `total`. What is over within two seconds prints no line.

    Args:
        what: is being done: "imitation 1/6".
        unit: of `total`: "step".
        done: how much of it was done earlier; it says nothing of the pace.
    """

    def __init__(
        self, what: str, total: int, unit: str, *, done: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._what, self._total, self._unit, self._clock = what, total, unit, clock
        self._earlier = done
        self._bar = tqdm(
            total=total, initial=done, desc=what or None, unit=unit, unit_scale=total > 10_000, smoothing=0.05,
            disable=not sys.stderr.isatty(),
        )  # fmt: skip
        self._began = clock()
        self._pause = FIRST
        self._next = self._began + (REFRESH if not self._bar.disable else FIRST)

    def show(self, done: int, note: str = "") -> None:
        """Say that `done` is done, if it is time to; as often as you like."""
        now = self._clock()
        if now < self._next:
            return
        if not self._bar.disable:
            self._next = now + REFRESH
            self._bar.update(done - self._bar.n)
            self._bar.set_postfix_str(note)
            return
        self._pause = min(MOST, 2 * self._pause)
        self._next = now + self._pause
        parts = [self._what] * bool(self._what) + [f"{done:,} of {self._total:,} {self._unit}s"]
        pace = (done - self._earlier) / max(now - self._began, 1e-9)
        if pace:
            parts.append(f"{pace:,.0f} a second" if pace >= 10 else f"{pace:.1f} a second")
        parts += [note] * bool(note)
        if pace and done < self._total:
            parts.append(f"{_time((self._total - done) / pace)} left")
        print(time.strftime("%H:%M:%S"), "  ".join(parts), flush=True)

    def close(self, done: int | None = None) -> None:
        """Leave the bar as it is at the end."""
        if done is not None:
            self._bar.update(done - self._bar.n)
        self._bar.close()


def counted(items: Sequence[T], what: str, unit: str) -> Iterator[T]:
    """The `items`, while it is shown how many of them are done."""
    progress = Progress(what, len(items), unit)
    for count, item in enumerate(items):
        progress.show(count)
        yield item
    progress.close(len(items))


def _time(seconds: float) -> str:
    return f"{max(0.0, seconds):.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} min"
