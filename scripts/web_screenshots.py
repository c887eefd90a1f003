#!/usr/bin/env python3
"""Make the pictures of the web pages in docs/screenshots/web-*.png, from a server that runs on an event of its own.

    python3 scripts/web_screenshots.py
    python3 scripts/web_screenshots.py --out /tmp/pictures --large

The scores in them are drawn at random and prove nothing; the games that run are really emulated.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from benchmarks.server import _serving  # noqa: E402
from system_packages import find_chromium  # noqa: E402

from agents.player import Kind  # noqa: E402
from arena.client.api import Client  # noqa: E402
from arena.event.folder import Event, open_event  # noqa: E402
from arena.scoreboard.publish import result_of  # noqa: E402
from arena.scoreboard.results import Result  # noqa: E402
from arena.scoreboard.store import Scoreboard  # noqa: E402
from envs.rules import named_rules  # noqa: E402
from envs.step import End  # noqa: E402
from recordings.codec import read  # noqa: E402
from recordings.live_chain import links  # noqa: E402

FOLDER = ROOT / "docs" / "screenshots"
MOST_BYTES = 150_000
COLOURS = 96
PEOPLE = ("Otter", "Heron", "Lynx", "Magpie", "Badger", "Puffin", "Gecko", "Walrus")
BOTS = {"pixel-eater": "ab" * 32, "rainbow-lite": "cd" * 32}
LEVEL = {"breakout": (38, 60), "pacman": (260, 240), "ms_pacman": (2500, 2200), "space_invaders": (560, 640)}
"""Typical scores of people and bots in the pictures."""
SEEDS = range(2**20 - 14, 2**20)
"""Practice seeds: no secret."""
SIZES = {"phone": (390, 844), "laptop": (1366, 768), "projector": (1920, 1080)}
LARGE = {"phone": (390, 844), "laptop": (1366, 768), "projector": (3840, 2160)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--large", action="store_true", help="the projector's pictures in 3840x2160, of any size")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="arena-pictures-"))
    try:
        event = open_event(folder / "event", "Arcade night")
        shown = _fill(event)
        with _serving(event.folder, [f"Hall {number}" for number in range(1, 5)], "station") as server:
            for number, game in enumerate(LEVEL):
                _begin(server.url, server.tokens[number], PEOPLE[number], game)
            _shoot(server.url, shown, args.out, LARGE if args.large else SIZES, None if args.large else MOST_BYTES)
    finally:
        shutil.rmtree(folder)
    return 0


def _fill(event: Event) -> tuple[str, str]:
    """Put results on the scoreboard; return two recordings on one seed that can be watched."""
    event.recordings.mkdir()
    shown = []
    with Scoreboard.open(event.database) as board:
        for name in ("random", "noop"):
            path = next((ROOT / "recordings" / "golden").glob(f"space_invaders-5min-s1-script-{name}-*"))
            shutil.copy(path, event.recordings)
            result = result_of(read(path), path)
            board.add(result)
            shown.append(result.recording_sha256)
        for result in sorted(_results(), key=lambda one: one.started_at):
            board.add(result)
    return shown[0], shown[1]


def _results() -> Iterator[Result]:
    chance = random.Random(4)
    for game, (people, bots) in LEVEL.items():
        for name in PEOPLE:
            skill = chance.uniform(0.5, 1.6)
            for seed in chance.sample(SEEDS, chance.randint(2, 6)):
                score = people * skill * chance.lognormvariate(0, 0.45)
                yield _result(chance, name, Kind.HUMAN, None, game, seed, score)
        for name, artifact in BOTS.items():
            for seed in SEEDS:
                yield _result(chance, name, Kind.BOT, artifact, game, seed, bots * chance.lognormvariate(0, 0.35))


def _result(
    chance: random.Random, name: str, kind: Kind, artifact: str | None, game: str, seed: int, score: float
) -> Result:
    rules = named_rules(game)
    began = datetime.now(UTC) - timedelta(minutes=chance.uniform(6, 200))
    token = hashlib.sha256(str(chance.random()).encode()).hexdigest()
    return Result(
        player=name,
        kind=kind,
        artifact_sha256=artifact,
        game=game,
        rules_id=rules.rules_id,
        rules_label=rules.label,
        seed=seed,
        score=max(0, round(score)) if game == "breakout" else 10 * max(0, round(score / 10)),
        frames=chance.randint(4_000, 17_000),
        end=End.TERMINATED,
        recording_sha256=token,
        digest=token,
        recording_name=f"{token[:12]}.arena.zip",
        started_at=began,
        verified_at=began + timedelta(minutes=5),
    )


def _begin(url: str, token: str, player: str, game: str) -> None:
    """Begin a ranked game and tell the server ten seconds of it."""
    chance = random.Random(game)
    with Client(url, token, timeout=60) as client:
        ticket = client.start(client.ticket(player, game).id)
        codes = ticket.rules.action_set
        actions = bytes(chance.choice(codes) for _ in range(60) for _ in range(10))
        client.tell(ticket.id, list(links(ticket.chain, actions)))


def _shoot(url: str, shown: tuple[str, str], out: Path, sizes: dict[str, tuple[int, int]], most: int | None) -> None:
    from playwright.sync_api import sync_playwright

    bot = urlencode({"name": "pixel-eater", "kind": "bot"})
    pictures = (
        ("live", "/live", "projector", "dark"),
        ("live-phone", "/live", "phone", "light"),
        ("standings", "/standings", "laptop", "light"),
        ("standings-phone", "/standings", "phone", "dark"),
        ("player", f"/player?{bot}", "laptop", "light"),
        ("compare", f"/compare?left={shown[0]}&right={shown[1]}", "laptop", "dark"),
    )
    out.mkdir(parents=True, exist_ok=True)
    program = find_chromium()
    if program is None:
        raise SystemExit("This needs Chromium: sudo apt-get install chromium")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name, path, size, scheme in pictures:
            width, height = sizes[size]
            page = browser.new_page(viewport={"width": width, "height": height})
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            page.set_default_timeout(300_000)
            page.goto(url + path)
            _wait_until_it_is_all_there(page, size)
            _save(page.screenshot(), out / f"web-{name}.png", most)
            page.close()
        browser.close()


def _wait_until_it_is_all_there(page: Any, size: str) -> None:
    if page.url.endswith("/live") and size == "projector":
        page.get_by_text("live", exact=True).wait_for()
        _until(page, "document.getElementById('playing').classList.contains('moving')")
    if "/compare" in page.url:
        page.get_by_role("button", name="Watch both games").click()
        page.locator("video").wait_for()
        page.evaluate("document.querySelector('video').currentTime = 9")
        _until(page, "document.querySelector('video').readyState >= 2")
        page.evaluate("document.querySelector('video').scrollIntoView({block: 'end'})")
    page.wait_for_timeout(2_000)


def _until(page: Any, condition: str) -> None:
    """Wait for a condition in the page; playwright's own way needs `eval`, which the pages forbid."""
    while not page.evaluate(condition):
        page.wait_for_timeout(100)


def _save(png: bytes, path: Path, most: int | None) -> None:
    from PIL import Image

    picture = Image.open(io.BytesIO(png)).convert("RGB")
    if most is not None:
        picture = picture.quantize(COLOURS, dither=Image.Dither.NONE)
    picture.save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path} {picture.size[0]}x{picture.size[1]}, {size:,} bytes")
    if most is not None and size > most:
        raise SystemExit(f"{path} is larger than {most:,} bytes.")


if __name__ == "__main__":
    sys.exit(main())
