"""The fingerprint of an episode: what the emulator did, frame by frame."""

from __future__ import annotations

import hashlib

from envs.step import Step

CHECKPOINT_FRAMES = 600
"""Frames between two checkpoints: ten seconds of play."""


class EpisodeDigest:
    """Running SHA-256 over the 128 RAM bytes of every emulated frame followed by its reward as little-endian int32.

    The state right after reset (t = 0) is not hashed: it follows from rules and seed, and shows in every later frame.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.checkpoints: list[str] = []
        """The running digest after frames 600, 1200, ..., in hexadecimal."""

    def add(self, step: Step) -> None:
        """Take the frame of `step` (t >= 1), in order."""
        update = self._hash.update
        update(step.ram().data)
        update(int(step.reward).to_bytes(4, "little", signed=True))
        if step.t % CHECKPOINT_FRAMES == 0:
            self.checkpoints.append(self._hash.hexdigest())

    def hexdigest(self) -> str:
        """Return the digest of all frames so far, in hexadecimal."""
        return self._hash.hexdigest()
