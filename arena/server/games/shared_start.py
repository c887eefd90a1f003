"""People at several stations who play the same seed, and begin together."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from threading import Lock

from arena.server.clock import Clock

FRESH_SECONDS = 3.0
"""Who has asked within this time still sits there."""
LEAD_SECONDS = 1.5
"""From the moment in which all are there to the start: more than stations let pass between two questions."""


class Starts:
    """Who waits for whom, in memory. May be used by several threads at once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._asked: dict[Hashable, dict[str, float]] = {}
        self._begins: dict[Hashable, float] = {}

    def ask(self, game: Hashable, player: str, others: Collection[str]) -> tuple[list[str], float | None]:
        """Note that `player` is there; return who isn't yet, and in how many seconds all begin.

        Args:
            game: names the seed and those who play it together.
            player: who asks, again and again until the game begins.
            others: those of them who have this seed still to play.
        """
        now = self._clock.seconds()
        with self._lock:
            asked = self._asked.setdefault(game, {})
            asked[player] = now
            begins = self._begins.get(game)
            if begins is None or now > begins + FRESH_SECONDS:  # none yet, or that was before the game was undone
                missing = [one for one in others if one not in asked or now - asked[one] > FRESH_SECONDS]
                if missing:
                    return missing, None
                begins = self._begins[game] = now + LEAD_SECONDS
            return [], max(0.0, begins - now)
