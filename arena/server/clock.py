"""The server's clock: it starts from the system's time and then runs by itself, so that a system clock that jumps by a
day changes no game's pace and no order of events while the server runs."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class Clock:
    def __init__(self) -> None:
        self._began = datetime.now(UTC)
        self._zero = time.monotonic()

    def now(self) -> datetime:
        """Return the time, aware, UTC."""
        return self._began + timedelta(seconds=self.seconds())

    def seconds(self) -> float:
        """Return the seconds since the server's start; they never go back."""
        return time.monotonic() - self._zero
