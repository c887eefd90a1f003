"""What agents see is what they saw in training, however they were trained."""

from __future__ import annotations

from typing import Any

import ale_py
import gymnasium
import numpy as np
import pytest
from stable_baselines3.common.atari_wrappers import MaxAndSkipEnv, WarpFrame

from agents.preprocessing import SB3_WRAPPERS, Eye, Sight
from envs.environment import ArenaEnv
from envs.rules import named_rules

assert ale_py


@pytest.mark.parametrize("game", ["breakout", "ms_pacman"])
def test_pictures_of_sb3s_wrappers(game: str) -> None:
    """The wrappers look at one emulator, the eye at another one that does the same."""
    rules = named_rules(game).varied(sticky=0.0)
    ale_id = {"breakout": "ALE/Breakout-v5", "ms_pacman": "ALE/MsPacman-v5"}[game]
    plain: Any = gymnasium.make(ale_id, frameskip=1, repeat_action_probability=0.0, full_action_space=False)
    wrapped = WarpFrame(MaxAndSkipEnv(plain, skip=4))
    eye = Eye(Sight(SB3_WRAPPERS))
    env = ArenaEnv(rules)
    observation, _ = wrapped.reset(seed=1)
    step = env.start(1)
    assert eye.see(step)
    assert np.array_equal(eye.observation[-1], observation[:, :, 0])
    rng = np.random.default_rng(0)
    for _ in range(60):
        action = int(rng.integers(len(rules.action_set)))
        observation, *_ = wrapped.step(action)
        for _ in range(4):
            step = env.advance(rules.action_set[action])
            due = eye.see(step)
        assert due
        assert np.array_equal(eye.observation[-1], observation[:, :, 0])
    wrapped.close()


def test_the_two_ways_differ() -> None:
    """Things that flicker: the brighter in colour is not always the brighter in grey."""
    env = ArenaEnv(named_rules("ms_pacman"))
    one, other = Eye(), Eye(Sight(SB3_WRAPPERS))
    step = env.start(1)
    different = 0
    for _ in range(400):
        if one.see(step) | other.see(step):
            different += bool((one.observation[-1] != other.observation[-1]).any())
        step = env.advance(0)
    assert different > 10


@pytest.mark.parametrize(("skip", "stack"), [(1, 1), (2, 3), (4, 4), (12, 8)])
def test_other_frame_skips_and_stacks(skip: int, stack: int) -> None:
    env = ArenaEnv(named_rules("breakout"))
    eye = Eye(Sight(frame_skip=skip, stack=stack))
    step = env.start(1)
    due = [eye.see(step)]
    before = eye.observation
    for _ in range(24):
        due.append(eye.see(env.advance(3)))
    assert [t for t, is_due in enumerate(due) if is_due] == list(range(0, 25, skip))
    assert eye.observation.shape == (stack, 84, 84)
    assert (eye.observation != before).any()
