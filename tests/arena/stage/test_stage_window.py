"""The stage as a hall meets it: a real display, real keys from outside, and a process that is killed.

The screen is read where it matters: letters of the pixel font are looked for in what the display shows. The pictures
taken on the way lie in ARENA_ARTIFACTS, if that is set. ARENA_SOAK=1 kills 20 times instead of once.
"""

from __future__ import annotations

import os
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

from arena import cli
from arena.event.folder import Event
from arena.ui import palette, pixel_font
from arena.ui.palette import Colour

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Xvfb is a display of Linux")

ROOT = Path(__file__).parents[3]
PATIENCE = 300.0
"""Seconds that a busy machine may take for one step."""
KILLS = 20 if os.environ.get("ARENA_SOAK") else 1
ARENA = "import sys; from arena.cli import main; sys.exit(main())"


class Wall:
    """A display with a stage on it."""

    def __init__(self, display: str, event: Event, folder: Path) -> None:
        self.display = display
        self.environment = {k: v for k, v in os.environ.items() if k not in ("WAYLAND_DISPLAY", "SDL_VIDEODRIVER")}
        self.environment |= {
            "DISPLAY": display,
            "PYTHONPATH": str(ROOT),
            "SDL_AUDIODRIVER": "dummy",
            "ARENA_CONFIG": str(folder / "config"),
        }
        command = [sys.executable, "-c", ARENA, "stage", "duel", "--event", str(event.folder), "--size", "1280x720"]
        self.parent = subprocess.Popen(command, env=self.environment)
        self._shots = 0

    def child(self, but: int = 0) -> int:
        """Return the process id of the show's own process, another one than `but`, when it is there."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            children = Path(f"/proc/{self.parent.pid}/task/{self.parent.pid}/children").read_text().split()
            if children and int(children[0]) != but:
                return int(children[0])
            time.sleep(0.1)
        pytest.fail("the stage has no process of its own")

    def key(self, *names: str) -> None:
        for name in names:
            subprocess.run(["xdotool", "key", "--clearmodifiers", name], env=self.environment, check=True)
            time.sleep(0.25)

    def shows(self, words: str, dot: int, colour: Colour) -> bool:
        """Whether `words` stand on the display in the pixel font."""
        screen = np.asarray(ImageGrab.grab(xdisplay=self.display).convert("RGB"))
        pattern = np.kron(pixel_font.dots(words), np.ones((dot, dot), bool)).astype(np.float32)
        there = (screen == colour).all(axis=2).astype(np.float32)
        return bool(cv2.matchTemplate(there, pattern, cv2.TM_SQDIFF).min() < 0.5)

    def wait_for(self, words: str, dot: int, colour: Colour, *keys: str) -> None:
        """Press `keys`, then wait until the display shows `words`."""
        self.key(*keys)
        deadline = time.monotonic() + PATIENCE
        while not self.shows(words, dot, colour):
            if time.monotonic() > deadline or self.parent.poll() is not None:
                self.shot(f"missing {words}")
                pytest.fail(f"{words!r} was not seen")
            time.sleep(0.1)
        self.shot(words)

    def shot(self, name: str) -> None:
        """Keep a picture for people."""
        if folder := os.environ.get("ARENA_ARTIFACTS"):
            self._shots += 1
            Path(folder).mkdir(parents=True, exist_ok=True)
            picture = ImageGrab.grab(xdisplay=self.display).convert("RGB")
            Image.Image.save(picture, Path(folder) / f"stage-{self._shots:02d}-{name}.png")


@pytest.fixture
def wall(display: str, event: Event, tmp_path: Path) -> Iterator[Wall]:
    wall = Wall(display, event, tmp_path)
    try:
        yield wall
    finally:
        wall.parent.terminate()
        wall.parent.wait(timeout=300)


def test_the_show_runs_on_a_display_is_killed_goes_on_and_is_left(wall: Wall) -> None:
    wall.wait_for("next match", 7, palette.YELLOW)
    wall.key("Right")  # the first games
    wall.wait_for("the duel", 7, palette.YELLOW, "Right", "Right", "Right")
    wall.wait_for("next match", 7, palette.YELLOW, "Right")
    for _ in range(KILLS):
        killed = wall.child()
        os.kill(killed, signal.SIGKILL)
        wall.child(but=killed)
        wall.wait_for("next match", 7, palette.YELLOW)  # the second match, not the first one
    wall.wait_for("the duel", 7, palette.YELLOW, "Right", "Right", "Right", "Right")
    wall.wait_for("winner", 8, palette.YELLOW, "Right")
    wall.wait_for("leave the show?", 7, palette.YELLOW, "Escape")
    wall.key("Return")
    assert wall.parent.wait(timeout=PATIENCE) == 0


def test_without_an_event_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["stage", "--event", str(tmp_path / "nowhere")]) == cli.BAD_INPUT
    assert "There is no event in" in capsys.readouterr().err
    assert not (tmp_path / "nowhere").exists()
