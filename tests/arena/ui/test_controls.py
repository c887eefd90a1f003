"""Keys to buttons, what is held, and the settings on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.human import Button
from arena.ui.controls import Controls, Held, load_controls, save_controls
from envs.errors import EventError


def test_arrows_and_letters_all_at_once() -> None:
    held = Held(Controls())
    for key in ("left", "up", "space"):
        held.take(key, True)
    assert held.frame() == (Button.LEFT, Button.UP, Button.FIRE)
    held.take("a", True)
    held.take("left", False)
    assert held.frame() == (Button.LEFT, Button.UP, Button.FIRE), "A holds left as well"
    held.take("a", False)
    assert held.frame() == (Button.UP, Button.FIRE)


def test_a_tap_between_two_frames_counts_once() -> None:
    held = Held(Controls())
    held.take("space", True)
    held.take("space", False)
    assert held.frame() == (Button.FIRE,)
    assert held.frame() == ()


def test_pressed_anew_is_the_newest() -> None:
    held = Held(Controls())
    held.take("left", True)
    held.take("right", True)
    held.frame()
    held.take("left", False)
    held.take("left", True)
    assert held.frame() == (Button.RIGHT, Button.LEFT)


SOURCES = st.sampled_from(["left", "a", "right", "space", "up", "pad a", "joystick axis 0-", "q", "escape"])


@settings(deadline=None)
@given(st.lists(st.tuples(SOURCES, st.booleans()) | st.none(), max_size=80))
def test_whatever_is_mashed_a_released_keyboard_holds_nothing(events: list[tuple[str, bool] | None]) -> None:
    held = Held(Controls())
    for event in events:
        if event is None:
            frame = held.frame()
            assert len(set(frame)) == len(frame)
        else:
            held.take(*event)
    for source in Controls().buttons():
        held.take(source, False)
    held.frame()
    assert held.frame() == ()
    assert not held.any()


def test_settings_come_back(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "controls.toml"
    assert load_controls(path) == Controls()
    mine = Controls(volume=30, muted=True).bound(Button.FIRE, 'x "quoted" \\ ä').bound(Button.UP, "pad y")
    save_controls(mine, path)
    assert load_controls(path) == mine


def test_a_new_key_takes_the_place_of_keys_and_leaves_pads_alone() -> None:
    mine = Controls().bound(Button.LEFT, "space")
    assert mine.sources[Button.LEFT][0] == "space"
    assert "left" not in mine.sources[Button.LEFT]
    assert "pad dpleft" in mine.sources[Button.LEFT]
    assert "space" not in mine.sources[Button.FIRE]
    assert mine.buttons()["space"] is Button.LEFT


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("volume = 101", "0 to 100"),
        ("muted = 1", "true or false"),
        ("colour = 3", "no setting"),
        ("[buttons]\njump = []", "takes exactly"),
        ('[buttons]\nup = "w"', "a list"),
        ("volume = ", "can't be read as TOML"),
        ("\x00\xff", "save it as UTF-8"),
    ],
)
def test_settings_that_cannot_be_are_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "controls.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(EventError, match=words):
        load_controls(path)
