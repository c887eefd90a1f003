"""Settings from a TOML file: what is taken, and the sentence for what isn't."""

import tomllib
from typing import Any

import pytest
from sb3_contrib import QRDQN
from stable_baselines3 import A2C, DQN, PPO

from agents.training.config import Config
from agents.training.dagger import DAgger
from agents.training.hyperparameters import check_together, falling, steps_per_update, whole_updates
from envs.errors import AgentError
from envs.games import find_game

LEARNERS: dict[str, Any] = {"ppo": PPO, "a2c": A2C, "dqn": DQN, "qrdqn": QRDQN, "dagger": DAgger}


def checked(algo: str, text: str, *, plain: bool = False, kickstart: bool = False) -> dict[str, Any]:
    section = "kickstart" if kickstart and algo == "ppo" else algo
    config = Config(LEARNERS, {section: tomllib.loads(text)})
    settings = config.settings(algo, find_game("pacman"), kickstart=kickstart)
    check_together(settings, algo, LEARNERS[algo], plain=plain)
    return settings


@pytest.mark.parametrize(
    ("algo", "text", "says"),
    [
        ("ppo", 'n_epochs = "one"', "n_epochs = 'one'; expected a whole number from 1"),
        ("ppo", "n_epochs = 0", "expected a whole number from 1"),
        ("ppo", "n_steps = 0", "expected a whole number from 1"),
        ("ppo", "n_steps = -1", "expected a whole number from 1"),
        ("ppo", "n_steps = 2.5", "expected a whole number from 1"),
        ("ppo", 'n_steps = "128"', "expected a whole number from 1"),
        ("ppo", "n_steps = true", "n_steps = True; expected a whole number"),
        ("ppo", "n_steps = []", "expected a whole number"),
        ("ppo", "n_steps = 99999999999999999999", "expected a whole number from 1 to 1,000,000,000"),
        ("ppo", 'extractor = "vgg"', "extractor = 'vgg'; expected one of nature, impala."),
        ("dqn", "extractor = 1", "extractor = 1; expected one of nature, impala."),
        ("dqn", "extractor = [1]", "extractor = [1]; expected one of nature, impala."),
        ("ppo", "reward_scale = 0", "expected a number above 0."),
        ("a2c", "reward_scale = true", "expected a number above 0."),
        ("ppo", "opening = -1", "expected a whole number from 0 to 1,000"),
        ("ppo", "soften = 2", "a 'soften', which it does not have"),
        ("ppo", "critic_steps = 2", "a 'critic_steps', which it does not have"),
        ("ppo", "n_steps = 1\nenvs = 1", "a batch_size of 64, more than envs times n_steps, which is 1"),
        ("ppo", "batch_size = 100_000", "more than envs times n_steps, which is 16,384"),
        ("ppo", "batch_size = 1", "one step to learn from at a time"),
        ("ppo", "envs = 0", "from 1 to 4,096"),
        ("ppo", "envs = 5000", "from 1 to 4,096"),
        ("ppo", "envs = {}", "from 1 to 4,096"),
        ("ppo", "learning_rate = -1", "expected a number above 0."),
        ("ppo", "learning_rate = 0.0", "expected a number above 0."),
        ("ppo", "learning_rate = nan", "expected a number above 0."),
        ("ppo", "learning_rate = inf", "expected a number above 0."),
        ("ppo", "learning_rate = true", "expected a number above 0."),
        ("ppo", 'learning_rate = "linear x"', 'or "linear" and such a number'),
        ("ppo", 'learning_rate = "linear -1"', 'or "linear" and such a number'),
        ("ppo", 'learning_rate = "linear inf"', 'or "linear" and such a number'),
        ("ppo", 'learning_rate = "linear"', 'or "linear" and such a number'),
        ("ppo", 'learning_rate = "falling 1e-4"', 'or "linear" and such a number'),
        ("ppo", 'learning_rate = "2.5e-4"', 'or "linear" and such a number'),
        ("ppo", "learning_rate = 1979-05-27", 'or "linear" and such a number'),
        ("ppo", "clip_range = -0.1", "expected a number above 0."),
        ("ppo", "clip_range_vf = 0", "expected a number above 0."),
        ("ppo", "gamma = 1.5", "expected a number from 0 to 1."),
        ("ppo", 'gamma = "linear 0.9"', "expected a number from 0 to 1."),
        ("ppo", "gae_lambda = -1", "expected a number from 0 to 1."),
        ("ppo", "ent_coef = -1", "expected a number from 0 on."),
        ("ppo", 'vf_coef = "half"', "expected a number from 0 on."),
        ("ppo", "max_grad_norm = 0", "expected a number above 0."),
        ("ppo", "target_kl = -1", "expected a number above 0."),
        ("ppo", "adam_eps = 0", "expected a number above 0."),
        ("ppo", "normalize_advantage = 1", "expected true or false."),
        ("ppo", "stats_window_size = 0", "expected a whole number from 1"),
        ("ppo", 'verbose = "loud"', "expected a whole number from 0"),
        ("ppo", 'policy = "MlpPolicy"', "a 'policy', which the training script decides itself"),
        ("ppo", "policy_kwargs = {net_arch = [64]}", "which the training script decides itself"),
        ("ppo", "seed = 3", "which the training script decides itself"),
        ("ppo", "self = 1", "which the training script decides itself"),
        ("ppo", 'tensorboard_log = "runs"', "which the training script decides itself"),
        ("ppo", "lerning_rate = 1", "a 'lerning_rate', which it does not have; did you mean 'learning_rate'?"),
        ("ppo", "xyz = 1", "it has adam_eps, batch_size, clip_range"),
        ("a2c", 'use_rms_prop = "yes"', "expected true or false."),
        ("a2c", "adam_eps = 1e-5", "use_rms_prop is on"),
        ("a2c", "rms_prop_eps = 0", "expected a number above 0."),
        ("a2c", "batch_size = 5", "a 'batch_size', which it does not have"),
        ("dqn", "train_freq = 0", "expected a whole number from 1"),
        ("dqn", 'train_freq = [4, "step"]', "expected a whole number from 1"),
        ("dqn", "gradient_steps = -2", "or -1 for as many as there were steps"),
        ("dqn", "buffer_size = 10", "a batch_size of 32, more than buffer_size, which is 10"),
        ("dqn", "buffer_size = 1e12", "expected a whole number from 1 to 1,000,000,000"),
        ("dqn", "buffer_size = 1000\nn_steps = 3", "n_steps = 3, which the arena's replay buffer can't do"),
        ("dqn", "tau = 0", "expected a number above 0 and at most 1."),
        ("dqn", "exploration_fraction = 0", "expected a number above 0 and at most 1."),
        ("dqn", "exploration_final_eps = 2", "expected a number from 0 to 1."),
        ("dqn", "optimize_memory_usage = true", "which the training script decides itself"),
        ("qrdqn", 'learning_rate = "fast"', 'or "linear" and such a number'),
        ("dagger", "steered = 2", "expected a number from 0 to 1."),
        ("dagger", "steered_fraction = -1", "expected a number from 0 to 1."),
        ("dagger", "prefixes = 2", "prefixes = 2; expected a number from 0 to 1."),
        ("dagger", "prefixes = nan", "expected a number from 0 to 1."),
        ("dagger", "longest_prefix = 0", "longest_prefix = 0; expected a whole number from 1"),
        ("dagger", "longest_prefix = 0.5", "expected a whole number from 1"),
        ("dagger", "notes_weight = -1", "expected a number from 0 on."),
        ("dagger", 'notes_weight = "all"', "expected a number from 0 on."),
        ("dagger", "stakes = 1", "expected true or false."),
        ("dagger", "sharper = 0", "expected a number above 0."),
        ("dagger", "reward_scale = 3", "a 'reward_scale', which it does not have"),
        ("dagger", "opening = 3", "an 'opening', which it does not have"),
        ("dagger", "replay_buffer_kwargs = {}", "which the training script decides itself"),
        ("dagger", "temperature = 0", "expected a number above 0."),
        ("dagger", "buffer_size = 3", "more than buffer_size, which is 3"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(algo: str, text: str, says: str) -> None:
    with pytest.raises(AgentError) as refused:
        checked(algo, text)
    assert says in str(refused.value)
    assert algo in str(refused.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("soften = 0", "expected a number above 0."),
        ("sharper = -1", "expected a number above 0."),
        ("reward_scale = inf", "expected a number above 0."),
        ("critic_steps = -1", "expected a whole number from 0"),
        ("critic_learning_rate = 0", "expected a number above 0."),
        ("critic_share = 1.5", "expected a number from 0 to 1."),
        ("kl_coef = -0.1", "expected a number from 0 on."),
        ("kl_fraction = 0", "expected a number above 0 and at most 1."),
        ("n_epochs = 0", "expected a whole number from 1"),
        ("prefixes = 0.5", "a 'prefixes', which it does not have"),
    ],
)
def test_what_cannot_be_is_refused_for_going_on_from_an_agent(text: str, says: str) -> None:
    with pytest.raises(AgentError, match="The settings give kickstart ") as refused:
        checked("ppo", text, kickstart=True)
    assert says in str(refused.value)


def test_what_is_meant_is_taken() -> None:
    assert checked("dqn", "buffer_size = 1e5")["buffer_size"] == 100_000
    assert isinstance(checked("dqn", "buffer_size = 1e5")["buffer_size"], int)
    assert checked("ppo", "learning_rate = 1")["learning_rate"] == 1
    assert checked("dqn", "buffer_size = 1000\nn_steps = 3", plain=True)["n_steps"] == 3
    assert checked("dqn", "buffer_size = 1000\ngradient_steps = -1")["gradient_steps"] == -1
    assert checked("dqn", "buffer_size = 1000\nlearning_starts = 0")["learning_starts"] == 0
    assert checked("ppo", "ent_coef = 0\ngamma = 1")["gamma"] == 1
    assert checked("ppo", "batch_size = 1\nnormalize_advantage = false")["batch_size"] == 1
    assert checked("ppo", "opening = 0\nreward_scale = 0.5")["opening"] == 0
    assert checked("ppo", "critic_steps = 1e5\nsoften = 10", kickstart=True)["critic_steps"] == 100_000
    assert checked("dagger", "steered_fraction = 0\nprefixes = 0\nnotes_weight = 0")["steered_fraction"] == 0
    for extractor in ("nature", "impala"):
        assert checked("dagger", f'extractor = "{extractor}"')["extractor"] == extractor


def test_a_run_has_whole_updates() -> None:
    assert steps_per_update({"envs": 16, "n_steps": 128}, PPO) == 2_048
    assert steps_per_update({"envs": 16}, A2C) == 80
    assert steps_per_update({"envs": 8, "train_freq": 4, "n_steps": 1}, DQN) == 32
    assert whole_updates(5_000, 0, 2_048) == 6_144
    assert whole_updates(6_144, 0, 2_048) == 6_144
    assert whole_updates(5_000, 1_000, 2_048) == 5_096, "a run that was begun with others goes on from where it is"
    assert whole_updates(5_000, 6_000, 2_048) == 6_000


def test_what_falls_is_named() -> None:
    settings = {"learning_rate": "linear 1e-4", "clip_range": 0.1, "extractor": "impala"}
    assert falling(settings) == ["learning_rate"]
