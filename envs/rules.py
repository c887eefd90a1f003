"""The rules of a match: everything besides seed and actions that decides what the emulator does.

Two results may be compared only if their rules have the same `rules_id`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Any, Self

from envs.errors import ArenaError, RulesError, shown
from envs.games import ACTION_NAMES, Game, find_game
from envs.roms import rom_sha256

STICKY = 0.25
"""Probability per emulated frame that the previous action is executed instead (Machado et al. 2018)."""

CLASSES = {"5min": 18_000, "30min": 108_000}
"""The named rules and their length in emulated frames: ranked event games, and the second, published class."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Frozen, hashable rules. Build them with `named_rules` or `Rules.from_dict`, which check every value."""

    game: str
    """ALE's ROM name."""
    mode: int
    """The game's mode switch, one of the emulator's available modes."""
    difficulty: int
    """The game's difficulty switch."""
    sticky: float
    """Probability of a sticky action per emulated frame, 0 to 1."""
    action_set: tuple[int, ...]
    """ALE action codes (0-17) a player may use, ascending."""
    max_frames: int
    """Emulated frames after which an episode is truncated."""
    rom_sha256: str
    """SHA-256 of the ROM file, 64 hexadecimal digits."""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON types."""
        return asdict(self) | {"action_set": list(self.action_set)}

    def canonical_json(self) -> str:
        """Return the one JSON text of these rules: sorted keys, no spaces, ASCII."""
        return json.dumps(self.as_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)

    @property
    def rules_id(self) -> str:
        """SHA-256 of `canonical_json()`, in hexadecimal."""
        return _sha256(self.canonical_json())

    @property
    def label(self) -> str:
        """`5min`, `30min` or, for rules without a name, the first eight digits of `rules_id`."""
        with contextlib.suppress(ArenaError):  # rules of a game or ROM that isn't here have no name here
            for name in CLASSES:
                if self == _named(find_game(self.game), name):
                    return name
        return self.rules_id[:8]

    def varied(self, **changes: Any) -> Rules:
        """Return these rules with some values changed, checked like any other."""
        return Rules.from_dict(self.as_dict() | changes)

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Check and build rules from a mapping with exactly the fields of this class.

        Raises:
            RulesError: a field is missing, unknown, of the wrong type or out of range; all mistakes are named at once.
        """
        if not isinstance(data, dict):
            raise RulesError(f"Rules must be a table of {', '.join(_FIELDS)}; what came is {_kind(data)}.")
        wrong = [f"{name!r} is missing" for name in _FIELDS if name not in data]
        wrong += [f"{shown(name)} is not a rule" for name in data if name not in _FIELDS]
        if wrong:
            raise RulesError(f"Rules take exactly {', '.join(_FIELDS)}; here {'; '.join(wrong[:20])}.")
        wrong = [
            f"{name} must be {what}, not {shown(data[name])}"
            for name, (what, ok) in _CHECKS.items()
            if not ok(data[name])
        ]
        if wrong:
            raise RulesError(f"These rules can't be used: {'; '.join(wrong)}.")
        # Adding zero turns -0.0 into 0.0: equal rules have one rules_id.
        return cls(**{**data, "action_set": tuple(data["action_set"]), "sticky": float(data["sticky"]) + 0.0})


def _whole(value: object, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


def _is_action_set(value: object) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) > 0
        and all(_whole(code, 0, len(ACTION_NAMES) - 1) for code in value)
        and list(value) == sorted(set(value))
    )


_FIELDS = tuple(f.name for f in fields(Rules))
_CHECKS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    # Nothing but these letters: the name becomes part of file names.
    "game": (
        "a ROM name of small letters, digits and _",
        lambda v: isinstance(v, str) and re.fullmatch("[a-z0-9_]{1,64}", v) is not None,
    ),
    "mode": ("a whole number from 0 to 255", lambda v: _whole(v, 0, 255)),
    "difficulty": ("a whole number from 0 to 3", lambda v: _whole(v, 0, 3)),
    "sticky": ("a number from 0 to 1", lambda v: type(v) in (int, float) and 0 <= v <= 1),
    "action_set": ("a rising list of ALE action codes from 0 to 17", _is_action_set),
    "max_frames": ("a whole number from 1 to 1,000,000", lambda v: _whole(v, 1, 1_000_000)),
    "rom_sha256": (
        "64 hexadecimal digits in lower case",
        lambda v: isinstance(v, str) and len(v) == 64 and set(v) <= set("0123456789abcdef"),
    ),
}


def named_rules(game: str | Game, name: str = "5min") -> Rules:
    """Return the rules called `name` ("5min" or "30min") for `game`: its default mode and difficulty, its minimal
    action set, sticky actions 0.25.

    Raises:
        UnknownGame, RomError: see `find_game` and `rom_sha256`.
        RulesError: there are no rules of that name.
    """
    if not isinstance(name, str) or name not in CLASSES:
        raise RulesError(f"There are no rules called {shown(name)}; expected one of {', '.join(CLASSES)}.")
    return _named(game if isinstance(game, Game) else find_game(game), name)


def _named(game: Game, name: str) -> Rules:
    modes, difficulties, minimal = _emulator_facts(game, rom_sha256(game))
    return Rules(
        game=game.name,
        mode=modes[0],
        difficulty=difficulties[0],
        sticky=STICKY,
        action_set=minimal,
        max_frames=CLASSES[name],
        rom_sha256=rom_sha256(game),
    )


def check_switches(rules: Rules) -> None:
    """Check what ALE only warns of.

    Raises:
        RulesError: the game's ROM has another name, or it has no such mode or difficulty.
        UnknownGame, RomError: see `find_game` and `rom_sha256`. (Asked for a missing ROM, ALE would end the process.)
    """
    game = find_game(rules.game)
    if game.name != rules.game:
        raise RulesError(f"Rules name a game by its ROM, here {game.name!r}; these say {rules.game!r}.")
    modes, difficulties, _ = _emulator_facts(game, rom_sha256(game))
    for what, value, allowed in (("mode", rules.mode, modes), ("difficulty", rules.difficulty, difficulties)):
        if value not in allowed:
            raise RulesError(f"{rules.game} has no {what} {value}; it has {', '.join(map(str, allowed))}.")


@cache
def _emulator_facts(game: Game, _sha256: str) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Modes (the default first), difficulties and the minimal action set, asked of the emulator once per process."""
    from ale_py import ALEInterface, LoggerMode

    from envs.roms import rom_path

    ALEInterface.setLoggerMode(LoggerMode.Error)
    ale = ALEInterface()
    ale.loadROM(rom_path(game))
    return (
        tuple(sorted(ale.getAvailableModes())),
        tuple(sorted(ale.getAvailableDifficulties())),
        tuple(sorted(action.value for action in ale.getMinimalActionSet())),
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _kind(value: object) -> str:
    return f"a {type(value).__name__}"
