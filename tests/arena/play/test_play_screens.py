"""The screens around a game: choosing keys, what every screen shares, the doctor's hands-on checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pygame
import pytest

from agents.human import Button
from arena.diagnostics.machine import CheckStatus
from arena.play import hands_on as check
from arena.play import remap
from arena.play.remap import choose_keys
from arena.ui.controls import Controls, load_controls
from arena.ui.strings import _texts, text
from arena.ui.window import Stage, open_stage
from tests.arena.play.conftest import Keyboard


def when_drawn(monkeypatch: pytest.MonkeyPatch, module: Any, act: Callable[[int], object]) -> None:
    """Call `act(number)` whenever a screen of `module` was drawn."""
    draw, count = module.draw_lines, iter(range(10**6))

    def then_act(*arguments: Any) -> None:
        draw(*arguments)
        act(next(count))

    monkeypatch.setattr(module, "draw_lines", then_act)


KEYS = [pygame.K_i, pygame.K_p, pygame.K_k, pygame.K_i, pygame.K_j, pygame.K_BACKSPACE, pygame.K_RSHIFT]
"""Up, then P, which is reserved, down, then I, which is taken, left, right as it is, fire."""


def test_chosen_keys_are_kept(stage: Stage, keyboard: Keyboard, monkeypatch: pytest.MonkeyPatch) -> None:
    when_drawn(monkeypatch, remap, lambda n: keyboard.tap(KEYS[n]) if n < len(KEYS) else None)
    assert choose_keys(stage)
    assert stage.controls == load_controls()
    mine = stage.controls.sources
    assert [mine[button][0] for button in Button] == ["i", "k", "j", "right", "right shift"]
    assert "pad dpup" in mine[Button.UP]
    keyboard.down(pygame.K_RSHIFT)
    assert [press.button for press in stage.poll()] == [Button.FIRE]


def test_escape_changes_nothing(stage: Stage, keyboard: Keyboard, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [pygame.K_i, pygame.K_ESCAPE]
    when_drawn(monkeypatch, remap, lambda n: keyboard.tap(keys[n]))
    assert not choose_keys(stage)
    assert stage.controls == Controls()


def test_sound_keys_and_full_screen(unseen: None, keyboard: Keyboard) -> None:
    with open_stage("test") as stage:
        keyboard.tap(pygame.K_m)
        assert stage.poll() == []
        assert stage.speaker.muted
        assert stage.toast == text("play.muted")
        keyboard.tap(pygame.K_MINUS)
        stage.poll()
        assert (stage.speaker.volume, stage.speaker.muted) == (60, False)
        keyboard.tap(pygame.K_F11)
        stage.poll()
        assert stage.full_screen
        keyboard.tap(pygame.K_m, pygame.K_F11)
        assert [press.key for press in stage.poll_text()] == ["m"], "whoever types a name needs the letter"
        assert not stage.full_screen
        stage.keeps_size = True
        keyboard.tap(pygame.K_F11)
        assert stage.poll() == []
        assert not stage.full_screen, "a kiosk stays as it is"
    assert load_controls().volume == 60


def test_every_text_can_be_filled_in() -> None:
    names = ("name", "names", "n", "seconds", "clock", "seed", "reason", "source", "won", "lost", "all")
    for table, texts in _texts().items():
        if table in ("play", "remap", "check"):
            for name, words in texts.items():
                assert words.strip() == words != ""
                assert "{" not in text(f"{table}.{name}", **dict.fromkeys(names, "x"))


# -- the doctor --------------------------------------------------------------------------------------------------------


def hands_on(monkeypatch: pytest.MonkeyPatch) -> dict[str, check.Check]:
    monkeypatch.setattr(check, "PACING_SECONDS", 0.5)
    monkeypatch.setattr(check, "ANSWER_SECONDS", 3.0)
    return {found.name: found for found in check.hands_on()}


def test_a_machine_that_does_everything(unseen: None, keyboard: Keyboard, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(number: int) -> None:
        keyboard.down(pygame.K_LEFT, pygame.K_UP, pygame.K_SPACE) if number == 0 else keyboard.tap(pygame.K_y)

    when_drawn(monkeypatch, check, answer)
    found = hands_on(monkeypatch)
    assert list(found) == ["frame pacing", "keys", "pad", "loudspeaker"]
    assert "frames per second" in found["frame pacing"].sentence
    assert {found[name].status for name in ("keys", "pad", "loudspeaker")} == {CheckStatus.OK}


def test_a_keyboard_that_knows_two_keys_and_a_silent_room(
    unseen: None, keyboard: Keyboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(number: int) -> None:
        keyboard.down(pygame.K_LEFT, pygame.K_UP) if number == 0 else keyboard.tap(pygame.K_ESCAPE)

    when_drawn(monkeypatch, check, answer)
    found = hands_on(monkeypatch)
    assert found["keys"].status is CheckStatus.WARN
    assert "left, up" in found["keys"].sentence
    assert "--remap" in found["keys"].advice
    assert found["loudspeaker"].status is CheckStatus.WARN


def test_without_a_display_it_is_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    (found,) = check.hands_on()
    assert found.status is CheckStatus.WARN
    assert "desktop session" in found.sentence
