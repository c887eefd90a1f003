"""An event as it is: one server, two stations with guests, a participant who sends an agent and one whose program plays
ranked games, three browsers; and the server is killed again and again. Nothing is lost, nothing counts twice, and no
browser has to be loaded anew.

ARENA_SOAK=1 has five guests at each station instead of one, and five times as many games of the program.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from system_packages import find_chromium
from x_server import x_server

from arena.client.api import Client, ServerUnreachable
from arena.client.live_feed import LiveFeed
from arena.client.outbox import Contents, Courier, Outbox
from arena.client.station import read_news
from arena.engine.eligibility import unranked_reason
from arena.scoreboard.publish import result_of
from arena.scoreboard.server_tables import Role
from arena.ui import palette
from envs.games import find_game
from recordings.codec import SUFFIX, read
from recordings.storage import save
from tests.arena.kiosk.hall import ARENA, ROOT, Hall
from tests.arena.server.serving import Serving, game, play

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Xvfb is a display of Linux")

VISITS = 5 if os.environ.get("ARENA_SOAK") else 1
SECONDS = 180.0
"""That a busy machine may take for the last results to arrive."""
AGENT = "space_invaders-quick"
GAMES = 1
"""That the agent plays."""
AT_HOME = 4 * VISITS
"""Games of the participant's program."""


class Killer:
    """Kills the server again and again, and starts it again."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.kills = 0

    def _run(self) -> None:
        chance = random.Random(6)
        while not self._over.wait(chance.uniform(2, 8)):
            self._serving.kill()
            self.kills += 1
            time.sleep(chance.uniform(0, 2))
            self._serving.start()

    def __enter__(self) -> Killer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


class Guest:
    """At one station, with one name after the other."""

    def __init__(self, display: str, folder: Path, url: str, token: Path, names: list[str]) -> None:
        self.names = names
        self.hall = Hall(display, folder, ["--server", url, "--token-file", str(token)])
        self.outbox = Outbox(self.hall.event)

    def play(self) -> None:
        for name in self.names:
            self.hall.to_the_match(name)
            self.hall.wait_for_file("*.part")
            for _ in range(6):
                self.hall.key("space", "Left", "Right")
            self.hall.key("Escape")
            time.sleep(0.5)
            self.hall.key("Return")
            self.hall.wait_for("your result", 6, palette.ORANGE, "Return")
            time.sleep(2.5)  # keys are ignored at first
            self.hall.wait_for("press fire", 5, palette.YELLOW, "Return")

    def recordings(self) -> list[Path]:
        return sorted((self.hall.event / "recordings").glob(f"*{SUFFIX}"))

    def end(self) -> None:
        if self.hall.parent.poll() is None:
            self.hall.parent.terminate()
            self.hall.parent.wait()


class AtHome:
    """A participant's program that plays ranked games one after the other, as docs/server.md shows."""

    def __init__(self, serving: Serving, folder: Path) -> None:
        self.names = ["Quin"] * AT_HOME
        self.outbox = Outbox(folder)
        self._folder = folder
        self._url, self._token = serving.url, serving.token(Role.PARTICIPANT, "Quin")

    def play(self) -> None:
        with Client(self._url, self._token) as client:
            courier = Courier(self.outbox, client)
            courier.start()
            for name in self.names:
                ticket = patiently(lambda name=name: client.ticket(name, "breakout"))
                patiently(lambda ticket=ticket: client.start(ticket.id))
                feed = LiveFeed(client, ticket)
                actions = play(ticket.seed, 240)
                for action in actions:
                    feed.add(action)
                feed.close(2)
                self.outbox.add(save(game(name, ticket.seed, actions), self._folder / "recordings"), ticket.id)
                courier.wake()
            wait(lambda: not self.outbox.waiting(), "the program's outbox is not empty")
            courier.stop()

    def recordings(self) -> list[Path]:
        return sorted((self._folder / "recordings").glob(f"*{SUFFIX}"))


def patiently(ask: Callable[[], Any]) -> Any:
    """Ask the server until it is there."""
    while True:
        with suppress(ServerUnreachable):
            return ask()
        time.sleep(0.2)


@contextmanager
def stations(serving: Serving, folder: Path) -> Iterator[list[Guest]]:
    guests: list[Guest] = []
    with x_server("1280x720") as left, x_server("1280x720") as right:
        try:
            for number, display in enumerate((left, right), start=1):
                token = folder / f"token-{number}"
                token.write_text(serving.token(Role.STATION, f"Station {number}"))
                names = [f"Guest {number}-{visit}" for visit in range(VISITS)]
                guests.append(Guest(display, folder / f"station-{number}", serving.url, token, names))
            for guest in guests:
                wait(lambda guest=guest: read_news(guest.hall.event).get("name"), "the station is not introduced")
            yield guests
        finally:
            for guest in guests:
                guest.end()


@contextmanager
def browsers(serving: Serving) -> Iterator[dict[str, Any]]:
    """Three browsers: the big screen, a phone with the standings, the organizer's laptop."""
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium (Debian: sudo apt-get install chromium)")
    paths = {"live": "/live", "standings": "/standings", "organizer": "/organizer"}
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        pages = {}
        for name, path in paths.items():
            page = pages[name] = chromium.new_context(base_url=serving.url).new_page()
            page.set_default_timeout(60_000)
            page.errors = []
            page.on("pageerror", lambda error, page=page: page.errors.append(str(error)))
            if name == "organizer":
                page.goto("/login")
                page.get_by_label("Token").fill(serving.tokens[Role.ORGANIZER])
                page.get_by_role("button", name="Log in").click()
                page.wait_for_url("**/organizer")
            else:
                page.goto(path)
            page.evaluate("window.neverLoadedAnew = true")
        yield pages
        chromium.close()


def submit(serving: Serving) -> int:
    """Send an agent and follow it; again, as people do, when the server was away for too long. Return the exit code."""
    command = [sys.executable, "-c", ARENA, "submit", AGENT, "--game", "space_invaders", "--name", "Pat's bot"]
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "ARENA_SERVER": serving.url,
        "ARENA_TOKEN": serving.token(Role.PARTICIPANT, "Pat"),
    }
    for _ in range(5):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=2 * SECONDS)
        if "can't be reached" not in done.stderr:
            break
    print(done.stdout, done.stderr)
    return done.returncode


def wait(condition: Callable[[], object], what: str, page: Any = None) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        if page is not None:
            page.wait_for_timeout(100)
        else:
            time.sleep(0.1)


def test_an_event_survives_a_server_that_is_killed_again_and_again(tmp_path: Path) -> None:
    options = ["--evaluation-seeds", str(GAMES), "--verifiers", "1"]
    with Serving(tmp_path / "server", options=options) as serving, browsers(serving) as pages:
        with stations(serving, tmp_path) as guests, ThreadPoolExecutor(4) as hands:
            participant = hands.submit(submit, serving)
            home = AtHome(serving, tmp_path / "home")
            with Killer(serving) as killer:
                for playing in [hands.submit(one.play) for one in (*guests, home)]:
                    playing.result()
            assert killer.kills > 0
            for guest in guests:
                wait(lambda guest=guest: not guest.outbox.waiting(), "the outbox is not empty")
            assert participant.result() == 0
        nothing_is_lost_or_doubled(serving, guests, home)
        for name, page in pages.items():
            shows_all(name, page, serving)


def nothing_is_lost_or_doubled(serving: Serving, guests: list[Guest], home: AtHome) -> None:
    organizer = serving.client(Role.ORGANIZER)
    wait(lambda: all(one["state"] != "received" for one in organizer.get("/uploads", limit=1000)), "not verified")
    verdicts = organizer.get("/uploads", limit=1000)
    uploads = Counter(one["recording_sha256"] for one in verdicts)
    reasons = {one["recording_sha256"]: one["reason"] for one in verdicts if one["state"] == "refused"}
    published = Counter(one["recording_sha256"] for one in organizer.get("/results", limit=1000))
    expected, seeds = set(), set()
    for one in (*guests, home):
        contents: Contents = one.outbox.contents()
        assert (contents.waiting, contents.refused) == ((), {})
        paths = one.recordings()
        assert {read(path).player.name for path in paths} == set(one.names)
        assert len(paths) == len(contents.sent) == len(one.names)
        for path in paths:
            recording = read(path)
            if one is not home:
                seeds.add(recording.seed)
            result = result_of(recording, path)
            assert uploads.pop(result.recording_sha256) == 1
            reason = unranked_reason(recording)  # this machine may be too busy to hold the console's pace
            assert reasons.get(result.recording_sha256) == reason
            if reason is None:
                expected.add(result.recording_sha256)
    assert not uploads, "nobody has sent these"
    assert len(seeds) == 1, "at the stations everybody plays the same"
    assert len(expected) >= AT_HOME
    agent = {one["recording_sha256"] for one in organizer.get("/results", player="Pat's bot")}
    assert len(agent) == GAMES
    assert published == Counter(expected | agent)
    assert organizer.get("/live") == []
    tickets = organizer.get("/tickets", limit=1000)
    played = [ticket for ticket in tickets if ticket["recording_sha256"] is not None]
    assert len({ticket["recording_sha256"] for ticket in played}) == len(played)


def shows_all(name: str, page: Any, serving: Serving) -> None:
    """Wait until the page shows the results that the server has."""
    text = "document.querySelector('main').innerText"
    found = serving.client().get("/results", limit=1000)
    if name == "standings":
        wait(lambda: page.locator("h1").inner_text() != "Standings", "nothing has come", page)
        title = page.locator("h1").inner_text()
        found = [one for one in found if find_game(one["game"]).title == title]
    wanted = {one["player"] for one in found}
    wait(lambda: all(one in page.evaluate(text) for one in wanted), f"{name}: {wanted}", page)
    assert page.evaluate("window.neverLoadedAnew") is True
    assert page.errors == []
    if name == "live":
        wait(lambda: page.locator("#status").inner_text() == "live", "the big screen is not connected", page)
    if folder := os.environ.get("ARENA_ARTIFACTS"):
        page.screenshot(path=f"{folder}/together-{name}.png")
