"""A kiosk on a window that nobody sees, with a clock that the tests move."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pygame
import pytest

from arena.event.blocked_words import load_words
from arena.event.folder import Event, open_event
from arena.kiosk.kiosk import Kiosk
from arena.kiosk.model import House
from arena.kiosk.screens.attract import Attract
from arena.kiosk.settings import open_settings
from arena.scoreboard.store import Scoreboard
from arena.ui.window import Stage, open_stage

CODE = "246810"


class Clock:
    """Seconds that go by when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Guest:
    """Somebody in front of a kiosk: presses real keys through pygame's event queue.

    Args:
        kiosk: where.
        clock: the kiosk's.
    """

    def __init__(self, kiosk: Kiosk, clock: Clock) -> None:
        self.kiosk = kiosk
        self.clock = clock

    def press(self, *keys: str) -> None:
        """Press keys by pygame's names, one after the other; each is seen before the next."""
        for key in keys:
            code = pygame.key.key_code(key)
            pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=code, unicode=_UNICODE.get(key, ""), mod=0))
            pygame.event.post(pygame.event.Event(pygame.KEYUP, key=code, mod=0))
            self.kiosk.turn()

    def type(self, text: str) -> None:
        """Type quickly: several letters come between two pictures."""
        for number, character in enumerate(text):
            pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=0, unicode=character, mod=0))
            if number % 50 == 49:
                self.kiosk.turn()
        self.kiosk.turn()

    def wait(self, seconds: float, step: float = 0.5) -> None:
        """Let time go by, a picture every `step` seconds."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now = min(end, self.clock.now + step)
            self.kiosk.turn()

    @property
    def sees(self) -> str:
        """The name of the screen that is shown."""
        return type(self.kiosk.screen).__name__


_UNICODE = {"space": " ", "return": "\r", "escape": "\x1b", "backspace": "\b", "tab": "\t"}


@pytest.fixture(autouse=True)
def _unseen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    monkeypatch.setenv("ARENA_CONFIG", str(tmp_path / "config"))


@pytest.fixture
def event(tmp_path: Path) -> Event:
    event = open_event(tmp_path / "event", "Test")
    (event.folder / "kiosk.toml").write_text(f'exit_code = "{CODE}"\nurl = "http://10.0.0.1:8000"\n')
    (event.folder / "kiosk-seeds.txt").write_text("0a" * 32)  # the same games for all tests: each is played once
    return event


@pytest.fixture
def board(event: Event) -> Iterator[Scoreboard]:
    with Scoreboard.open(event.database) as board:
        yield board


@pytest.fixture
def house(event: Event, board: Scoreboard) -> House:
    house = House(event, board, open_settings(event.folder), load_words(event.folder))
    house.performers = lambda game: ["script:basic"]  # type: ignore[method-assign]  # a house bot loads for seconds
    return house


@pytest.fixture
def stage() -> Iterator[Stage]:
    with open_stage("Arena", size=(1280, 720)) as stage:
        yield stage


@pytest.fixture
def guest(house: House, stage: Stage) -> Iterator[Guest]:
    clock = Clock()
    guest = Guest(Kiosk(house, stage, clock), clock)
    yield guest
    if isinstance(guest.kiosk.screen, Attract):
        guest.kiosk.screen.close()
