"""What a player sees of one emulated frame."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

import numpy as np


class End(StrEnum):
    """Why an episode ended."""

    TERMINATED = "terminated"
    """Game over."""
    TRUNCATED = "truncated"
    """The frame limit of the rules was reached."""
    QUIT = "quit"
    """The player left, or the process was killed; what was played counts."""
    FAILED = "failed"
    """The player broke down or used an action outside the action set; what was played counts."""


class PictureSource(Protocol):
    """Where a step gets its picture from: the environment, as long as it stands at that frame."""

    def screen_of(self, step: Step) -> np.ndarray: ...
    def grayscale_of(self, step: Step) -> np.ndarray: ...
    def sound_of(self, step: Step) -> np.ndarray: ...
    def read_ram_of(self, step: Step, into: np.ndarray) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """The state after one emulated frame. Pictures are computed only when asked for, once per frame, and only until
    the emulator moves on (then `StaleStep` is raised)."""

    t: int
    """Emulated frames since reset; 0 right after reset."""
    reward: float
    """Raw points of this frame, unclipped; 0.0 at t = 0."""
    lives: int
    """Lives left, as ALE counts them."""
    end: End | None
    """Why the episode ended with this frame; None while it runs."""
    source: PictureSource = field(repr=False)

    def screen(self) -> np.ndarray:
        """The picture: uint8 (height, width, 3), RGB, read-only."""
        return self.source.screen_of(self)

    def grayscale(self) -> np.ndarray:
        """ALE's own luminance picture: uint8 (height, width), read-only."""
        return self.source.grayscale_of(self)

    def sound(self) -> np.ndarray:
        """The sound of this frame: uint8 (512,), mono, 30,720 Hz, silence is 128."""
        return self.source.sound_of(self)

    def read_ram(self, into: np.ndarray) -> None:
        """Copy the console's memory into `into`, uint8 (128,). For the recorder; a fair player doesn't look."""
        self.source.read_ram_of(self, into)

    def ended(self, end: End) -> Step:
        """The same frame, with which the episode ends for a reason outside the emulator."""
        return replace(self, end=end)
