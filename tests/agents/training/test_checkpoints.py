"""Checkpoints that don't fit the run that wants to go on from them."""

from pathlib import Path
from typing import Any

import pytest
from stable_baselines3 import A2C, DQN
from stable_baselines3.common.base_class import BaseAlgorithm

from agents.load import load_player
from agents.training.checkpoints import read_checkpoint, restore, save_checkpoint
from agents.training.dagger import DAgger
from agents.training.lessons import LessonEnv
from agents.training.replay_buffer import FrameReplayBuffer
from envs.errors import AgentError
from envs.games import find_game
from envs.rules import named_rules
from envs.training import TrainingEnv

SMALL = {"features_extractor_kwargs": {"features_dim": 8}}


def games(count: int) -> TrainingEnv:
    return TrainingEnv(named_rules("pacman"), count, threads=1)


def dqn(envs: int, room: int, buffer: Any = FrameReplayBuffer) -> DQN:
    return DQN(
        "CnnPolicy",
        games(envs),
        buffer_size=room,
        learning_starts=1_000,
        replay_buffer_class=buffer,
        device="cpu",
        policy_kwargs=dict(SMALL),
    )


def pupil(notes_weight: float) -> DAgger:
    teacher = load_player("script:steady", find_game("pacman"))
    env = LessonEnv(named_rules("pacman"), [teacher])
    settings: dict[str, Any] = {"buffer_size": 40, "device": "cpu", "policy_kwargs": dict(SMALL)}
    return DAgger("CnnPolicy", env, notes_weight=notes_weight, **settings)


def go_on(model: BaseAlgorithm, path: Path) -> None:
    restore(model, path, read_checkpoint(path))


def test_a_replay_buffer_goes_on_only_where_it_fits(tmp_path: Path) -> None:
    model = dqn(2, 40)
    model.learn(48)  # more than fit in
    assert model.replay_buffer is not None
    assert model.replay_buffer.full
    full = save_checkpoint(tmp_path, model, {})
    same = dqn(2, 40)
    go_on(same, full)
    assert same.replay_buffer is not None
    assert (same.replay_buffer.rewards == model.replay_buffer.rewards).all()
    for other in (dqn(1, 40), dqn(3, 60), dqn(2, 30), dqn(2, 80)):  # a larger one would be called full of nothing
        with pytest.raises(
            AgentError, match=r"remembers 40 steps of 2 games side by side.*give envs and buffer_size as"
        ):
            go_on(other, full)
    with pytest.raises(AgentError, match="differs in --plain"):
        go_on(dqn(2, 40, None), full)
    (full / "replay.npz").write_bytes((full / "replay.npz").read_bytes()[:1_000])
    with pytest.raises(AgentError, match=r"can't be read .*; delete the folder"):
        go_on(same, full)


def test_a_buffer_that_is_not_full_goes_on_in_a_larger_one(tmp_path: Path) -> None:
    model = dqn(2, 40)
    model.learn(16)
    path = save_checkpoint(tmp_path, model, {})
    larger = dqn(2, 80)
    go_on(larger, path)
    assert larger.replay_buffer is not None
    assert larger.replay_buffer.pos == 8


def test_another_optimizer_is_refused_and_a_changed_setting_of_it_holds(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path, A2C("CnnPolicy", games(1), device="cpu", policy_kwargs=dict(SMALL)), {})
    with pytest.raises(AgentError, match="use_rms_prop"):
        go_on(A2C("CnnPolicy", games(1), device="cpu", use_rms_prop=False, policy_kwargs=dict(SMALL)), path)
    other = A2C("CnnPolicy", games(1), device="cpu", rms_prop_eps=0.5, policy_kwargs=dict(SMALL))
    go_on(other, path)
    assert other.policy.optimizer.param_groups[0]["eps"] == 0.5


@pytest.mark.parametrize(("then", "now", "says"), [(1.0, 0.0, "has"), (0.0, 1.0, "lacks")])
def test_a_pupil_that_is_told_notes_goes_on_with_them(then: float, now: float, says: str, tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path, pupil(then), {})
    go_on(pupil(then), path)
    with pytest.raises(AgentError, match=rf"it {says} notes_net and notes_optimizer; give notes_weight and --teacher"):
        go_on(pupil(now), path)
