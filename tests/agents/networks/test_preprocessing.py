"""What agents see is what they saw in training, however they were trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ale_py
import gymnasium
import numpy as np
import pytest
from stable_baselines3.common.atari_wrappers import MaxAndSkipEnv, WarpFrame
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.vec_env import VecFrameStack

from agents.networks.player import NetworkPlayer
from agents.networks.preprocessing import SB3_WRAPPERS, PreprocessingSpec, Preprocessor
from agents.player import Kind, PlayerInfo
from envs.environment import ArenaEnv
from envs.games import find_game
from envs.rules import named_rules

assert ale_py


@pytest.mark.parametrize("game", ["breakout", "ms_pacman"])
def test_pictures_of_sb3s_wrappers(game: str) -> None:
    """The wrappers look at one emulator, the eye at another one that does the same."""
    rules = named_rules(game).varied(sticky=0.0)
    ale_id = {"breakout": "ALE/Breakout-v5", "ms_pacman": "ALE/MsPacman-v5"}[game]
    plain: Any = gymnasium.make(ale_id, frameskip=1, repeat_action_probability=0.0, full_action_space=False)
    wrapped = WarpFrame(MaxAndSkipEnv(plain, skip=4))
    preprocessor = Preprocessor(PreprocessingSpec(SB3_WRAPPERS))
    env = ArenaEnv(rules)
    observation, _ = wrapped.reset(seed=1)
    step = env.start(1)
    assert preprocessor.feed(step)
    assert np.array_equal(preprocessor.observation[-1], observation[:, :, 0])
    rng = np.random.default_rng(0)
    for _ in range(60):
        action = int(rng.integers(len(rules.action_set)))
        observation, *_ = wrapped.step(action)
        for _ in range(4):
            step = env.advance(rules.action_set[action])
            due = preprocessor.feed(step)
        assert due
        assert np.array_equal(preprocessor.observation[-1], observation[:, :, 0])
    wrapped.close()


class Dice:
    """A `NetworkBot` that likes another output best at every decision."""

    draws = False
    spec = PreprocessingSpec(SB3_WRAPPERS)

    def __init__(self, action_set: tuple[int, ...], fires: bool) -> None:
        self.action_set: tuple[int, ...] | None = action_set
        self.actions, self.fires = len(action_set), fires
        self._rng = np.random.default_rng(2)

    def scores(self, observations: Sequence[np.ndarray]) -> np.ndarray:
        return self._rng.random((len(observations), self.actions), np.float32)


@pytest.mark.parametrize(("game", "decisions"), [("breakout", 200), ("space_invaders", 300), ("ms_pacman", 400)])
def test_a_game_as_sb3s_make_atari_env_begins_it(game: str, decisions: int) -> None:
    """Every observation at which the agent decides, over several lives: the stack is emptied and FIRE pressed as there.

    Without the up to 30 frames of NOOP at the start, which are drawn, and without sticky actions.
    """
    rules = named_rules(game).varied(sticky=0.0)
    wrapped = make_atari_env(
        find_game(game).ale_id,
        env_kwargs={"frameskip": 1, "repeat_action_probability": 0.0, "full_action_space": False},
        wrapper_kwargs={"noop_max": 0},
    )
    theirs = VecFrameStack(wrapped, 4)
    observation: Any = theirs.reset()
    player = NetworkPlayer(PlayerInfo("dice", Kind.BOT), Dice(rules.action_set, find_game(game).fires))
    player.reset(seed=0, action_set=rules.action_set)
    env = ArenaEnv(rules)
    step = env.start(1)
    lives, different, compared = 0, 0, 0
    while compared < decisions and step.end is None:
        code = player.act(step)
        if step.t % 4 == 0 and player._preprocessor.pressed is None:
            different += not np.array_equal(player._preprocessor.observation, observation[0].transpose(2, 0, 1))
            compared += 1
            observation, _, (done,), _ = theirs.step(np.array([rules.action_set.index(code)]))
            lives += bool(done)
        step = env.advance(code)
    theirs.close()
    assert compared > 111
    assert lives > 0
    assert different == 0


def test_the_two_ways_differ() -> None:
    """Things that flicker: the brighter in colour is not always the brighter in grey."""
    env = ArenaEnv(named_rules("ms_pacman"))
    one, other = Preprocessor(), Preprocessor(PreprocessingSpec(SB3_WRAPPERS))
    step = env.start(1)
    different = 0
    for _ in range(400):
        if one.feed(step) | other.feed(step):
            different += bool((one.observation[-1] != other.observation[-1]).any())
        step = env.advance(0)
    assert different > 10


@pytest.mark.parametrize(("skip", "stack"), [(1, 1), (2, 3), (4, 4), (12, 8)])
def test_other_frame_skips_and_stacks(skip: int, stack: int) -> None:
    env = ArenaEnv(named_rules("breakout"))
    preprocessor = Preprocessor(PreprocessingSpec(frame_skip=skip, stack=stack))
    step = env.start(1)
    due = [preprocessor.feed(step)]
    before = preprocessor.observation
    for _ in range(24):
        due.append(preprocessor.feed(env.advance(3)))
    assert [t for t, is_due in enumerate(due) if is_due] == list(range(0, 25, skip))
    assert preprocessor.observation.shape == (stack, 84, 84)
    assert (preprocessor.observation != before).any()
