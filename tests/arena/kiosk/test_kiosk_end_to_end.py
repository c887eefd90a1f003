"""The kiosk as a guest meets it: a real display, real key presses from outside, and a process that is killed.

The screen is read where it matters: letters of the pixel font are looked for in what the display shows. The pictures
taken on the way lie in ARENA_ARTIFACTS, if that is set. ARENA_SOAK=1 kills 50 times instead of once.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageGrab

from agents.load import house_bots
from agents.player import Kind
from arena.kiosk import palette, pixelfont
from arena.kiosk.palette import Colour
from arena.ranking import unranked_reason
from arena.scoreboard import Scoreboard
from arena.verify import verify_file
from envs.games import GAMES
from envs.step import End
from recordings.recording import Recording

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Xvfb is a display of Linux")

ROOT = Path(__file__).parents[3]
CODE = "13579"
HOUSE_BOT = house_bots(GAMES["breakout"])[0]
"""The first in the list while nobody has played."""
PATIENCE = 90.0
"""Seconds that a busy machine may take for one step."""
KILLS = 50 if os.environ.get("ARENA_SOAK") else 1
ARENA = "import sys; from arena.cli import main; sys.exit(main())"


class Hall:
    """A display with a kiosk on it.

    Args:
        display: such as `:5`.
        folder: an empty folder; the event becomes `folder/event`.
    """

    def __init__(self, display: str, folder: Path) -> None:
        self.display = display
        self.event = folder / "event"
        self.event.mkdir()
        (self.event / "kiosk.toml").write_text(f'exit_code = "{CODE}"\nrounds = 1\nidle_seconds = 120\n')
        self.environment = {k: v for k, v in os.environ.items() if k not in ("WAYLAND_DISPLAY", "SDL_VIDEODRIVER")}
        self.environment |= {
            "DISPLAY": display,
            "PYTHONPATH": str(ROOT),
            "SDL_AUDIODRIVER": "dummy",
            "ARENA_CONFIG": str(folder / "config"),
        }
        command = [sys.executable, "-c", ARENA, "kiosk", "--event", str(self.event), "--size", "1280x720"]
        self.parent = subprocess.Popen(command, env=self.environment)
        self._shots = 0

    def child(self) -> int:
        """Return the process id of the kiosk's own process."""
        children = Path(f"/proc/{self.parent.pid}/task/{self.parent.pid}/children").read_text().split()
        assert children, "the kiosk has no process of its own"
        return int(children[0])

    def key(self, *names: str) -> None:
        for name in names:
            subprocess.run(["xdotool", "key", "--clearmodifiers", name], env=self.environment, check=True)
            time.sleep(0.08)

    def type(self, text: str) -> None:
        subprocess.run(["xdotool", "type", "--delay", "60", text], env=self.environment, check=True)

    def screen(self) -> np.ndarray:
        return np.asarray(ImageGrab.grab(xdisplay=self.display).convert("RGB"))

    def shows(self, words: str, dot: int, colour: Colour) -> bool:
        """Whether `words` stand on the display in the pixel font."""
        pattern = np.kron(pixelfont.dots(words), np.ones((dot, dot), bool)).astype(np.float32)
        there = (self.screen() == colour).all(axis=2).astype(np.float32)
        return bool(cv2.matchTemplate(there, pattern, cv2.TM_SQDIFF).min() < 0.5)

    def wait_for(self, words: str | tuple[str, ...], dot: int, colour: Colour, *keys: str) -> None:
        """Press `keys`, then wait until the display shows `words`, or one of them."""
        self.key(*keys)
        wanted = (words,) if isinstance(words, str) else words
        deadline = time.monotonic() + PATIENCE
        while not any(self.shows(one, dot, colour) for one in wanted):
            if time.monotonic() > deadline or self.parent.poll() is not None:
                self.shot(f"missing {wanted[0]}")
                pytest.fail(f"{' or '.join(wanted)!r} was not seen")
            time.sleep(0.1)
        self.shot(wanted[0])

    def shot(self, name: str) -> None:
        """Keep a picture for people."""
        if folder := os.environ.get("ARENA_ARTIFACTS"):
            self._shots += 1
            Path(folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(self.screen()).save(Path(folder) / f"kiosk-{self._shots:02d}-{name}.png")

    def to_the_match(self, name: str, rival: int = 9) -> None:
        """Walk from attract mode to the first round of Breakout, against the rival in that line; the last is nobody."""
        self.wait_for("press fire", 5, palette.YELLOW)
        self.wait_for("choose a game", 6, palette.YELLOW, "space")
        self.wait_for("who is against you?", 6, palette.ORANGE, "Return")
        self.key(*["Down"] * rival)
        self.wait_for("your name", 6, palette.SKY, "Return")
        self.type(name)
        self.wait_for("one question", 6, palette.SKY, "Return")
        self.wait_for("ready?", 6, palette.ORANGE, "Return")
        self.key("Down")
        self.wait_for("the match", 6, palette.ORANGE, "Return")
        self.wait_for("press fire", 5, palette.YELLOW)
        self.key("Return")

    def wait_for_file(self, pattern: str) -> Path:
        """Wait for a file in the recordings' folder, pressing FIRE."""
        deadline = time.monotonic() + PATIENCE
        while not (found := sorted((self.event / "recordings").glob(pattern))):
            assert time.monotonic() < deadline, f"no {pattern} came"
            self.key("space")
        return found[0]

    def verified(self, pattern: str) -> Recording:
        """Wait for a recording, pressing FIRE, and return it when it has been verified."""
        recording, verification = verify_file(self.wait_for_file(pattern))
        assert verification.ok
        assert recording is not None
        return recording

    def leave(self) -> int:
        self.wait_for("organizer's exit", 6, palette.PURPLE, "F10")
        self.type(CODE)
        self.key("Return")
        return self.parent.wait(PATIENCE)


@pytest.fixture
def hall(display: str, tmp_path: Path) -> Iterator[Hall]:
    hall = Hall(display, tmp_path)
    try:
        yield hall
    finally:
        if hall.parent.poll() is None:
            hall.parent.terminate()
            hall.parent.wait()


def test_a_guest_plays_and_stands_on_the_standings_and_a_kill_costs_only_the_running_game(hall: Hall) -> None:
    """Ada meets a house bot: a network, in a process of its own."""
    hall.to_the_match("Ada", rival=0)
    ada = hall.verified("*-ada-*.arena.zip")  # five balls are lost soon
    rival = hall.verified(f"*-{HOUSE_BOT}-*.arena.zip")  # FIRE has let it play to its end quickly
    assert (ada.player.name, rival.player.name) == ("Ada", HOUSE_BOT)
    assert ada.seed == rival.seed
    time.sleep(2.5)  # keys are ignored at first
    hall.wait_for(("you win!", "the machine wins", "a draw"), 6, palette.ORANGE, "Return")
    ranked = unranked_reason(ada) is None  # not where this machine was too busy to hold the console's pace
    if ranked:
        hall.wait_for(("place 1", "place 2"), 8, palette.ORANGE)
    time.sleep(2.5)
    hall.wait_for("press fire", 5, palette.YELLOW, "Return")

    rng = random.Random(1)
    for number in range(KILLS):
        hall.to_the_match(f"Eve {number}")
        hall.wait_for_file("*.part")
        for _ in range(4 + rng.randrange(8)):
            hall.key("space", "Left")
        os.kill(hall.child(), signal.SIGKILL)
        hall.wait_for("press fire", 5, palette.YELLOW)
    assert hall.leave() == 0

    with Scoreboard.open(hall.event / "arena.sqlite") as board:
        results = {result.player: result for result in board.results() if result.kind is Kind.HUMAN}
    assert results.keys() == {*(["Ada"] if ranked else []), *(f"Eve {number}" for number in range(KILLS))}
    assert not ranked or results["Ada"].score == ada.score
    assert all(results[f"Eve {number}"].end is End.QUIT for number in range(KILLS))
    assert list((hall.event / "recordings").glob("*.part")) == []


def test_without_a_display_one_sentence_says_so(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")}
    done = subprocess.run(
        [sys.executable, "-c", ARENA, "kiosk", "--event", str(tmp_path / "event")],
        env=environment | {"PYTHONPATH": str(ROOT), "ARENA_CONFIG": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 2
    assert "No window can be shown here (" in done.stderr
    assert "Traceback" not in done.stderr
