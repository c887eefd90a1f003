"""The big screen, and the stream of what is new on it. Everything is drawn once here, however many watch."""

from __future__ import annotations

import asyncio
import contextlib
import io
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from arena.server.public_views import ResultFilter
from arena.server.web.pictures import pictures, shown
from arena.server.web.site import answer, fragment, title_of
from arena.server.web.sse import Stream
from arena.server.web.tallies import Card, Tallies, classes

if TYPE_CHECKING:
    from arena.server.public_views import ResultView
    from arena.server.services import Server

router = APIRouter(include_in_schema=False)

LATEST = 12
"""Results on the big screen."""
CARDS = 6
"""Games on the big screen: those that were played last, where there are more."""
LINKS = (
    *(("/api/v1/tally", "Tally as JSON"), ("/api/v1/tally.csv", "CSV")),
    *(("/api/v1/live", "Running games as JSON"), ("/api/v1/live.csv", "CSV")),
    *(("/api/v1/results", "Results as JSON"), ("/api/v1/results.csv", "CSV")),
)
PAUSE_SECONDS = 0.4
"""At least so long between two drawings of the board: what comes meanwhile is drawn together."""
LOOK_SECONDS = 10.0
"""How often the board is drawn without news: other programs may write to the same database."""


MOST_READERS = 40
"""Screens that are sent pictures at once, about a megabit per second each."""


@dataclass
class LivePages:
    """What all screens share."""

    server: Server
    tallies: Tallies
    feed: Stream
    pictures: Stream


def live_pages(request: Request) -> LivePages:
    """Return the shared part, made when the first asks."""
    state = request.app.state
    if not hasattr(state, "live_pages"):
        server: Server = state.server
        tallies = Tallies(server)
        feed = Stream(lambda stream: _make(server, tallies, stream))
        state.live_pages = LivePages(server, tallies, feed, pictures(server))
    found: LivePages = state.live_pages
    return found


@router.get("/live")
async def live(request: Request) -> HTMLResponse:
    pages = live_pages(request)
    return await asyncio.to_thread(_live, request, pages)


def _live(request: Request, pages: LivePages) -> HTMLResponse:
    server = pages.server
    return answer(
        request,
        "live.html.j2",
        cards=_cards(server, pages.tallies),
        results=_results(server),
        games=_games(server),
        address=address(request),
        links=LINKS,
    )


@router.get("/live/feed")
async def feed(request: Request) -> StreamingResponse:
    return live_pages(request).feed.answer()


@router.get("/live/qr.svg")
def qr(request: Request) -> Response:
    """The address of this scoreboard, to be photographed."""
    import segno

    file = io.BytesIO()
    segno.make(address(request), error="m", micro=False).save(file, kind="svg", scale=4, border=2, light="#fff")
    return Response(file.getvalue(), media_type="image/svg+xml", headers={"Cache-Control": "max-age=60"})


def address(request: Request) -> str:
    """Return the address under which others reach this server: what the organizers gave it; else as the browser asked
    for it, and where that is this machine's own name for itself, the machine's address in its network."""
    server: Server = request.app.state.server
    if server.settings.url:
        return server.settings.url
    url = request.base_url
    if url.hostname in ("localhost", "127.0.0.1", "::1", "0.0.0.0"):
        url = url.replace(hostname=_own_address() or url.hostname)
    return str(url).rstrip("/")


def _own_address() -> str | None:
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # sends nothing; the system says by which address it would
            return str(probe.getsockname()[0])
    except OSError:
        return None


@dataclass(frozen=True, slots=True)
class _Board:
    """What was drawn."""

    parts: dict[str, str]
    """HTML by the name of its event."""
    games: tuple[str, ...] = ()
    """Keys of the cards, in their order."""
    results: frozenset[str] = frozenset()
    fresh: frozenset[str] = frozenset()
    """Results that came with the last change: they slide in."""


async def _make(server: Server, tallies: Tallies, stream: Stream) -> None:
    """Draw what has changed whenever something has happened, while somebody watches."""
    board = _Board({})
    async with server.bus.reader() as queue:
        while True:
            before, board = board, await asyncio.to_thread(_draw, server, tallies, board)
            for name in _to_send(before, board):
                await stream.put(name, board.parts[name])
            await asyncio.sleep(PAUSE_SECONDS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    while (await queue.get()).kind == "game-moved":
                        pass
            while not queue.empty():
                queue.get_nowait()


def _to_send(before: _Board, board: _Board) -> list[str]:
    """Return the parts that have changed: all cards in one piece when there is another game, else each by itself."""
    changed = [name for name, text in board.parts.items() if before.parts.get(name) != text]
    if board.games != before.games:
        return [name for name in changed if name not in board.games]
    return [name for name in changed if name != "cards"]


def _draw(server: Server, tallies: Tallies, before: _Board) -> _Board:
    """Return every part of the board as it is now."""
    results = _results(server)
    shas = frozenset(result.recording_sha256 for result in results)
    fresh = before.fresh
    if shas != before.results:
        fresh = shas - before.results if before.parts else frozenset()
    cards = _cards(server, tallies)
    parts = {card.key: fragment("_card.html.j2", card=card) for card in cards}
    parts["state"] = fragment("_state.html.j2", event=server.views.event())
    parts["cards"] = fragment("_cards.html.j2", cards=cards)
    parts["latest"] = fragment("_latest.html.j2", results=results, fresh=fresh)
    parts["playing"] = fragment("_playing.html.j2", games=_games(server))
    return _Board(parts, tuple(card.key for card in cards), shas, fresh)


def _cards(server: Server, tallies: Tallies) -> list[Card]:
    found = classes(server)
    if len(found) > CARDS:
        recent = dict.fromkeys((r.game, r.rules_id) for r in server.views.results(ResultFilter(limit=200)))
        wanted = list(recent)[:CARDS]
        found = [one for one in found if (one.game, one.rules_id) in wanted]
    return [tallies.card(one) for one in found]


def _results(server: Server) -> list[ResultView]:
    return server.views.results(ResultFilter(limit=LATEST))


def _games(server: Server) -> list[dict[str, Any]]:
    hidden = server.views.hidden_names()
    return [
        {
            "id": game.id,
            "player": "(name hidden)" if game.player in hidden else game.player,
            "station": game.station,
            "title": title_of(game.game),
        }
        for game in shown(server)
    ]


@router.get("/live/pictures")
async def watch(request: Request) -> StreamingResponse:
    stream = live_pages(request).pictures
    if stream.readers >= MOST_READERS:
        raise HTTPException(503, "Too many screens watch the pictures just now.")
    return stream.answer()
