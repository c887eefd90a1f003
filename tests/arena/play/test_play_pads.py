"""Pads through SDL itself: its virtual joysticks are plugged in, pressed and unplugged like real ones."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pygame
import pytest

from agents.human import Button
from arena.play import hands, session
from arena.play.limits import PlayLimits
from arena.play.session import play_game
from arena.ui.controls import Controls
from arena.ui.strings import text
from arena.ui.window import Press, Stage, open_stage
from envs.games import NOOP, RIGHT
from envs.rules import named_rules
from envs.step import End, Step

GAME_CONTROLLER, JOYSTICK = 1, 9


class Plug:
    """One virtual device; SDL's library is the one that pygame has loaded."""

    def __init__(self, kind: int, axes: int, buttons: int, hats: int) -> None:
        self.sdl = ctypes.CDLL(sdl_library())
        self.sdl.SDL_JoystickOpen.restype = ctypes.c_void_p
        index = self.sdl.SDL_JoystickAttachVirtual(kind, axes, buttons, hats)
        assert index >= 0
        self.instance = self.sdl.SDL_JoystickGetDeviceInstanceID(index)
        self.handle = ctypes.c_void_p(self.sdl.SDL_JoystickOpen(index))

    def button(self, number: int, down: bool) -> None:
        assert self.sdl.SDL_JoystickSetVirtualButton(self.handle, number, int(down)) == 0

    def axis(self, number: int, value: float) -> None:
        assert self.sdl.SDL_JoystickSetVirtualAxis(self.handle, number, ctypes.c_int16(round(value * 32767))) == 0

    def hat(self, value: int) -> None:
        assert self.sdl.SDL_JoystickSetVirtualHat(self.handle, 0, value) == 0

    def pull(self) -> None:
        self.sdl.SDL_JoystickClose(self.handle)
        instances = [self.sdl.SDL_JoystickGetDeviceInstanceID(i) for i in range(self.sdl.SDL_NumJoysticks())]
        assert self.sdl.SDL_JoystickDetachVirtual(instances.index(self.instance)) == 0


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


def test_what_two_sticks_hold_down_is_released_when_both_let_go(stage: Stage) -> None:
    one, other = Plug(JOYSTICK, 2, 4, 1), Plug(JOYSTICK, 2, 4, 1)
    pressed(stage)
    for plug in (one, other):
        plug.button(0, True)
        plug.axis(0, -1)
        pressed(stage)
    one.button(0, False)
    one.axis(0, 0)
    pressed(stage)
    assert set(stage.held.frame()) == {Button.FIRE, Button.LEFT}
    one.pull()
    pressed(stage)
    assert set(stage.held.frame()) == {Button.FIRE, Button.LEFT}
    other.button(0, False)
    pressed(stage)
    assert stage.held.frame() == (Button.LEFT,)
    other.pull()
    pressed(stage)
    assert stage.held.frame() == ()


def test_a_pad_pulled_out_in_mid_game_pauses_it(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once with a pause left, and once without: then a line says so, and the game goes on."""
    monkeypatch.setattr(session._Game, "end_screen", lambda *_: None)
    pad = Plug(GAME_CONTROLLER, 6, 15, 0)
    other = Plug(JOYSTICK, 2, 4, 0)
    said = []
    look = hands.WindowHands.next

    def then_pull(self: hands.WindowHands, step: Step) -> Any:
        if step.t == 10:
            pad.axis(0, 1)
        if step.t == 30:
            pad.pull()
        if step.t == 60:
            other.pull()
        if step.t == 65:
            said.append(stage.toast)
        return look(self, step)

    def go_on(*arguments: Any) -> None:
        words = [words for words, *_ in arguments[1]]
        said.append(words[0])
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_p, unicode="p"))

    monkeypatch.setattr(hands.WindowHands, "next", then_pull)
    monkeypatch.setattr(hands, "draw_lines", go_on)
    rules = named_rules("breakout").varied(max_frames=90)
    played = play_game(stage, rules, 3, "Ada", None, limits=PlayLimits(pauses=1, countdown=0)).person.recording
    assert played.frames == 90
    assert played.pacing is not None
    assert len(played.pacing.pauses) == 1
    assert all("is unplugged" in words for words in said[:2])
    assert "play on with the keyboard" in said[-1]
    assert RIGHT in played.actions[11:30]
    assert set(played.actions[35:]) == {NOOP}


def test_who_plays_with_a_pad_pauses_and_leaves_with_it_and_reads_how(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session._Game, "end_screen", lambda *_: None)
    pad = Plug(GAME_CONTROLLER, 6, 15, 0)
    back, start = 4, 6  # as SDL counts a controller's buttons
    said: list[str] = []
    look = hands.WindowHands.next

    def then_pause(self: hands.WindowHands, step: Step) -> Any:
        if step.t == 20:
            pad.button(start, True)
        return look(self, step)

    def answer(*arguments: Any) -> None:
        said.extend(words for words, *_ in arguments[1])
        pad.button(start, text("play.pad_leave") in said)
        pad.button(back, text("play.pad_paused") in said)

    monkeypatch.setattr(hands.WindowHands, "next", then_pause)
    monkeypatch.setattr(hands, "draw_lines", answer)
    rules = named_rules("breakout").varied(max_frames=90)
    recording = play_game(stage, rules, 3, "Ada", None, limits=PlayLimits(countdown=0)).person.recording
    assert recording.end is End.QUIT
    assert 20 <= recording.frames <= 22, "SDL reports a virtual button when it looks the next time"
    pad.pull()
    pressed(stage)
