"""PPO that goes on from a policy: the critic first, then held near the start, then PPO as it always is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.policies import ActorCriticCnnPolicy
from torch.nn.functional import kl_div

from agents.training.fast import FastActorCriticPolicy, fast_policy_kwargs, save_plain
from agents.training.impala import ImpalaCNN
from agents.training.kickstart import Kickstart
from envs.rules import named_rules
from envs.training import TrainingEnv

FAST = (FastActorCriticPolicy, fast_policy_kwargs(half=False))
FAST[1]["features_extractor_kwargs"]["features_dim"] = 16
IMPALA = (
    ActorCriticCnnPolicy,
    {"features_extractor_class": ImpalaCNN, "features_extractor_kwargs": {"features_dim": 16}, "net_arch": []},
)
PICTURES = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (8, 4, 84, 84), dtype=np.uint8))


def learner(kind: type[PPO] = Kickstart, network: Any = FAST, steps: int = 32, **settings: Any) -> PPO:
    """A learner after `steps` steps in two games of Breakout."""
    env = TrainingEnv(named_rules("breakout"), 2, seed=0, threads=1)
    policy, policy_kwargs = network
    common = {"n_steps": 16, "batch_size": 16, "n_epochs": 2, "learning_rate": 1e-3, "seed": 0, "device": "cpu"}
    model = kind(policy, env, policy_kwargs=policy_kwargs, **common | settings)
    return model.learn(steps)


def log_probs(model: PPO) -> torch.Tensor:
    policy: Any = model.policy
    with torch.no_grad():
        out: torch.Tensor = policy.get_distribution(PICTURES).distribution.logits.log_softmax(dim=1)
    return out


def distance(model: Kickstart) -> float:
    """Divergence from the policy at the start, in nats."""
    start = model._reference_log_probs(PICTURES)
    return float(kl_div(log_probs(model), start, log_target=True, reduction="batchmean"))


@pytest.mark.parametrize("settings", [{}, {"clip_range_vf": 0.05, "target_kl": 1e-4, "normalize_advantage": False}])
def test_without_critic_steps_and_penalty_it_is_ppo(settings: Any) -> None:
    mine = learner(critic_steps=0, kl_coef=0.0, ent_coef=0.01, steps=64, **settings).policy.state_dict()
    theirs = learner(PPO, ent_coef=0.01, steps=64, **settings).policy.state_dict()
    for name, tensor in theirs.items():
        torch.testing.assert_close(mine[name], tensor, rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize("network", [FAST, IMPALA])
def test_at_first_the_critic_learns_alone(network: Any) -> None:
    before = learner(network=network, steps=0, critic_steps=64)
    model = learner(network=network, steps=64, critic_steps=64)
    after = model.policy.state_dict()
    changed = {name for name, tensor in before.policy.state_dict().items() if not torch.equal(tensor, after[name])}
    assert changed == {"value_net.weight", "value_net.bias"}
    taught = log_probs(model)
    model.learn(32, reset_num_timesteps=False)
    assert not torch.equal(log_probs(model), taught)


def test_the_penalty_holds_the_policy_near_its_start() -> None:
    away: dict[str, Any] = {"critic_steps": 0, "kl_fraction": 100.0, "ent_coef": -1.0, "steps": 128}
    free, held = (learner(kl_coef=coef, **away) for coef in (0.0, 10.0))
    assert 0 < distance(held) < distance(free) / 3, "the start stays what it was while the policy learns"


def test_the_penalty_falls_to_zero() -> None:
    model = learner(steps=0, kl_coef=0.2, kl_fraction=0.5)
    weights = []
    for remaining in (1.0, 0.75, 0.5, 0.1):
        model._current_progress_remaining = remaining
        weights.append(model._kl_coef())
    assert weights == pytest.approx([0.2, 0.1, 0.0, 0.0])


def test_it_begins_with_the_policy_of_the_moment_and_a_critic_that_expects_nothing() -> None:
    model = learner(critic_steps=0)
    assert distance(model) > 0
    before = log_probs(model)
    model.begin()
    assert distance(model) == pytest.approx(0, abs=1e-6)
    assert torch.equal(log_probs(model), before)
    assert model.policy.predict_values(PICTURES).abs().max() == 0


def test_plain_sb3_loads_what_was_learned(tmp_path: Path) -> None:
    model = learner(critic_steps=0)
    save_plain(model, tmp_path / "model.zip")
    plain = PPO.load(tmp_path / "model.zip", device="cpu")
    assert type(plain.policy) is ActorCriticCnnPolicy
    torch.testing.assert_close(log_probs(plain), log_probs(model), rtol=1e-4, atol=1e-5)
    assert not hasattr(plain, "reference")
