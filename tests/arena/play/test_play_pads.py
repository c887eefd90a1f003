"""Pads through SDL itself: its virtual joysticks are plugged in, pressed and unplugged like real ones."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.human import Button
from arena.play.controls import Controls
from arena.play.stage import Press, Stage, open_stage

GAME_CONTROLLER, JOYSTICK = 1, 9


class Plug:
    """One virtual device; SDL's library is the one that pygame has loaded."""

    def __init__(self, kind: int, axes: int, buttons: int, hats: int) -> None:
        self.sdl = ctypes.CDLL(sdl_library())
        self.sdl.SDL_JoystickOpen.restype = ctypes.c_void_p
        self.index = self.sdl.SDL_JoystickAttachVirtual(kind, axes, buttons, hats)
        assert self.index >= 0
        self.handle = ctypes.c_void_p(self.sdl.SDL_JoystickOpen(self.index))

    def button(self, number: int, down: bool) -> None:
        assert self.sdl.SDL_JoystickSetVirtualButton(self.handle, number, int(down)) == 0

    def axis(self, number: int, value: float) -> None:
        assert self.sdl.SDL_JoystickSetVirtualAxis(self.handle, number, ctypes.c_int16(round(value * 32767))) == 0

    def hat(self, value: int) -> None:
        assert self.sdl.SDL_JoystickSetVirtualHat(self.handle, 0, value) == 0

    def pull(self) -> None:
        self.sdl.SDL_JoystickClose(self.handle)
        assert self.sdl.SDL_JoystickDetachVirtual(self.index) == 0


def sdl_library() -> str:
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("finds pygame's SDL library in /proc, which only Linux has")
    return re.findall(r"(/\S*libSDL2-2\S*)", maps.read_text())[0]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stage]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    monkeypatch.setenv("ARENA_CONFIG", str(tmp_path))
    with open_stage("test", controls=Controls()) as stage:
        yield stage


def pressed(stage: Stage) -> list[Press]:
    """What comes within two polls: SDL reports some things only when it looks the next time."""
    return [*stage.poll(), *stage.poll()]


def test_a_controller_has_named_buttons_and_comes_and_goes(stage: Stage) -> None:
    pad = Plug(GAME_CONTROLLER, 6, 15, 0)
    pressed(stage)
    assert len(stage.pads) == 1
    assert "ready" in stage.toast
    pad.button(0, True)
    assert [(p.button, p.pad, p.source) for p in pressed(stage)] == [(Button.FIRE, "a", "pad a")]
    assert stage.held.frame() == (Button.FIRE,)
    pad.button(0, False)
    pressed(stage)
    assert stage.held.frame() == ()
    pad.axis(0, -1)
    pad.axis(1, 0.8)
    assert {p.button for p in pressed(stage)} == {Button.LEFT, Button.DOWN}
    assert set(stage.held.frame()) == {Button.LEFT, Button.DOWN}
    pad.pull()
    pressed(stage)
    assert stage.pads == ()
    assert stage.pads_state.unplugged
    assert stage.held.frame() == (), "an unplugged pad holds nothing down"


def test_an_axis_needs_half_its_way_and_does_not_flutter(stage: Stage) -> None:
    pad = Plug(JOYSTICK, 2, 4, 1)
    pressed(stage)
    pad.axis(0, 0.45)
    assert pressed(stage) == []
    pad.axis(0, 0.6)
    assert [p.button for p in pressed(stage)] == [Button.RIGHT]
    pad.axis(0, 0.45)
    assert pressed(stage) == []
    assert stage.held.frame() == (Button.RIGHT,)
    pad.axis(0, -1)
    assert [p.button for p in pressed(stage)] == [Button.LEFT]
    assert stage.held.frame() == (Button.LEFT,)
    pad.axis(0, 0)
    pressed(stage)
    assert stage.held.frame() == ()
    pad.pull()


def test_any_joystick_has_numbered_buttons_and_a_hat(stage: Stage) -> None:
    pad = Plug(JOYSTICK, 2, 4, 1)
    pressed(stage)
    pad.button(2, True)
    assert [(p.button, p.source) for p in pressed(stage)] == [(Button.FIRE, "joystick button 2")]
    pad.hat(1 | 2)  # up and right
    assert {p.button for p in pressed(stage)} == {Button.UP, Button.RIGHT}
    assert set(stage.held.frame()) == {Button.FIRE, Button.UP, Button.RIGHT}
    pad.hat(0)
    pad.button(2, False)
    pressed(stage)
    assert stage.held.frame() == ()
    pad.pull()


def test_two_pads_at_once_and_many_plugs(stage: Stage) -> None:
    for _ in range(5):
        one, other = Plug(GAME_CONTROLLER, 6, 15, 0), Plug(JOYSTICK, 2, 4, 0)
        pressed(stage)
        assert len(stage.pads) == 2
        one.button(0, True)
        other.axis(1, -1)
        pressed(stage)
        assert set(stage.held.frame()) == {Button.FIRE, Button.UP}
        other.pull()
        pressed(stage)
        assert stage.held.frame() == (Button.FIRE,)
        one.pull()
        pressed(stage)
        assert stage.pads == ()
