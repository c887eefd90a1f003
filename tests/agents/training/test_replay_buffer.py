"""The compact replay buffer against SB3's own: same transitions for the same rows."""

import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3.common.buffers import ReplayBuffer

from agents.training.replay_buffer import FrameReplayBuffer
from envs.rules import named_rules
from envs.training import TrainingEnv

SPACE = spaces.Box(0, 255, (4, 84, 84), np.uint8)
ACTIONS = spaces.Discrete(4)


@pytest.mark.parametrize("rows", [400, 90])  # never full; full several times over
def test_it_gives_the_transitions_that_were_put_in(rows: int) -> None:
    env = TrainingEnv(named_rules("breakout").varied(max_frames=600), 2, seed=1, threads=1)
    ours = FrameReplayBuffer(2 * rows, SPACE, ACTIONS, "cpu", n_envs=2)
    theirs = ReplayBuffer(2 * rows, SPACE, ACTIONS, "cpu", n_envs=2)
    rng = np.random.default_rng(0)
    obs = env.reset()
    ends = 0
    for step in range(350):
        if step == 170:  # as at a checkpoint: new games in the middle
            obs = env.reset()
        actions = rng.integers(0, 4, size=2)
        next_obs, rewards, dones, infos = env.step(actions)
        final = next_obs.copy()
        for i in np.flatnonzero(dones):
            final[i] = infos[i]["terminal_observation"]
        ends += sum("episode" in info for info in infos)
        for buffer in (ours, theirs):
            buffer.add(obs, final, actions, rewards, dones, infos)
        obs = next_obs
    assert ends >= 4
    for seed in range(5):
        np.random.seed(seed)
        mine = ours.sample(64)
        np.random.seed(seed)
        if ours.full:
            picked = (np.random.randint(3, rows, size=64) + ours.pos) % rows
        else:
            picked = np.random.randint(0, ours.pos, size=64)
        games = np.random.randint(0, 2, size=64)
        np.testing.assert_array_equal(mine.observations.numpy(), theirs.observations[picked, games])
        np.testing.assert_array_equal(mine.next_observations.numpy(), theirs.next_observations[picked, games])
        np.testing.assert_array_equal(mine.actions.numpy(), theirs.actions[picked, games])
        np.testing.assert_array_equal(mine.rewards.numpy()[:, 0], theirs.rewards[picked, games])
        ended = theirs.dones[picked, games] * (1 - theirs.timeouts[picked, games])
        np.testing.assert_array_equal(mine.dones.numpy()[:, 0], ended)


def test_it_takes_a_quarter_of_the_memory() -> None:
    ours = FrameReplayBuffer(1000, SPACE, ACTIONS, "cpu", n_envs=2)
    theirs = ReplayBuffer(1000, SPACE, ACTIONS, "cpu", n_envs=2)
    kept = ours.frames.nbytes + ours.next_frames.nbytes
    assert kept * 4 == theirs.observations.nbytes + theirs.next_observations.nbytes


def test_an_observation_out_of_nowhere_is_refused() -> None:
    buffer = FrameReplayBuffer(100, SPACE, ACTIONS, "cpu", n_envs=1)
    obs = np.ones((1, 4, 84, 84), np.uint8)
    with pytest.raises(ValueError, match="neither goes on"):
        buffer.add(obs, obs, np.zeros(1), np.zeros(1), np.zeros(1), [{}])
