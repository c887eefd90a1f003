"""Games that people (or scripts) played, as something an agent can learn from.

Recordings hold actions for every frame. Here they are replayed and seen through an agent's eyes: one observation every
four frames (three in Pac-Man), with the action that was pressed most often in the frames that follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agents.networks.preprocessing import SIDE, STACK, Preprocessor, preprocessing_for
from envs.environment import ArenaEnv
from envs.errors import RecordingError
from envs.games import Game
from recordings.codec import read
from recordings.recording import Recording

GAMMA = 0.99
"""Discount per decision of the returns, as in training."""


@dataclass(frozen=True, slots=True)
class Demonstrations:
    """Decisions of all games, one after the other; n in all."""

    pictures: np.ndarray
    """uint8 (n, 84, 84): the newest picture of each observation."""
    history: np.ndarray
    """uint8 (n,): how many pictures before it, 0 to 3, are of the same game."""
    actions: np.ndarray
    """int64 (n,): indices into the action set."""
    returns: np.ndarray
    """float32 (n,): discounted sum of the rewards' signs up to the next lost life."""

    def __len__(self) -> int:
        return len(self.actions)

    def observations(self, indices: np.ndarray) -> np.ndarray:
        """uint8 (len(indices), 4, 84, 84), as an agent would have seen them."""
        stacks = np.zeros((len(indices), STACK, SIDE, SIDE), np.uint8)
        for back in range(STACK):
            known = self.history[indices] >= back
            stacks[known, STACK - 1 - back] = self.pictures[indices[known] - back]
        return stacks


def recordings_of(folder: Path, game: Game) -> list[Recording]:
    """Read all recordings of `game` in `folder`, at any depth, in the order of their paths.

    Raises:
        RecordingError: there are none, or one of them is damaged.
    """
    found = [r for path in sorted(folder.rglob("*.arena.zip")) if (r := read(path)).rules.game == game.name]
    if not found:
        raise RecordingError(f"There are no recordings of {game.name} in {folder} to learn from.")
    return found


def demonstrate(recordings: Iterable[Recording], frame_skip: int | None = None) -> Demonstrations:
    """Replay `recordings`, all of one game, and keep what an agent would have seen and done.

    Args:
        frame_skip: frames per decision; the game's own if not given.

    Raises:
        RecordingError: a replay doesn't arrive at the recorded score.
    """
    pictures: list[np.ndarray] = []
    history: list[int] = []
    actions: list[int] = []
    returns: list[np.ndarray] = []
    env: ArenaEnv | None = None
    for recording in recordings:
        if env is None or env.rules != recording.rules:
            env = ArenaEnv(recording.rules, obs_type="ram")
        rewards, lost = [], []
        for count, (picture, action, reward, life) in enumerate(_decisions(env, recording, frame_skip)):
            pictures.append(picture)
            history.append(min(count, STACK - 1))
            actions.append(action)
            rewards.append(reward)
            lost.append(life)
        returns.append(_returns(rewards, lost))
    return Demonstrations(
        np.array(pictures, np.uint8).reshape(-1, SIDE, SIDE),
        np.array(history, np.uint8),
        np.array(actions, np.int64),
        np.concatenate([np.zeros(0, np.float32), *returns]),
    )


def _decisions(
    env: ArenaEnv, recording: Recording, frame_skip: int | None
) -> Iterator[tuple[np.ndarray, int, float, bool]]:
    """Yield picture, action index, sign of the points and whether a life was lost, for every whole decision."""
    codes = env.rules.action_set
    spec = preprocessing_for(env.game, frame_skip)
    preprocessor = Preprocessor(spec)
    step = env.start(recording.seed)
    score = 0.0
    for begin in range(0, len(recording.actions), spec.frame_skip):
        preprocessor.feed(step)
        picture, lives, points = preprocessor.observation[-1], step.lives, 0.0
        chunk = recording.actions[begin : begin + spec.frame_skip]
        for offset, code in enumerate(chunk):
            step = env.advance(code)
            points += step.reward
            if 0 < offset + 1 < len(chunk):
                preprocessor.feed(step)
        score += points
        chosen = max(dict.fromkeys(chunk), key=chunk.count)
        yield picture, codes.index(chosen), float(np.sign(points)), step.lives < lives or step.end is not None
    if score != recording.score:
        raise RecordingError(f"Seed {recording.seed}: the replay scores {score:.0f}, not {recording.score}; verify it.")


def _returns(rewards: list[float], lost: list[bool]) -> np.ndarray:
    out = np.zeros(len(rewards), np.float32)
    discounted = 0.0
    for i in range(len(rewards) - 1, -1, -1):
        discounted = rewards[i] + GAMMA * discounted * (not lost[i])
        out[i] = discounted
    return out
