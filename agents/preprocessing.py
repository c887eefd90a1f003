"""What a trained agent sees, made from the arena's own steps, one emulated frame at a time.

`Eye` gives, pixel for pixel, the observations of `envs.training.TrainingEnv` (ale-py's vector environment): ALE's
luminance, the maximum of the last two of every four frames, shrunk to 84x84 with area interpolation, four of them
stacked, the newest last.
"""

from __future__ import annotations

import cv2
import numpy as np

from envs.step import Step

NAME = "ale-native-84"
"""What an agent's package calls this preprocessing."""
FRAME_SKIP = 4
STACK = 4
SIDE = 84
START = 2
"""Decisions after a reset or a lost life at which a player presses FIRE, in games that start with it."""


class Eye:
    """Looks at every frame of one game and says when a decision is due.

        eye.reset()
        if eye.see(step):                       # true at t = 0, 4, 8, ...
            decide(eye.observation)             # then hold that action until the next decision

    Frames that no observation needs are not fetched from the emulator.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything: a new episode begins."""
        self._stack = np.zeros((STACK, SIDE, SIDE), np.uint8)
        self._before: np.ndarray | None = None
        self._lives = 0
        self._start_left = START
        self.starting = True
        """Whether this decision is one of the first two after a reset or a lost life: the time to press FIRE."""

    @property
    def observation(self) -> np.ndarray:
        """uint8 (4, 84, 84), the newest picture last; a copy, which stays as it is."""
        return self._stack.copy()

    def see(self, step: Step) -> bool:
        """Take in one frame, in order and without leaving any out; return whether a decision is due at it."""
        phase = step.t % FRAME_SKIP
        if phase == FRAME_SKIP - 1:
            self._before = step.grayscale()
        if phase:
            return False
        frame = step.grayscale()
        if step.t and self._before is not None:
            frame = np.maximum(frame, self._before)
        self._stack[:-1] = self._stack[1:]
        cv2.resize(frame, (SIDE, SIDE), dst=self._stack[-1], interpolation=cv2.INTER_AREA)
        if step.lives < self._lives:
            self._start_left = START
        self._lives = step.lives
        self.starting = self._start_left > 0
        self._start_left -= 1
        return True
