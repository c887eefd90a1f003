"""The record of one episode. `docs/recording-format.md` describes it for other languages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from envs.environment import SEED_LIMIT, ale_seed_of
from envs.errors import ArenaError
from envs.names import check_name
from envs.rules import Rules
from envs.step import End
from recordings.digest import CHECKPOINT_FRAMES

FORMAT = "arena-recording/1"

Hex256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 in lower-case hexadecimal."""
Milliseconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _utc(value: Any) -> Any:
    if isinstance(value, str):
        if not value.endswith("Z"):
            raise ValueError("must be UTC and end in Z")
        return datetime.fromisoformat(value)
    return value


UtcTime = Annotated[
    datetime,
    BeforeValidator(_utc),
    PlainSerializer(
        lambda when: when.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z",
        when_used="json",
    ),
]
"""Aware UTC time, written with microseconds and Z."""

RulesField = Annotated[
    Rules,
    BeforeValidator(lambda value: value if isinstance(value, Rules) else Rules.from_dict(value)),
    PlainSerializer(lambda rules: rules.as_dict(), when_used="json"),
]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)


class RecordedPlayer(_Model):
    """Who played."""

    name: Annotated[str, BeforeValidator(check_name)]
    kind: Literal["human", "bot", "script", "replay"]
    artifact_sha256: Hex256 | None = None
    """SHA-256 of the agent's file; None for people and scripts."""


class Pause(_Model):
    """One pause of a person's game."""

    frame: Annotated[int, Field(ge=0)]
    """Emulated frames that had been played."""
    ms: Milliseconds
    """How long the game stood still."""


class Pacing(_Model):
    """How evenly a game ran beside a clock. All intervals are between two emulated frames; pauses are left out."""

    frames_per_second: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    p50_ms: Milliseconds
    p99_ms: Milliseconds
    max_ms: Milliseconds
    late_frames: Annotated[int, Field(ge=0)]
    """Frames that came later than one frame time after they were due."""
    pauses: tuple[Pause, ...] = Field(default=(), strict=False)
    held_frames: Annotated[int, Field(ge=0)] = 0
    """Frames for which a bot had not decided in time, so that its last action was held."""

    @model_serializer(mode="wrap")
    def _as_it_always_was(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What did not happen isn't written: recordings without it have the spelling that they had before."""
        return {key: value for key, value in handler(self).items() if key not in _LATER or value}


_LATER = ("pauses", "held_frames")
"""What `Pacing` was given after the first recordings were made."""


class Recording(_Model):
    """One episode: who played what under which seed, every action, and what came of it.

    The fields agree with each other (checked when a recording is made or read); that the emulator agrees with them is
    what verification finds out.
    """

    rules: RulesField
    seed: Annotated[int, Field(ge=0, lt=SEED_LIMIT)]
    ale_seed: int
    """What ALE's `random_seed` was set to."""
    ale_py: Annotated[str, Field(pattern=r"^[0-9][0-9A-Za-z.+-]{0,31}$")]
    """Version of ale-py that ran the episode."""
    player: RecordedPlayer
    score: Annotated[int, Field(gt=-SEED_LIMIT, lt=SEED_LIMIT)]
    """Sum of the unclipped rewards, in points."""
    frames: Annotated[int, Field(ge=0)]
    """Emulated frames played."""
    end: Annotated[End, BeforeValidator(End)]
    digest: Hex256
    checkpoints: tuple[Hex256, ...] = Field(strict=False)
    started_at: UtcTime
    pacing: Pacing | None = None
    """For games that ran by the clock of a person's game; None for all others."""
    actions: bytes = Field(exclude=True, repr=False)
    """One ALE action code (0-17) per emulated frame."""

    @model_validator(mode="after")
    def _agree(self) -> Self:
        wrong = next((text for text, bad in self._contradictions() if bad), None)
        if wrong is not None:
            raise ValueError(wrong)
        return self

    def _contradictions(self) -> list[tuple[str, bool]]:
        try:
            ale_seed = ale_seed_of(self.seed)
        except ArenaError as error:
            return [(str(error), True)]
        frames, rules = self.frames, self.rules
        return [
            (f"seed {self.seed} means ALE seed {ale_seed}, not {self.ale_seed}", self.ale_seed != ale_seed),
            (f"{frames} frames are claimed, {len(self.actions)} actions are there", frames != len(self.actions)),
            ("an action outside the action set", not set(self.actions) <= set(rules.action_set)),
            (f"{frames} frames are more than the rules' {rules.max_frames}", frames > rules.max_frames),
            ("truncated before the frame limit", self.end is End.TRUNCATED and frames != rules.max_frames),
            ("the wrong number of checkpoints", len(self.checkpoints) != frames // CHECKPOINT_FRAMES),
            ("a pause after the end", self.pacing is not None and any(p.frame > frames for p in self.pacing.pauses)),
            ("started_at must be UTC", self.started_at.utcoffset() != timedelta(0)),
        ]
