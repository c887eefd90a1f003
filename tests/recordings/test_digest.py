"""The digest is SHA-256 over RAM and reward of every frame, however it is gathered."""

from __future__ import annotations

import hashlib
import struct
from random import Random

import numpy as np
import pytest

from envs.environment import RAM_BYTES, ArenaEnv
from envs.rules import named_rules
from envs.step import Step
from recordings.digest import CHECKPOINT_FRAMES, EpisodeDigest


class Memory:
    """A source of steps whose RAM is known."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.ram = b""

    def step(self, t: int, reward: int) -> Step:
        self.ram = self.rng.randbytes(RAM_BYTES)
        return Step(t, float(reward), 3, None, self)

    def read_ram_of(self, step: Step, into: np.ndarray) -> None:
        into[:] = np.frombuffer(self.ram, np.uint8)

    def screen_of(self, step: Step) -> np.ndarray:
        raise NotImplementedError

    grayscale_of = sound_of = screen_of


@pytest.mark.parametrize("frames", [0, 1, 599, 600, 601, 1200, 1999])
def test_the_definition(frames: int) -> None:
    memory, digest, plain = Memory(frames), EpisodeDigest(), hashlib.sha256()
    checkpoints = []
    for t in range(1, frames + 1):
        reward = memory.rng.choice((0, 0, 0, 1, 200, -1, 2**31 - 1, -(2**31)))
        step = memory.step(t, reward)
        digest.add(step)
        plain.update(memory.ram + struct.pack("<i", reward))
        assert digest.hexdigest() == plain.hexdigest() or t % 100, "asking in between changes nothing"
        if t % CHECKPOINT_FRAMES == 0:
            checkpoints.append(plain.hexdigest())
    assert digest.hexdigest() == plain.hexdigest()
    assert digest.checkpoints == checkpoints


def test_of_a_real_game() -> None:
    env = ArenaEnv(named_rules("space_invaders"))
    digest, plain = EpisodeDigest(), hashlib.sha256()
    ram = np.zeros(RAM_BYTES, np.uint8)
    rewards = 0
    env.start(3)
    for t in range(650):
        step = env.advance(1 if t % 3 else 11)
        digest.add(step)
        step.read_ram(ram)
        plain.update(ram.tobytes() + struct.pack("<i", int(step.reward)))
        rewards += step.reward != 0
    assert rewards > 0
    assert digest.hexdigest() == plain.hexdigest()


def test_of_nothing() -> None:
    assert EpisodeDigest().hexdigest() == hashlib.sha256().hexdigest()
