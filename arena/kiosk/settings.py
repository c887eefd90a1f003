"""`kiosk.toml` in the event folder: what an organizer may set. It is written at the first start, with a fresh code."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arena.event.folder import KIOSK_SETTINGS
from arena.event.settings import EventSettings, is_address
from envs.errors import ArenaError, EventError, shown
from envs.games import GAMES, find_game
from envs.text_files import read_toml
from recordings.storage import write_atomically

_TEMPLATE = """\
# The kiosk of this event. It is read when the kiosk starts. Every line but exit_code may be left out.

# The organizer's exit: press F10, then type this code (4 to 12 digits).
exit_code = "{code}"

# The games to choose from; those of event.toml, if it names some.
# games = ["breakout", "pacman", "ms_pacman", "space_invaders"]

# The most games of a ranked match: best of three. Odd.
# rounds = 3

# "5min" or "30min"; as in event.toml.
# rules = "5min"

# Seconds without a key until the kiosk goes back to its start: while choosing, and in a game.
# idle_seconds = 45
# idle_game_seconds = 40
"""


@dataclass(frozen=True, slots=True)
class KioskSettings:
    exit_code: str
    """4 to 12 digits."""
    games: tuple[str, ...] = tuple(GAMES)
    """ROM names, in the order in which they are shown; at least one, at most six."""
    rounds: int = 3
    """The most games of a match; odd."""
    rules: str = "5min"
    idle_seconds: float = 45.0
    """Without a key until a screen gives up and goes back to the start."""
    idle_game_seconds: float = 40.0
    """Without a key until a game is left."""


def open_settings(folder: Path, event: EventSettings | None = None) -> KioskSettings:
    """Return the settings in an event folder; write the file first if there is none.

    Args:
        folder: the event folder.
        event: what its event.toml says; games and rules that stand there hold here, too, if kiosk.toml names none.

    Raises:
        EventError: the file can't be read or written, or a value in it can't be; all mistakes are named at once.
    """
    path = folder / KIOSK_SETTINGS
    if not path.exists():
        write_atomically(path, _TEMPLATE.format(code=f"{secrets.randbelow(10**6):06d}").encode())
    table = read_toml(path)
    if event is not None:
        said = {"games": list(event.games), "rules": event.rules}
        table = {name: value for name, value in said.items() if name in event.model_fields_set} | table
    return _checked(table, path)


def _checked(table: dict[str, Any], path: Path) -> KioskSettings:
    known = ", ".join(_CHECKS)
    wrong = [f"{shown(name)} is not a setting (there are {known})" for name in table if name not in _CHECKS]
    if "exit_code" not in table:
        wrong.append("exit_code is missing")
    wrong += [
        f"{name} must be {what}, not {shown(table[name])}"
        for name, (what, ok) in _CHECKS.items()
        if name in table and not ok(table[name])
    ]
    if wrong:
        raise EventError(f"{path} can't be used: {'; '.join(wrong)}.")
    values = {name: value for name, value in table.items() if name != "url"}
    if "games" in values:
        values["games"] = tuple(find_game(name).name for name in values["games"])
    return KioskSettings(**values)


def _are_games(value: object) -> bool:
    if not isinstance(value, list) or not 1 <= len(value) <= 6:
        return False
    try:
        names = [find_game(name).name if isinstance(name, str) else "" for name in value]
    except ArenaError:
        return False
    return "" not in names and len(set(names)) == len(names)


def _seconds(value: object) -> bool:
    return type(value) in (int, float) and 5 <= value <= 3600  # type: ignore[operator]


_CHECKS: dict[str, tuple[str, Any]] = {
    "exit_code": (
        "a text of 4 to 12 digits",
        lambda v: isinstance(v, str) and re.fullmatch("[0-9]{4,12}", v) is not None,
    ),
    "games": ("a list of 1 to 6 different games", _are_games),
    "rounds": ("1, 3, 5, 7 or 9", lambda v: type(v) is int and v in (1, 3, 5, 7, 9)),
    "rules": ('"5min" or "30min"', lambda v: v in ("5min", "30min")),
    "idle_seconds": ("a number of seconds from 5 to 3600", _seconds),
    "idle_game_seconds": ("a number of seconds from 5 to 3600", _seconds),
    "url": ("an address that begins with http:// or https://", is_address),  # `arena.event.folder.server_url` reads it
}
