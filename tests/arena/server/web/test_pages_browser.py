"""The web pages in a real browser: three sizes, two colour schemes, no error, nothing from outside, usable with keys,
readable by axe-core's rules; and the big screen as it moves."""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from system_packages import find_chromium

from agents.player import Kind
from arena.scoreboard.server_tables import Role
from arena.scoreboard.store import Scoreboard
from tests.arena.server.event_for_pages import HOSTILE, SEEDS, EventForPages, begin_game, fill, result, station
from tests.arena.server.serving import Serving

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

SIZES = {"phone": (390, 844), "laptop": (1366, 768), "projector": (3840, 2160)}
SCHEMES = ("light", "dark")
AXE = gzip.decompress((Path(__file__).parents[3] / "vendor" / "axe.min.js.gz").read_bytes()).decode()
"""axe-core 4.14.1, MPL-2.0."""
SHOTS = os.environ.get("ARENA_ARTIFACTS")
"""A folder for pictures of every page; none are made without it."""

PAGES = [
    *("home", "live", "standings", "player", "agent", "episode", "compare"),
    *("submit", "rules", "login", "missing", "organizer"),
]


@pytest.fixture(scope="module")
def event(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EventForPages]:
    serving = Serving(tmp_path_factory.mktemp("browser") / "event", options=["--evaluators", "0"])
    filled = fill(serving)
    with serving:
        client = station(serving)
        for player, game in (("Ann", "breakout"), (HOSTILE[0], "space_invaders"), ("W" * 32, "ms_pacman")):
            begin_game(client, player, game)
        yield filled


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium (Debian: sudo apt-get install chromium)")
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield running
        running.close()


class Visitor:
    """A browser's window that notes what goes wrong in it."""

    def __init__(self, browser: Any, url: str, size: str = "laptop", scheme: str = "light") -> None:
        width, height = SIZES[size]
        self.context = browser.new_context(
            base_url=url, viewport={"width": width, "height": height}, color_scheme=scheme
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.troubles: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: (self.troubles.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.page.on("request", self._request)
        self._home = url

    def _console(self, message: Any) -> None:
        expected = "the server responded with a status of 404" in message.text and "missing" in message.location["url"]
        if message.type in ("error", "warning") and not expected:
            self.troubles.append(f"{message.type}: {message.text}")

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self._home, "data:", "blob:")):
            self.troubles.append(f"request: {request.url}")

    def close(self) -> None:
        self.context.close()


@pytest.fixture
def visit(browser: Any, event: EventForPages) -> Iterator[Any]:
    visitors: list[Visitor] = []

    def begin(size: str = "laptop", scheme: str = "light") -> Visitor:
        visitors.append(Visitor(browser, event.url, size, scheme))
        return visitors[-1]

    yield begin
    for visitor in visitors:
        visitor.close()
    assert [trouble for visitor in visitors for trouble in visitor.troubles] == []


def path_of(event: EventForPages, name: str) -> str:
    left, right = event.recordings
    bot = urlencode({"name": "pixel-eater", "kind": "bot", "version": "ab" * 32})
    return {
        "home": "/",
        "standings": event.standings,
        "player": f"/player?{urlencode({'name': 'W' * 32})}",
        "agent": f"/player?{bot}",
        "episode": f"/episode/{left}",
        "compare": f"/compare?left={left}&right={right}",
    }.get(name, f"/{name}")


def log_in(visitor: Visitor, event: EventForPages) -> None:
    visitor.page.goto("/login")
    visitor.page.get_by_label("Token").fill(event.serving.tokens[Role.ORGANIZER])
    visitor.page.get_by_role("button", name="Log in").click()
    visitor.page.wait_for_url("**/organizer")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_in_every_size_and_both_colours(name: str, event: EventForPages, visit: Any) -> None:
    visitor: Visitor = visit()
    page = visitor.page
    if name == "organizer":
        log_in(visitor, event)
    page.goto(path_of(event, name))
    page.evaluate(AXE)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (size, scheme)
            if SHOTS:
                page.wait_for_timeout(400)
                page.screenshot(path=f"{SHOTS}/{name}-{size}-{scheme}.png")
        for size in ("projector", "phone"):
            page.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))
            assert violations(page) == [], (size, scheme)


def until(page: Any, condition: str, seconds: float = 300) -> None:
    """Wait for a condition in the page. Playwright's own way to do so needs `eval`, which the pages forbid."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(50)


def violations(page: Any) -> list[str]:
    """Return what axe-core finds wrong with the page, animations at their end."""
    page.evaluate("document.getAnimations().forEach((animation) => animation.finish())")
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    return [f"{one['id']}: {node['html'][:150]}: {node['failureSummary']}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("name", PAGES)
def test_everything_that_can_be_used_is_reached_with_the_tab_key(name: str, event: EventForPages, visit: Any) -> None:
    visitor: Visitor = visit()
    page = visitor.page
    if name == "organizer":
        log_in(visitor, event)
    page.goto(path_of(event, name))
    wanted = page.evaluate(
        """() => { window.wanted = [...document.querySelectorAll('a[href], button, input, select, summary, video')]
            .filter((e) => e.type !== 'hidden' && e.checkVisibility({visibilityProperty: true}));
            return window.wanted.length; }"""
    )
    assert wanted > 5
    reached: set[int] = set()
    for _ in range(wanted + 60):
        page.keyboard.press("Tab")
        at = page.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e);
                return [window.wanted.indexOf(e), s.outlineStyle !== 'none' || e.matches('video, input, select')]; }"""
        )
        assert at[1] or at[0] < 0, page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        reached.add(at[0])
        if len(reached - {-1}) == min(wanted, 80):
            break
    missed = page.evaluate(
        """(reached) => window.wanted.filter((e, i) => !reached.includes(i)).map((e) => e.outerHTML.slice(0, 150))""",
        sorted(reached),
    )
    assert len(reached - {-1}) >= min(wanted, 80), missed
    first = page.evaluate("window.wanted[0].textContent")
    assert first == "Skip to the content"


def test_the_big_screen_fits_on_one_and_results_slide_in(event: EventForPages, visit: Any) -> None:
    visitor: Visitor = visit("projector", "dark")
    page = visitor.page
    page.goto("/live")  # says "live" when the first news have come
    page.get_by_text("live", exact=True).wait_for()
    height, seen = page.evaluate("[document.documentElement.scrollHeight, innerHeight]")
    assert height <= seen
    assert page.locator(".card").count() == 4
    fresh = result("Newcomer <b>", Kind.HUMAN, None, "breakout", SEEDS[3], 432_101, 9_001)
    with Scoreboard.open(event.serving.database) as board:
        assert board.add(fresh)
    arrived = page.locator(".feed li.new")
    arrived.wait_for(timeout=60_000)
    assert "Newcomer <b>" in arrived.inner_text()
    assert "432,101" in arrived.inner_text()
    page.locator(".card", has_text="Breakout").get_by_text("432,101").wait_for()


def test_the_big_screen_says_that_the_event_is_frozen_and_still_fits(event: EventForPages, visit: Any) -> None:
    visitor: Visitor = visit("laptop")
    page = visitor.page
    page.goto("/live")
    page.get_by_text("live", exact=True).wait_for()
    width = page.locator(".card").first.bounding_box()["width"]
    boss = event.serving.client(Role.ORGANIZER)
    entry = boss.post("/organizer/state", {"state": "frozen", "reason": "the final"})
    try:
        page.get_by_text("The event is frozen.").wait_for()
        assert page.locator(".card").first.bounding_box()["width"] > 0.9 * width
        for size, scheme in (("laptop", "light"), ("projector", "dark")):
            there: Visitor = visit(size, scheme)
            there.page.goto("/live")
            height, seen = there.page.evaluate("[document.documentElement.scrollHeight, innerHeight]")
            assert height <= seen, size
            assert there.page.locator(".card").first.bounding_box()["width"] > SIZES[size][0] / 4
            last = there.page.locator(".card").last.bounding_box()
            assert last["y"] + last["height"] <= seen, size
    finally:
        boss.post(f"/organizer/undo/{entry['id']}", {"reason": "not yet"})
    page.get_by_text("The event is frozen.").wait_for(state="detached")


def test_running_games_move_on_the_big_screen_and_wait_on_a_phone(event: EventForPages, visit: Any) -> None:
    drawn = """() => [...document.querySelectorAll('#playing canvas')].filter((canvas) => {
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', {willReadFrequently: true});
        copy.drawImage(canvas, 0, 0);
        const pixels = copy.getImageData(0, 0, canvas.width, canvas.height).data;
        return pixels.some((value, i) => i % 4 < 3 && value > 60); }).length === 3"""
    big: Visitor = visit("projector")
    big.page.goto("/live")
    until(big.page, drawn)
    phone: Visitor = visit("phone")
    phone.page.goto("/live")
    asking = phone.page.get_by_role("button", name="Show moving pictures")
    assert phone.page.locator("#playing canvas:visible").count() == 0
    asking.click()
    until(phone.page, drawn)
    assert not asking.is_visible()


def test_a_game_is_watched_as_a_film_with_a_scrubber(event: EventForPages, visit: Any) -> None:
    visitor: Visitor = visit()
    page = visitor.page
    left, right = event.recordings
    page.goto(f"/compare?left={left}&right={right}")
    page.get_by_role("button", name="Watch both games").click()
    page.locator("video").wait_for(timeout=180_000)
    until(page, "document.querySelector('video').readyState >= 1")
    assert page.evaluate("document.querySelector('video').duration") > 5
    assert page.evaluate("document.querySelector('video').error") is None
    page.locator("main").click(position={"x": 5, "y": 5})
    page.keyboard.press("ArrowRight")
    until(page, "document.querySelector('video').currentTime === 5")
    page.keyboard.press(".")
    until(page, "document.querySelector('video').currentTime > 5")


def test_charts_are_drawn_and_follow_the_window(event: EventForPages, visit: Any) -> None:
    visitor: Visitor = visit()
    page = visitor.page
    page.goto(path_of(event, "agent"))
    assert page.locator(".chart canvas").count() == 6
    page.set_viewport_size({"width": 390, "height": 844})
    until(page, "document.querySelector('.chart canvas').getBoundingClientRect().width < 390")


def test_pages_can_be_read_without_scripts(browser: Any, event: EventForPages) -> None:
    context = browser.new_context(base_url=event.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/live")
    assert page.get_by_role("heading", name="Breakout").is_visible()
    page.goto(event.standings)
    page.get_by_label("Who").select_option("bot")
    page.get_by_role("button", name="Filter").click()
    assert page.locator(".standings .who a").count() == 2
    context.close()
