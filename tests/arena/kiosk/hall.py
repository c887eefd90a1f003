"""A display with a real kiosk on it, real keys from outside, and eyes: letters of the pixel font are looked for in what
the display shows. The pictures taken on the way lie in ARENA_ARTIFACTS, if that is set."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageGrab

from arena.engine.verify import verify_file
from arena.ui import palette, pixel_font
from arena.ui.palette import Colour
from recordings.recording import Recording

ROOT = Path(__file__).parents[3]
CODE = "13579"
PATIENCE = 300.0
"""Seconds that a busy machine may take for one step."""
ARENA = "import sys; from arena.cli import main; sys.exit(main())"


class Hall:
    """A display with a kiosk on it.

    Args:
        display: such as `:5`.
        folder: an empty folder; the event becomes `folder/event`.
        options: more of the command's options.
    """

    def __init__(self, display: str, folder: Path, options: Sequence[str] = ()) -> None:
        self.display = display
        self.event = folder / "event"
        self.event.mkdir(parents=True)
        (self.event / "kiosk.toml").write_text(f'exit_code = "{CODE}"\nrounds = 1\nidle_seconds = 120\n')
        self.environment = {k: v for k, v in os.environ.items() if k not in ("WAYLAND_DISPLAY", "SDL_VIDEODRIVER")}
        self.environment |= {
            "DISPLAY": display,
            "PYTHONPATH": str(ROOT),
            "SDL_AUDIODRIVER": "dummy",
            "ARENA_CONFIG": str(folder / "config"),
        }
        command = [sys.executable, "-c", ARENA, "kiosk", "--event", str(self.event), "--size", "1280x720"]
        command += options
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
        subprocess.run(["xdotool", "type", "--delay", "80", text], env=self.environment, check=True)

    def screen(self) -> np.ndarray:
        return np.asarray(ImageGrab.grab(xdisplay=self.display).convert("RGB"))

    def shows(self, words: str, dot: int, colour: Colour) -> bool:
        """Whether `words` stand on the display in the pixel font."""
        pattern = np.kron(pixel_font.dots(words), np.ones((dot, dot), bool)).astype(np.float32)
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
            name = f"kiosk{self.display[1:]}-{self._shots:02d}-{name}.png"
            Image.fromarray(self.screen()).save(Path(folder) / name)

    def to_the_match(self, name: str, choice: int = 9) -> None:
        """Walk from attract mode to the first round of Breakout, against the rival in that line; the last is nobody."""
        self.wait_for("press fire", 5, palette.YELLOW)
        self.wait_for("choose a game", 6, palette.YELLOW, "space")
        self.wait_for("choose an opponent", 6, palette.ORANGE, "Return")
        self.key(*["Down"] * choice)
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

    def leave_game(self, over: Callable[[], bool]) -> None:
        """Leave the running game as a person does: ask, confirm, look; again if it was still counting down."""
        deadline = time.monotonic() + PATIENCE
        while not over():
            assert time.monotonic() < deadline, "the game doesn't end"
            self.key("Escape")
            time.sleep(0.5)
            self.key("Return")
            look_until = time.monotonic() + 3
            while not over() and time.monotonic() < look_until:
                time.sleep(0.1)

    def leave(self) -> int:
        self.wait_for("organizer's exit", 6, palette.PURPLE, "F10")
        self.type(CODE)
        self.key("Return")
        return self.parent.wait(PATIENCE)
