"""What a trained agent sees, made from the arena's own steps, one emulated frame at a time.

`Preprocessor` gives, pixel for pixel, the observations of `envs.training.TrainingEnv` (ale-py's vector environment):
ALE's luminance, the maximum of the last two of every four frames (three in Pac-Man), shrunk to 84x84 with area
interpolation, four of them stacked, the newest last. An agent that was trained with SB3's wrappers (`make_atari_env`,
`VecFrameStack`) gets their pixels instead, which differ a little: the maximum is taken in colour and made grey by
OpenCV. It gets their stacks, too: after a reset or a lost life all pictures but the newest are black.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from envs.games import NOOP, Game
from envs.step import Step

NAME = "ale-native-84"
"""What an agent's package calls the preprocessing of `envs.training.TrainingEnv`."""
SB3_WRAPPERS = "sb3-wrappers-84"
"""What it calls that of SB3's `AtariWrapper`."""
FRAME_SKIP = 4
STACK = 4
SIDE = 84
START = 2
"""Decisions after a reset or a lost life at which a player presses FIRE, in games that start with it."""


@dataclass(frozen=True, slots=True)
class PreprocessingSpec:
    """How an agent was trained to see."""

    preprocessing: str = NAME
    """`NAME` or `SB3_WRAPPERS`."""
    frame_skip: int = FRAME_SKIP
    """Frames per decision, 1 or more."""
    stack: int = STACK
    """Pictures per observation, 1 or more."""


ARENAS = PreprocessingSpec()
"""The arena's own way, of `envs.training.TrainingEnv`, in most games."""


def preprocessing_for(game: Game, frame_skip: int | None = None) -> PreprocessingSpec:
    """Return the arena's own way for `game`, or with another frame skip."""
    return PreprocessingSpec(frame_skip=frame_skip or game.frame_skip)


class Preprocessor:
    """Looks at every frame of one game and says when a decision is due.

        eye.reset()
        if eye.see(step):                       # true at t = 0, 4, 8, ... (with frame skip 4)
            decide(eye.observation)             # then hold that action until the next decision

    Frames that no observation needs are not fetched from the emulator.
    """

    def __init__(self, spec: PreprocessingSpec = ARENAS) -> None:
        self._spec = spec
        self.reset()

    def reset(self, opening: tuple[int, ...] = ()) -> None:
        """Forget everything: a new episode begins.

        Args:
            opening: with SB3's wrappers, the codes that they hold for one decision each before the agent's first one
                after a reset; after a lost life they do so after one with NOOP. What `NoopResetEnv` does before, up to
                30 frames of NOOP, isn't done here: the rules have a start of their own.
        """
        self._stack = np.zeros((self._spec.stack, SIDE, SIDE), np.uint8)
        self._before: np.ndarray | None = None
        self._lives = 0
        self._start_left = START
        self.starting = True
        """Whether this decision is one of the first two after a reset or a lost life: the time to press FIRE."""
        self._opening = opening
        self._to_press = list(opening)
        self.pressed: int | None = None
        """The code that SB3's wrappers hold at this decision, whatever the agent decides; None if it may decide."""

    @property
    def observation(self) -> np.ndarray:
        """uint8 (stack, 84, 84), the newest picture last; a copy, which stays as it is."""
        return self._stack.copy()

    def feed(self, step: Step) -> bool:
        """Take in one frame, in order and without leaving any out; return whether a decision is due at it."""
        skip = self._spec.frame_skip
        phase = step.t % skip
        if phase == skip - 1 and phase:
            self._before = self._picture(step)
        if phase:
            return False
        frame = self._picture(step)
        if step.t and self._before is not None:
            frame = np.maximum(frame, self._before)
        if frame.ndim == 3:
            frame = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        self._stack[:-1] = self._stack[1:]
        cv2.resize(frame, (SIDE, SIDE), dst=self._stack[-1], interpolation=cv2.INTER_AREA)
        if self._spec.preprocessing == SB3_WRAPPERS:
            self._press(lost=0 < step.lives < self._lives)
            self._lives = step.lives
            self.starting = False
            return True
        if step.lives < self._lives:
            self._start_left = START
        self._lives = step.lives
        self.starting = self._start_left > 0
        self._start_left -= 1
        return True

    def _press(self, lost: bool) -> None:
        """Do what `EpisodicLifeEnv`, `FireResetEnv` and `VecFrameStack` do at a decision."""
        before = self.pressed
        if lost and before is None:
            self._to_press = [NOOP, *self._opening]
        elif lost and before != NOOP:  # during the opening
            self._to_press.insert(0, NOOP)
        self.pressed = self._to_press.pop(0) if self._to_press else None
        if self.pressed is None and before is not None:
            self._stack[:-1] = 0

    def _picture(self, step: Step) -> np.ndarray:
        return step.screen() if self._spec.preprocessing == SB3_WRAPPERS else step.grayscale()
