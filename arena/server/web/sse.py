"""Server-sent events that carry the newest state: one maker, any number of readers, and nobody is waited for.

A reader that is slow leaves out what was overtaken, so the memory it takes doesn't grow.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event

from arena.server.event_bus import HEADERS, WELCOME
from envs.errors import ArenaError

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15.0
"""After so long without news a comment is sent: a reader that has gone is noticed then."""
RETRY_SECONDS = 1.0
"""When something is tried again that went wrong."""


class Stream:
    """The newest message under each name. Its maker runs while there are readers.

    Args:
        make: puts messages into the stream it is given, until it is cancelled.
    """

    def __init__(self, make: Callable[[Stream], Awaitable[None]]) -> None:
        self._make = make
        self._maker: asyncio.Task[None] | None = None
        self._newest: dict[str, tuple[int, bytes]] = {}
        self._number = 0
        self._news = asyncio.Condition()
        self.readers = 0

    async def put(self, name: str, text: str) -> None:
        """Send `text` to all readers; it takes the place of what was sent under this name before."""
        async with self._news:
            self._number += 1
            self._newest[name] = self._number, format_sse_event(event=name, data_str=text)
            self._news.notify_all()

    def answer(self) -> EventSourceResponse:
        """Return what a reader gets: the newest of everything, then what comes."""
        return EventSourceResponse(self._read(), headers=HEADERS)

    async def _read(self) -> AsyncIterator[bytes]:
        seen = 0
        self.readers += 1
        if self._maker is None:
            self._maker = asyncio.create_task(self._run())
        try:
            yield WELCOME
            while True:
                fresh = sorted(message for message in self._newest.values() if message[0] > seen)
                seen = self._number
                if fresh:
                    yield b"".join(message for _, message in fresh)
                    continue
                async with self._news:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(HEARTBEAT_SECONDS):
                            await self._news.wait_for(lambda: self._number > seen)  # noqa: B023  # it is over by then
                if self._number == seen:
                    yield KEEPALIVE_COMMENT
        finally:
            self.readers -= 1
            if self.readers == 0 and self._maker is not None:
                self._maker.cancel()
                self._maker = None
                self._newest.clear()  # it will be out of date when the next one comes

    async def _run(self) -> None:
        """Keep the maker going, whatever happens to it: a database that is away comes back."""
        while True:
            try:
                await self._make(self)
            except Exception as error:
                log.warning("What the screens show is made anew: %s", error, exc_info=not isinstance(error, ArenaError))
            await asyncio.sleep(RETRY_SECONDS)
