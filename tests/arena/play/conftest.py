"""A window that draws for nobody, and a person made of a script: keys through pygame's real event queue."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pygame
import pytest

from arena.ui.controls import Controls
from arena.ui.window import Stage, open_stage


@pytest.fixture
def real_time() -> None:
    """For tests of what depends on the console's own speed; the others play ten times as fast."""


@pytest.fixture(autouse=True)
def _hurry(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "real_time" not in request.fixturenames:
        monkeypatch.setattr("arena.ui.frame_clock.FRAME_SECONDS", 1 / 600)


@pytest.fixture
def unseen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No display, no sound card, settings of its own; what a test forgot to end is closed after a while."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    monkeypatch.setenv("ARENA_CONFIG", str(tmp_path / "settings"))
    monkeypatch.setattr("arena.play.session.DEAF_SECONDS", 0.0)
    rescue = threading.Timer(90, lambda: pygame.event.post(pygame.event.Event(pygame.QUIT)))
    rescue.start()
    yield
    rescue.cancel()


@pytest.fixture
def stage(unseen: None) -> Iterator[Stage]:
    with open_stage("test", controls=Controls(), size=(800, 600)) as stage:
        yield stage


Person = Callable[[Stage], None]


class Keyboard:
    """Presses keys when asked; every key is its pygame constant."""

    def down(self, *keys: int) -> None:
        for key in keys:
            pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key, unicode=""))

    def up(self, *keys: int) -> None:
        for key in keys:
            pygame.event.post(pygame.event.Event(pygame.KEYUP, key=key))

    def tap(self, *keys: int) -> None:
        for key in keys:
            self.down(key)
            self.up(key)


@pytest.fixture
def keyboard() -> Keyboard:
    return Keyboard()
