"""Which key, pad button or stick direction does what, and what is held down at the moment.

An input is named by a text, its *source*: a key by pygame's name ("left", "w", "space"), a game controller's button or
half axis by "pad NAME" ("pad a", "pad dpup", "pad leftx-"), what any other joystick has by "joystick NAME"
("joystick button 0", "joystick axis 1+", "joystick hat 0 up").
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agents.human import Button
from envs.errors import EventError, shown
from envs.text_files import read_toml
from recordings.storage import write_atomically

VARIABLE = "ARENA_CONFIG"
"""Environment variable that names the folder of the settings."""

DEFAULT_SOURCES: dict[Button, tuple[str, ...]] = {
    Button.UP: ("up", "w", "pad dpup", "pad lefty-", "joystick axis 1-", "joystick hat 0 up"),
    Button.DOWN: ("down", "s", "pad dpdown", "pad lefty+", "joystick axis 1+", "joystick hat 0 down"),
    Button.LEFT: ("left", "a", "pad dpleft", "pad leftx-", "joystick axis 0-", "joystick hat 0 left"),
    Button.RIGHT: ("right", "d", "pad dpright", "pad leftx+", "joystick axis 0+", "joystick hat 0 right"),
    Button.FIRE: (
        *("space", "left ctrl", "right ctrl", "pad a", "pad b", "pad x", "pad y"),
        *(f"joystick button {n}" for n in range(4)),
    ),
}
RESERVED = frozenset(
    ("escape", "return", "enter", "backspace", "p", "m", "f10", "f11", "+", "-", "=", "keypad +", "keypad -")
)
"""Keys that mean something else while a game runs."""
MOST_SOURCES = 16


@dataclass(frozen=True, slots=True)
class Controls:
    """A player's settings."""

    sources: dict[Button, tuple[str, ...]] = field(default_factory=lambda: dict(DEFAULT_SOURCES))
    volume: int = 70
    """Percent, 0 to 100."""
    muted: bool = False

    def buttons(self) -> dict[str, Button]:
        """Return what each source does."""
        return {source: button for button, sources in self.sources.items() for source in sources}

    def bound(self, button: Button, source: str) -> Controls:
        """Return these controls with `source` for `button`, taken away from any other; the button keeps what it had
        of the other kinds: a new key replaces its keys, a pad's button what it had on pads."""
        kind = _kind(source)
        sources = {b: tuple(s for s in ss if s != source) for b, ss in self.sources.items()}
        sources[button] = (source, *(s for s in sources[button] if _kind(s) != kind))
        return replace(self, sources=sources)


def _kind(source: str) -> str:
    word = source.partition(" ")[0]
    return word if word in ("pad", "joystick") and source != word else "key"


def controls_file() -> Path | None:
    """Return where the settings lie: the folder `ARENA_CONFIG`, else this user's folder for settings; None for a user
    without a home folder."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen) / "controls.toml"
    try:
        if sys.platform == "win32":
            base = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Application Support"
        else:
            base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    except RuntimeError:
        return None
    return base / "atari-arena" / "controls.toml"


def load_controls(path: Path | None = None) -> Controls:
    """Read the settings; where there is no file, the usual ones.

    Args:
        path: None for `controls_file()`.

    Raises:
        EventError: the file can't be read or says something that can't be.
    """
    path = path or controls_file()
    try:
        if path is None or not path.exists():
            return Controls()
    except OSError:  # another user's home folder
        return Controls()
    try:
        return _checked(read_toml(path))
    except ValueError as error:
        reason = str(error)
    raise EventError(f"The settings {path} can't be used ({reason}); correct the file, or remove it.")


def save_controls(controls: Controls, path: Path | None = None) -> Path:
    """Write the settings and return where.

    Raises:
        EventError: they can't be written.
    """
    path = path or controls_file()
    if path is None:
        raise EventError(f"There is no home folder to keep the settings in; name a folder in the variable {VARIABLE}.")
    lines = [
        "# How this person plays; `arena play GAME --remap` writes it.",
        f"volume = {controls.volume}",
        f"muted = {json.dumps(controls.muted)}",
        "",
        "[buttons]",
        *(f"{button} = {json.dumps(list(sources))}" for button, sources in controls.sources.items()),
    ]
    write_atomically(path, ("\n".join(lines) + "\n").encode())
    return path


def _checked(table: dict[str, Any]) -> Controls:
    unknown = sorted(set(table) - {"volume", "muted", "buttons"})
    if unknown:
        raise ValueError(f"{shown(unknown[0])} is no setting; there are volume, muted and [buttons]")
    volume, muted, buttons = table.get("volume", 70), table.get("muted", False), table.get("buttons", {})
    if type(volume) is not int or not 0 <= volume <= 100:
        raise ValueError(f"volume must be a whole number from 0 to 100, not {shown(volume)}")
    if type(muted) is not bool:
        raise ValueError(f"muted must be true or false, not {shown(muted)}")
    if not isinstance(buttons, dict) or set(buttons) - set(Button):
        raise ValueError(f"[buttons] takes exactly {', '.join(Button)}")
    sources = dict(DEFAULT_SOURCES)
    for name, listed in buttons.items():
        if not isinstance(listed, list) or len(listed) > MOST_SOURCES or not all(isinstance(s, str) for s in listed):
            raise ValueError(f"{name} must be a list of at most {MOST_SOURCES} texts, not {shown(listed)}")
        sources[Button(name)] = tuple(listed)
    return Controls(sources, volume, muted)


class Held:
    """What is held down, in the order in which it was pressed. A button that was only tapped between two frames counts
    in the next frame all the same."""

    def __init__(self, controls: Controls) -> None:
        self._buttons = controls.buttons()
        self._down: dict[Button, set[str]] = {}
        """The sources that hold a button, the oldest button first."""
        self._fresh: set[Button] = set()
        """Pressed since the last frame."""

    def take(self, source: str, pressed: bool) -> Button | None:
        """Follow one press or release of `source`; return the button that it is, if any."""
        button = self._buttons.get(source)
        if button is None:
            return None
        sources = self._down.get(button)
        if pressed:
            if not sources:
                self._down.pop(button, None)  # pressed anew: the newest
                self._down[button] = {source}
                self._fresh.add(button)
            else:
                sources.add(source)
        elif sources:
            sources.discard(source)
            if not sources and button not in self._fresh:
                del self._down[button]
        return button

    def frame(self) -> tuple[Button, ...]:
        """Return what counts for the frame that is about to be emulated, the oldest press first."""
        held = tuple(self._down)
        if self._fresh:
            self._fresh.clear()
            self._down = {button: sources for button, sources in self._down.items() if sources}
        return held

    def any(self) -> bool:
        """Whether anything is held down."""
        return bool(self._down)

    def clear(self) -> None:
        """Forget everything: after a pause, what was held before it doesn't count."""
        self._down.clear()
        self._fresh.clear()
