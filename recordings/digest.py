"""The fingerprint of an episode: what the emulator did, frame by frame."""

from __future__ import annotations

import hashlib

import numpy as np

from envs.step import Step

CHECKPOINT_FRAMES = 600
"""Frames between two checkpoints: ten seconds of play."""

_RAM, _ROW = 128, 132


class EpisodeDigest:
    """Running SHA-256 over the 128 RAM bytes of every emulated frame followed by its reward as little-endian int32.

    The state right after reset (t = 0) is not hashed: it follows from rules and seed, and shows in every later frame.
    The frames between two checkpoints are gathered in one block and hashed together, which costs a third of hashing
    each by itself.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._block = np.zeros((CHECKPOINT_FRAMES, _ROW), np.uint8)
        self._ram = [self._block[row, :_RAM] for row in range(CHECKPOINT_FRAMES)]
        self._rewards = self._block[:, _RAM:].view("<i4")[:, 0]
        self._filled = 0
        self.checkpoints: list[str] = []
        """The running digest after frames 600, 1200, ..., in hexadecimal."""

    def add(self, step: Step) -> None:
        """Take the frame of `step` (t >= 1), in order."""
        row = self._filled
        step.read_ram(self._ram[row])
        if step.reward:
            self._rewards[row] = step.reward
        self._filled = row + 1
        if self._filled == CHECKPOINT_FRAMES:
            self._hash.update(self._block.data)
            self.checkpoints.append(self._hash.hexdigest())
            self._rewards[:] = 0
            self._filled = 0

    def hexdigest(self) -> str:
        """Return the digest of all frames so far, in hexadecimal."""
        running = self._hash.copy()
        running.update(self._block[: self._filled].data)
        return running.hexdigest()
