"""What the scoreboard takes in and gives out. Light to import: no database here."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from agents.player import Kind
from envs.errors import ScoreboardError
from envs.names import check_name
from envs.step import End

SEED_LIMIT = 2**53
"""The same as `envs.environment.SEED_LIMIT`, which can't be named here without importing the emulator."""


@dataclass(frozen=True, slots=True)
class Result:
    """One verified episode. Every value is checked when it is made: a result that exists can be stored.

    The player's name is normalised (`envs.names.check_name`), both times are turned into UTC, and `kind` and `end` may
    be given by their values.

    Raises:
        ScoreboardError: a value that can't be; all of them are named at once.
        PlayerNameError: a name that can't be.
    """

    player: str
    """1 to 32 characters."""
    kind: Kind
    artifact_sha256: str | None
    """SHA-256 of the agent's file, 64 hexadecimal digits; None for people and scripts."""
    game: str
    """ALE's ROM name."""
    rules_id: str
    """`Rules.rules_id`, 64 hexadecimal digits."""
    rules_label: str
    """`Rules.label`: what people call these rules. It belongs to the rules, not to the episode: the label of the
    newest result holds for all results under the same rules."""
    seed: int
    """0 to 2**53-1."""
    score: float
    """Sum of the unclipped rewards, in points."""
    frames: int
    """Emulated frames played."""
    end: End
    """Why the episode ended."""
    recording_sha256: str
    """SHA-256 of the recording's file, 64 hexadecimal digits. Two results with the same one are the same."""
    digest: str
    """`Recording.digest`: what the emulator did in this episode, 64 hexadecimal digits."""
    recording_name: str
    """The recording's file name, without folders."""
    started_at: datetime
    """When the episode began, by the clock of the machine it was played on; aware."""
    verified_at: datetime
    """When its replay agreed; aware."""

    @property
    def play(self) -> str:
        """What makes this episode one of its own among those of its player on its seed. A machine has one game per
        seed, so nothing: else parts of its best game would count as further games. A person's attempts all count, so
        what happened in them, and the recording where nothing has happened yet."""
        if self.kind is not Kind.HUMAN:
            return ""
        return self.digest if self.frames else self.recording_sha256

    def __post_init__(self) -> None:
        wrong = [
            f"{name} must be {what}, not {getattr(self, name)!a}"
            for name, (what, ok) in _CHECKS.items()
            if not ok(getattr(self, name))
        ]
        if wrong:
            raise ScoreboardError(f"This result can't be stored: {'; '.join(wrong)}.")
        canonical = {
            "player": check_name(self.player),
            "kind": Kind(self.kind),
            "end": End(self.end),
            "score": float(self.score),
            "started_at": self.started_at.astimezone(UTC),
            "verified_at": self.verified_at.astimezone(UTC),
        }
        for name, value in canonical.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True, slots=True)
class RulesClass:
    """One game under one set of rules. Results of two classes are never compared."""

    game: str
    """ALE's ROM name."""
    rules_id: str
    label: str
    """What people call the rules, from the newest result."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One line of the standings: one player in one game under one set of rules.

    A player is a name, a kind and an artifact: another version of a bot is another player.
    """

    rank: int
    """1 is the best; players with equal means share a rank, and the next rank is left out (1, 1, 3)."""
    player: str
    kind: Kind
    artifact_sha256: str | None
    episodes: int
    """Every episode counts, also those that were left early."""
    mean: float
    median: float
    low: float | None
    """Lower end of the 95 % interval of the mean (`arena.stats.comparison.summary`); None after a single episode."""
    high: float | None
    best: float
    last_played: datetime
    """When the latest of the episodes began; aware, UTC."""


def _is_hex(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


def _is_text(longest: int) -> Callable[[Any], bool]:
    def ok(value: object) -> bool:
        return (
            isinstance(value, str)
            and 0 < len(value) <= longest
            and not any(unicodedata.category(character) in ("Cc", "Cs") for character in value)
        )

    return ok


def _is_whole(limit: int) -> Callable[[Any], bool]:
    def ok(value: object) -> bool:
        return type(value) is int and 0 <= value < limit

    return ok


def _is_aware(value: object) -> bool:
    return isinstance(value, datetime) and value.utcoffset() is not None and 1 < value.year < 9999


def _is_file_name(value: object) -> bool:
    return _is_text(255)(value) and not set("/\\") & set(str(value))


_HEX = ("64 hexadecimal digits in lower case", _is_hex)
_TIME = ("a time with a time zone, between the years 2 and 9998", _is_aware)
_CHECKS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "kind": (f"one of {', '.join(Kind)}", lambda v: v in list(Kind)),
    "artifact_sha256": ("64 hexadecimal digits in lower case, or None", lambda v: v is None or _is_hex(v)),
    "game": ("a ROM name of 1 to 64 characters", _is_text(64)),
    "rules_id": _HEX,
    "rules_label": ("a text of 1 to 64 characters", _is_text(64)),
    "seed": ("a whole number from 0 to 2**53-1", _is_whole(SEED_LIMIT)),
    "score": ("a number between -1e15 and 1e15", lambda v: isinstance(v, (int, float)) and abs(v) < 1e15),
    "frames": ("a whole number from 0 to 2**31-1", _is_whole(2**31)),
    "end": (f"one of {', '.join(End)}", lambda v: v in list(End)),
    "recording_sha256": _HEX,
    "digest": _HEX,
    "recording_name": ("a file name of 1 to 255 characters without folders", _is_file_name),
    "started_at": _TIME,
    "verified_at": _TIME,
}
