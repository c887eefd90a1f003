"""The fast policy against SB3's own: the same function of the same weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sb3_contrib import QRDQN
from stable_baselines3 import DQN, PPO

from agents.training.fast import FastActorCriticPolicy, FastNatureCNN, fast_policy_kwargs, save_plain
from envs.rules import named_rules
from envs.training import TrainingEnv


@pytest.fixture(scope="module")
def env() -> TrainingEnv:
    return TrainingEnv(named_rules("breakout"), 2, threads=1)


def fast_model(algorithm: type, env: TrainingEnv, *, half: bool) -> PPO:
    policy = FastActorCriticPolicy if algorithm is PPO else "CnnPolicy"
    more = {} if algorithm is PPO else {"buffer_size": 20}
    return algorithm(policy, env, seed=1, device="cpu", policy_kwargs=fast_policy_kwargs(half=half), **more)


def outputs(model: PPO, pictures: np.ndarray) -> torch.Tensor:
    observations = torch.from_numpy(pictures)
    with torch.no_grad():
        if isinstance(model, PPO):
            values, log_prob, _ = model.policy.evaluate_actions(observations, torch.zeros(len(pictures)))
            return torch.cat([values.flatten(), log_prob])
        return model.q_net(observations) if isinstance(model, DQN) else model.quantile_net(observations)


@pytest.mark.parametrize("algorithm", [PPO, DQN, QRDQN])
@pytest.mark.parametrize(("half", "off"), [(False, 1e-5), (True, 0.02)])
def test_plain_sb3_loads_what_was_learned_fast(
    algorithm: type, half: bool, off: float, env: TrainingEnv, tmp_path: Path
) -> None:
    model = fast_model(algorithm, env, half=half)
    save_plain(model, tmp_path / "model.zip")
    plain = algorithm.load(tmp_path / "model.zip", device="cpu")
    assert "agents" not in type(plain.policy).__module__
    assert model.policy_kwargs["net_arch"] == []  # the model itself stays what it was
    pictures = np.random.default_rng(0).integers(0, 256, (3, 4, 84, 84), dtype=np.uint8)
    mine, theirs = outputs(model, pictures), outputs(plain, pictures)
    torch.testing.assert_close(mine, theirs, rtol=off, atol=off)
    assert half == bool((mine != theirs).any() and not torch.allclose(mine, theirs, rtol=1e-5, atol=1e-6))


def test_the_same_seed_begins_with_the_same_weights_as_plain_sb3(env: TrainingEnv) -> None:
    fast = fast_model(PPO, env, half=True).policy.state_dict()
    plain = PPO("CnnPolicy", env, seed=1, device="cpu").policy.state_dict()
    assert fast.keys() == plain.keys()
    assert all(torch.equal(fast[name], plain[name]) for name in fast)


def test_held_weights_are_used_until_they_change(env: TrainingEnv) -> None:
    model = fast_model(PPO, env, half=True)
    policy = model.policy
    pictures = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 4, 84, 84), dtype=np.uint8))

    def values() -> torch.Tensor:
        with torch.no_grad():
            return policy.predict_values(pictures)

    def change() -> None:
        with torch.no_grad():
            for weights in policy.parameters():
                weights.data.mul_(0.5)

    policy.set_training_mode(True)
    before = values()
    policy.set_training_mode(False)
    assert torch.equal(values(), before)
    assert torch.equal(policy.predict_values(pictures).detach(), before), "with gradients it learns what it plays"
    policy.set_training_mode(True)
    change()
    changed = values()
    assert not torch.equal(changed, before)
    policy.set_training_mode(False)
    assert torch.equal(values(), changed)
    change()  # what nobody does between set_training_mode(False) and (True)
    with torch.no_grad():
        held = policy.features_extractor(pictures)
    assert not torch.equal(held, policy.features_extractor(pictures)), "nothing was held"
    model.set_parameters(model.get_parameters(), device="cpu")
    with torch.no_grad():
        current = policy.features_extractor(pictures)
    assert torch.equal(current, policy.features_extractor(pictures)), "loaded weights are not the held ones"


def test_holding_weights_changes_nothing_that_is_learned(env: TrainingEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    def learned() -> dict[str, torch.Tensor]:
        settings = {"n_steps": 16, "batch_size": 16, "n_epochs": 2}
        kwargs = fast_policy_kwargs(half=True)
        model = PPO(FastActorCriticPolicy, env, seed=1, device="cpu", policy_kwargs=kwargs, **settings)
        return model.learn(96).policy.state_dict()

    held = learned()
    monkeypatch.setattr(FastNatureCNN, "hold", lambda *_: None)
    assert all(torch.equal(weights, held[name]) for name, weights in learned().items())
