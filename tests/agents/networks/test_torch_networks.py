"""Our networks against SB3's own policies: same numbers for the same weights."""

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from sb3_contrib import QRDQN
from stable_baselines3 import A2C, DQN, PPO

from agents.networks.torch_networks import build_network, playing_weights
from envs.errors import AgentError


class Still(gymnasium.Env[np.ndarray, np.int64]):
    """A game that is only its spaces."""

    observation_space = spaces.Box(0, 255, (4, 84, 84), np.uint8)
    action_space = spaces.Discrete(9)  # type: ignore[assignment]


def model_of(algorithm: type) -> PPO:
    more = {"buffer_size": 10} if algorithm in (DQN, QRDQN) else {}
    return algorithm("CnnPolicy", Still(), seed=1, device="cpu", **more)


@pytest.fixture(scope="module")
def observations() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (5, 4, 84, 84), dtype=np.uint8))


def scores_by_sb3(model: PPO, observations: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        if isinstance(model, DQN):
            return model.q_net(observations)
        if isinstance(model, QRDQN):
            return model.policy.quantile_net(observations).mean(dim=1)
        return model.policy.get_distribution(observations).distribution.logits


@pytest.mark.parametrize("algorithm", [PPO, A2C, DQN, QRDQN])
def test_scores_are_those_of_sb3(algorithm: type, observations: torch.Tensor) -> None:
    model = model_of(algorithm)
    ours = build_network(model.policy.state_dict(), 9)(observations)
    theirs = scores_by_sb3(model, observations)
    assert ours.shape == (5, 9)
    if algorithm in (PPO, A2C):  # SB3 normalises the logits
        ours = torch.log_softmax(ours, dim=1)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("algorithm", [PPO, DQN, QRDQN])
def test_half_precision_weights_are_enough_and_small(algorithm: type, observations: torch.Tensor) -> None:
    state = model_of(algorithm).policy.state_dict()
    half = playing_weights(state)
    assert {t.dtype for t in half.values()} == {torch.float16}
    assert sum(t.numel() * 2 for t in half.values()) < 6 * 2**20
    torch.testing.assert_close(
        build_network(half, 9)(observations), build_network(state, 9)(observations), rtol=1e-2, atol=1e-3
    )


def test_a_changed_weight_changes_the_scores(observations: torch.Tensor) -> None:
    state = dict(model_of(PPO).policy.state_dict())
    before = build_network(state, 9)(observations)
    state["action_net.bias"] = state["action_net.bias"] + 1
    assert (build_network(state, 9)(observations) != before).all()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("action_net.weight", None, "none of action_net"),
        ("features_extractor.cnn.2.bias", None, r"lack features_extractor\.cnn\.2\.bias"),
        ("features_extractor.cnn.0.weight", torch.zeros(32, 3, 8), "must have the shape"),
        ("features_extractor.cnn.0.weight", torch.zeros(32, 4, 8, 8, dtype=torch.int64), "must hold floats"),
        ("features_extractor.linear.0.bias", torch.full((512,), torch.nan), "not finite"),
        ("features_extractor.linear.0.weight", torch.zeros(3), "must have the shape"),
    ],
)
def test_wrong_weights_are_refused(name: str, value: torch.Tensor | None, says: str) -> None:
    state = dict(model_of(PPO).policy.state_dict())
    if value is None:
        del state[name]
    else:
        state[name] = value
    with pytest.raises(AgentError, match=says):
        build_network(state, 9)


def test_another_number_of_actions_is_refused() -> None:
    with pytest.raises(AgentError, match="decides between 9 actions; the game has 4"):
        build_network(model_of(PPO).policy.state_dict(), 4)


@pytest.mark.parametrize("algorithm", [PPO, DQN, QRDQN])
def test_weights_alone_do_not_tell_the_activation_of_hidden_layers(algorithm: type) -> None:
    more = {"buffer_size": 10} if algorithm in (DQN, QRDQN) else {}
    model = algorithm("CnnPolicy", Still(), device="cpu", policy_kwargs={"net_arch": [512]}, **more)
    with pytest.raises(AgentError, match="hidden layers"):
        playing_weights(model.policy.state_dict())
