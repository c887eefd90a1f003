"""The streams of the big screen: everybody gets the newest state, nobody is waited for, and nothing runs unwatched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from arena.server.web import sse
from arena.server.web.pictures import BEHIND, HURRY, STRIDE, GamePicture
from arena.server.web.sse import Stream
from envs.errors import ScoreboardError
from envs.rules import named_rules
from tests.arena.server.event_for_pages import NOW


async def nothing(stream: Stream) -> None:
    await asyncio.Event().wait()


def run(test: Callable[[Stream], Awaitable[None]], make: Callable[[Stream], Awaitable[None]] = nothing) -> None:
    async def inside() -> None:
        async with asyncio.timeout(30):
            await test(Stream(make))

    asyncio.run(inside())


def body(stream: Stream) -> AsyncIterator[bytes]:
    return stream.answer().body_iterator  # type: ignore[return-value]


def test_a_reader_gets_the_newest_of_everything_and_then_what_comes() -> None:
    async def test(stream: Stream) -> None:
        first = body(stream)
        assert b"retry" in await anext(first)
        await stream.put("a", "1")
        await stream.put("b", "one\ntwo")
        await stream.put("a", "2")
        assert await anext(first) == b"event: b\ndata: one\ndata: two\n\nevent: a\ndata: 2\n\n"
        late = body(stream)
        await anext(late)
        assert await anext(late) == b"event: b\ndata: one\ndata: two\n\nevent: a\ndata: 2\n\n"
        waiting = [asyncio.ensure_future(anext(reader)) for reader in (first, late)]  # type: ignore[arg-type]
        await asyncio.sleep(0)
        await stream.put("c", "")
        assert await asyncio.gather(*waiting) == [b"event: c\ndata: \n\n"] * 2
        for reader in (first, late):
            await reader.aclose()  # type: ignore[attr-defined]

    run(test)


def test_the_maker_runs_only_while_somebody_reads() -> None:
    running: list[bool] = []

    async def make(stream: Stream) -> None:
        running.append(True)
        try:
            await stream.put("a", str(len(running)))
            await asyncio.Event().wait()
        finally:
            running.append(False)

    async def test(stream: Stream) -> None:
        for round_ in range(2):
            reader = body(stream)
            await anext(reader)
            assert await anext(reader) == f"event: a\ndata: {2 * round_ + 1}\n\n".encode()
            await reader.aclose()  # type: ignore[attr-defined]
            while running[-1]:
                await asyncio.sleep(0)
            assert stream.readers == 0

    run(test, make)
    assert running == [True, False, True, False]


def test_news_that_come_while_a_reader_is_about_to_wait_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "HEARTBEAT_SECONDS", 3600)

    async def test(stream: Stream) -> None:
        reader = body(stream)
        await anext(reader)
        await stream._news.acquire()  # as when many others are being woken
        putting = asyncio.ensure_future(stream.put("a", "1"))
        await asyncio.sleep(0)
        waiting = asyncio.ensure_future(anext(reader))  # type: ignore[arg-type]
        await asyncio.sleep(0)  # it has found nothing, and stands behind the news
        stream._news.release()
        await putting
        assert await waiting == b"event: a\ndata: 1\n\n"
        await reader.aclose()  # type: ignore[attr-defined]

    run(test)


def test_what_goes_wrong_for_a_moment_does_not_stop_the_screens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "RETRY_SECONDS", 0)
    tried: list[str] = []

    async def make(stream: Stream) -> None:
        tried.append("again")
        if len(tried) < 3:
            raise ScoreboardError("The database is away.")
        await stream.put("a", "it is back")
        await asyncio.Event().wait()

    async def test(stream: Stream) -> None:
        reader = body(stream)
        await anext(reader)
        assert await anext(reader) == b"event: a\ndata: it is back\n\n"
        await reader.aclose()  # type: ignore[attr-defined]

    run(test, make)
    assert len(tried) == 3


class Game:
    """A running game, as the server knows it."""

    id = "game"
    player = "Ann"
    station = "Station"
    game = "breakout"
    rules = named_rules("breakout")
    seed = 1
    frames = 0
    started_at = NOW


def test_a_screen_plays_at_the_speed_of_the_game_and_hurries_when_it_is_far_behind() -> None:
    screen = GamePicture(Game())  # type: ignore[arg-type]
    assert screen.advance(b"")
    blank = screen.webp()
    actions = bytes([0, 0, 3, 3, 4, 3] * 500)  # without FIRE the ball stays away, and the game goes on
    assert screen.advance(actions[:60])
    assert screen.frame == STRIDE
    assert screen.advance(actions)
    assert screen.frame == STRIDE + HURRY
    while screen.frame < len(actions) - BEHIND:
        screen.advance(actions)
    assert screen.frame == len(actions) - BEHIND
    screen.advance(actions)
    assert screen.frame == len(actions) - BEHIND + STRIDE
    assert screen.webp() != blank
    while screen.frame < len(actions):
        assert screen.advance(actions)
    assert not screen.advance(actions)


@pytest.mark.parametrize("count", [1, 7, 61])
def test_a_screen_takes_what_there_is(count: int) -> None:
    screen = GamePicture(Game())  # type: ignore[arg-type]
    while screen.advance(bytes(count)) and screen.frame < count:
        pass
    assert screen.frame == count
