"""A replay buffer for stacked pictures that stores every picture twice instead of eight times."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import BaseBuffer, ReplayBuffer
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from stable_baselines3.common.vec_env import VecNormalize


class FrameReplayBuffer(ReplayBuffer):
    """SB3's `ReplayBuffer` for the observations of `envs.training.TrainingEnv`, in a quarter of the memory.

    Of a transition only the newest picture before and the newest picture after it are kept; the others of the stack are
    those of the transitions before it. 100,000 transitions take 1.4 GB instead of 5.6.

    When the buffer is full, the three oldest transitions of each game can't be sampled: their stacks are cut off.
    """

    PICTURES = 2
    """Pictures kept of each transition."""

    def __init__(
        self,
        buffer_size: int,
        observation_space: spaces.Box,
        action_space: spaces.Space[Any],
        device: torch.device | str = "auto",
        n_envs: int = 1,
        **_settings: Any,
    ) -> None:
        BaseBuffer.__init__(self, buffer_size, observation_space, action_space, device, n_envs=n_envs)
        self.buffer_size = max(buffer_size // n_envs, 2 * observation_space.shape[0])
        self.stack, *picture = observation_space.shape
        rows = (self.buffer_size, n_envs)
        self.frames = np.zeros((*rows, *picture), np.uint8)
        self.next_frames = self._room_for_next(rows, picture)
        self.history = np.zeros(rows, np.uint8)
        """How many pictures before this one belong to its stack."""
        self.actions = np.zeros((*rows, self.action_dim), np.int64)
        self.rewards = np.zeros(rows, np.float32)
        self.dones = np.zeros(rows, np.float32)
        self.timeouts = np.zeros(rows, np.float32)
        self.optimize_memory_usage = False
        self.handle_timeout_termination = True
        self._expected: np.ndarray | None = None

    def _room_for_next(self, rows: tuple[int, int], picture: list[int]) -> np.ndarray:
        return np.zeros((*rows, *picture), np.uint8)

    def add(
        self,
        obs: np.ndarray,
        next_obs: np.ndarray,
        action: np.ndarray,
        reward: np.ndarray,
        done: np.ndarray,
        infos: list[dict[str, Any]],
    ) -> None:
        """Store one transition of each game; shapes as SB3 gives them, observations uint8 (n_envs, 4, 84, 84).

        Raises:
            ValueError: an observation neither follows the one before nor begins a game (older pictures all zero).
        """
        for i in range(self.n_envs):
            if self._expected is not None and np.array_equal(obs[i], self._expected[i]):
                before = self.history[self.pos - 1, i]
                self.history[self.pos, i] = min(before + 1, self.stack - 1)
            elif not obs[i, :-1].any():
                self.history[self.pos, i] = 0
            else:
                raise ValueError(f"Game {i} neither goes on from the last observation nor begins with an empty stack.")
        self._expected = next_obs
        self.frames[self.pos] = obs[:, -1]
        if self.next_frames.size:
            self.next_frames[self.pos] = next_obs[:, -1]
        self.actions[self.pos] = np.asarray(action).reshape(self.n_envs, self.action_dim)
        self.rewards[self.pos] = reward
        self.dones[self.pos] = done
        self.timeouts[self.pos] = [info.get("TimeLimit.truncated", False) for info in infos]
        self.pos += 1
        if self.pos == self.buffer_size:
            self.full = True
            self.pos = 0

    def sample(self, batch_size: int, env: VecNormalize | None = None) -> ReplayBufferSamples:
        here = rows, games = self._drawn(batch_size)
        stacks = np.zeros((batch_size, self.stack + 1, *self.frames.shape[2:]), np.uint8)
        stacks[:, :-1] = self._stacks(rows, games)
        stacks[:, -1] = self.next_frames[here]
        dones = self.dones[here] * (1 - self.timeouts[here])
        return ReplayBufferSamples(
            observations=self.to_torch(stacks[:, :-1], copy=False),
            actions=self.to_torch(self.actions[here]),
            next_observations=self.to_torch(stacks[:, 1:], copy=False),
            dones=self.to_torch(dones.reshape(-1, 1)),
            rewards=self.to_torch(self.rewards[here].reshape(-1, 1)),
        )

    def _drawn(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows and games of `count` transitions, all equally likely."""
        if self.full:
            rows = (np.random.randint(self.stack - 1, self.buffer_size, size=count) + self.pos) % self.buffer_size
        else:
            rows = np.random.randint(0, self.pos, size=count)
        return rows, np.random.randint(0, self.n_envs, size=count)

    def _stacks(self, rows: np.ndarray, games: np.ndarray) -> np.ndarray:
        """Observations, uint8 (n, stack, 84, 84)."""
        stacks = np.zeros((len(rows), self.stack, *self.frames.shape[2:]), np.uint8)
        for back in range(self.stack):
            known = self.history[rows, games] >= back
            stacks[known, self.stack - 1 - back] = self.frames[(rows[known] - back) % self.buffer_size, games[known]]
        return stacks


class AnswerSamples(NamedTuple):
    """A minibatch of n answers."""

    observations: torch.Tensor
    """uint8 (n, stack, 84, 84)."""
    actions: torch.Tensor
    """int64 (n, 1)."""
    notes: torch.Tensor
    """float32 (n, k)."""
    stakes: torch.Tensor
    """float32 (n,)."""


class AnswerBuffer(FrameReplayBuffer):
    """For learning what to do, not what comes of it: keeps every picture once, and besides the answer the teacher's
    notes and stake (`agents.training.lessons.Explains`) in half precision."""

    PICTURES = 1

    def __init__(self, *args: Any, notes: int = 0, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.notes = np.zeros((self.buffer_size, self.n_envs, notes), np.float16)
        self.stakes = np.ones((self.buffer_size, self.n_envs), np.float16)

    def remember(self, notes: np.ndarray, stakes: np.ndarray) -> None:
        """Keep notes (n_envs, k) and stakes (n_envs,) with what is added next."""
        self.notes[self.pos], self.stakes[self.pos] = notes, stakes

    def answers(self, batch_size: int) -> AnswerSamples:
        """Draw a minibatch."""
        rows, games = self._drawn(batch_size)
        return AnswerSamples(
            observations=self.to_torch(self._stacks(rows, games), copy=False),
            actions=self.to_torch(self.actions[rows, games]),
            notes=self.to_torch(self.notes[rows, games].astype(np.float32), copy=False),
            stakes=self.to_torch(self.stakes[rows, games].astype(np.float32), copy=False),
        )

    def _room_for_next(self, rows: tuple[int, int], picture: list[int]) -> np.ndarray:
        return np.zeros((0, *picture), np.uint8)
