"""Waiting between attempts to reach the server."""

from __future__ import annotations

import random
import threading


class Backoff:
    """Waits that grow: each is twice as long as the one before, less up to half of it by chance, so that stations don't
    call in step.

    Args:
        over: ends a wait at once when it is set.
        first, longest: seconds.
    """

    def __init__(self, over: threading.Event, first: float, longest: float) -> None:
        self._over = over
        self._first = self._next = first
        self._longest = longest

    def wait(self) -> bool:
        """Wait; return whether the event was set."""
        pause, self._next = self._next, min(2 * self._next, self._longest)
        return self._over.wait(pause * random.uniform(0.5, 1))

    def reset(self) -> None:
        """Begin again with the shortest wait: an attempt has succeeded."""
        self._next = self._first
