"""Figures of the web pages: how soon the big screen shows something, how much it loads, and what a page costs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from system_packages import find_chromium

from benchmarks.figure import Figure, spread, survive
from benchmarks.server import EPISODES, PLAYERS, Running, _fill, _folder, _serving

PLAYED = {"breakout": EPISODES, **dict.fromkeys(("pacman", "ms_pacman", "space_invaders"), EPISODES // 10)}
"""Episodes of each game; one more of each is being played."""
LOADS = 12
READS = 60
SIZES = {"phone": (390, 844), "laptop": (1366, 768), "projector": (3840, 2160)}
PAINTED = """() => new Promise((done) => new PerformanceObserver((list, observer) => {
    const first = list.getEntriesByName('first-contentful-paint')[0];
    if (first) { observer.disconnect(); done(first.startTime); }
}).observe({type: 'paint', buffered: true}))"""


def run() -> Iterator[Figure]:
    """Yield every figure of this suite."""
    from arena.event.folder import open_event
    from arena.scoreboard.store import Scoreboard

    with _folder() as folder:
        with Scoreboard.open(open_event(folder).database) as board:
            _fill(board, PLAYED)
        with _serving(folder, ["Station"], "station") as server:
            _begin(server)
            yield from survive((_first_paint, _standings), server.url)


def _begin(server: Running) -> None:
    """Begin a ranked game of each game and tell ten seconds of it, so that there are moving pictures."""
    from arena.client.api import Client
    from recordings.live_chain import links

    with Client(server.url, server.tokens[0], timeout=60) as station:
        for game in PLAYED:
            ticket = station.start(station.ticket("Player 500", game).id)
            station.tell(ticket.id, list(links(ticket.chain, bytes(600))))


def _first_paint(url: str) -> Iterator[Figure]:
    """Load the big screen in a fresh browser each time: nothing is cached."""
    from playwright.sync_api import sync_playwright

    program = find_chromium()
    if program is None:
        raise SystemExit("This needs Chromium: sudo apt-get install chromium")
    painted: dict[str, list[float]] = {}
    loaded: list[int] = []
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for number in range(LOADS):
            for name, (width, height) in SIZES.items():
                context = browser.new_context(viewport={"width": width, "height": height})
                page = context.new_page()
                taken = _count_bytes(context, page)
                page.goto(f"{url}/live")
                first = page.evaluate(PAINTED) / 1000
                page.wait_for_timeout(500)  # the streams have begun
                if number:  # the first loads warm the server
                    painted.setdefault(name, []).append(first)
                loaded.append(sum(taken.values()))
                context.close()
        browser.close()
    how = (
        f"{LOADS - 1} loads in each of three sizes, nothing cached, {sum(PLAYED.values()):,} episodes of {PLAYERS:,} "
        f"players, {len(PLAYED)} games running; counted until half a second after, streams included"
    )
    every = [value for values in painted.values() for value in values]
    detail = {name: spread(values) for name, values in painted.items()}
    yield Figure("first paint of the big screen, slowest", max(every), "< 1", how, " s", detail)
    yield Figure("bytes loaded by the big screen, most", max(loaded) / 1000, "< 300", how, " kB")


def _count_bytes(context: Any, page: Any) -> dict[str, int]:
    """Return a table that grows by the bytes of everything the page receives, by request: of one that is over with its
    headers, of a stream what has come of it."""
    taken: dict[str, int] = {}

    def received(event: dict[str, Any]) -> None:
        name = event["requestId"]
        taken[name] = taken.get(name, 0) + int(event["dataLength"])

    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.dataReceived", received)
    session.on(
        "Network.loadingFinished", lambda event: taken.update({event["requestId"]: int(event["encodedDataLength"])})
    )
    return taken


def _standings(url: str) -> Iterator[Figure]:
    """Fetch the page with the standings again and again."""
    import httpx2

    with httpx2.Client(base_url=url, timeout=60, follow_redirects=True) as client:
        path = client.get("/standings").url.path
        seconds = []
        for number in range(READS + 5):
            begin = time.perf_counter()
            client.get(path).raise_for_status()
            if number >= 5:
                seconds.append(time.perf_counter() - begin)
    how = f"{READS} requests one after the other for the page of {PLAYERS:,} players, {EPISODES:,} episodes"
    yield Figure("page of the standings, p95", float(np.percentile(seconds, 95)) * 1000, "< 50", how, " ms")
