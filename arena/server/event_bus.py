"""Events for whoever watches: published from any thread, received by any number of server-sent event streams."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi.sse import format_sse_event

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""Of every event stream: no proxy holds it back."""
WELCOME = format_sse_event(retry=2000)
"""What every event stream begins with: a browser that lost it comes back after so many milliseconds."""
QUEUED = 256
"""Events that wait for a slow reader; then the oldest are dropped and it is told to load anew."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One event."""

    number: int
    """Rises by one from event to event while the server runs."""
    kind: str
    """`result`, `void`, `names`, `game-started`, `game-moved`, `game-ended`, `agent`, `event` or `resync`."""
    data: str
    """JSON, on one line."""

    def frame(self) -> bytes:
        """Return it in the form of a server-sent event."""
        return format_sse_event(id=str(self.number), event=self.kind, data_str=self.data)


class Bus:
    """Make it before the event loop runs, `attach` it to the loop, then publish."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._readers: set[asyncio.Queue[Happening]] = set()
        self._number = 0

    def attach(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Say in which loop the readers live; None when it is about to end."""
        self._loop = loop

    @property
    def readers(self) -> int:
        return len(self._readers)

    def publish(self, kind: str, data: dict[str, Any]) -> None:
        """Tell all readers; from any thread, and never waits. Without readers it costs nothing."""
        loop = self._loop
        if loop is None or not self._readers:
            return
        text = json.dumps(data, separators=(",", ":"), default=str)
        try:
            loop.call_soon_threadsafe(self._deliver, kind, text)
        except RuntimeError:  # the loop has just ended
            return

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[asyncio.Queue[Happening]]:
        """Give a queue into which everything comes that is published from now on."""
        queue: asyncio.Queue[Happening] = asyncio.Queue(QUEUED)
        self._readers.add(queue)
        try:
            yield queue
        finally:
            self._readers.discard(queue)

    def _deliver(self, kind: str, text: str) -> None:
        self._number += 1
        happening = Happening(self._number, kind, text)
        for queue in self._readers:
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(Happening(self._number, "resync", "{}"))
            queue.put_nowait(happening)
