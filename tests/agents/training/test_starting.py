"""Which agents a training run can go on from, and what the others are told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks.agent_files import TOML, onnx_model, onnx_package, package, sb3_zip, tensors, zip_of

from agents.load import find_agent_file, house_bots
from agents.packages import admit
from agents.training.starting import starting_agent
from envs.errors import AgentError
from envs.games import GAMES

BREAKOUT = GAMES["breakout"]
ZEROS = np.zeros(8, np.float32)


def values() -> dict[str, np.ndarray]:
    """The tensors of a small DQN."""
    policy = tensors()
    head = {f"q_net.q_net.0.{part}": policy[f"action_net.{part}"] for part in ("weight", "bias")}
    return head | {f"q_net.{name}": tensor for name, tensor in policy.items() if name.startswith("features_")}


def hidden() -> dict[str, np.ndarray]:
    """The tensors of a small PPO policy with a hidden layer."""
    more = {}
    for net in ("policy_net", "value_net"):
        more[f"mlp_extractor.{net}.0.weight"] = np.eye(8, dtype=np.float32)
        more[f"mlp_extractor.{net}.0.bias"] = np.zeros(8, np.float32)
    return tensors() | more


@pytest.mark.parametrize("bot", house_bots())
def test_every_house_bot_is_a_start(bot: str) -> None:
    game = GAMES[bot.rpartition("-")[0]]
    start = starting_agent(bot, game, admit(find_agent_file(bot)).frame_skip_in(game))
    assert start.name == bot
    assert start.architecture.features == 512
    assert {name.split(".")[0] for name in start.weights} == {"features_extractor", "action_net"}


def test_an_sb3_zip_is_a_start(tmp_path: Path) -> None:
    (tmp_path / "mine.zip").write_bytes(zip_of(sb3_zip()))
    start = starting_agent(str(tmp_path / "mine.zip"), BREAKOUT, 4)
    assert start.architecture.features == 8
    assert np.array_equal(start.weights["action_net.weight"], tensors()["action_net.weight"])


def test_softened_logits_are_divided() -> None:
    start = starting_agent("breakout-taught", BREAKOUT, 4)
    hidden = torch.rand(5, 512)

    def logits(weights: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return torch.nn.functional.linear(hidden, weights["action_net.weight"], weights["action_net.bias"])

    softened = start.softened(10)
    torch.testing.assert_close(logits(softened), logits(start.weights) / 10)
    assert torch.equal(softened["features_extractor.cnn.0.weight"], start.weights["features_extractor.cnn.0.weight"])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (zip_of(onnx_package(onnx_model())), "holds an ONNX network, which can't be trained further; let a pupil"),
        (zip_of(package(numbers=values())), "holds the values of DQN or QR-DQN, where a policy is needed; let a pupil"),
        (zip_of(package(TOML.replace("breakout", "pong"))), "trained for pong, not for breakout"),
        (zip_of(package(TOML + "frame_skip = 2\n")), "frame skip 2; go on with --frame-skip 2"),
        (zip_of(package(TOML + 'preprocessing = "sb3-wrappers-84"\n')), "with preprocessing sb3-wrappers-84, frame"),
        (zip_of(package(TOML + "stack = 2\n", tensors(stack=2))), "and stack 2; training here has"),
        (zip_of(package(TOML.replace("1, 3, 4", "1, 4, 3"))), r"action set (0, 1, 4, 3), training here (0, 1, 3, 4)"),
        (zip_of(package(TOML.replace(", 4]", "]"), tensors(actions=3))), r"action set (0, 1, 3), training here"),
        (
            zip_of(package(numbers=tensors() | {"mlp_extractor.0.weight": np.zeros((8, 8), np.float32)})),
            "a layer that the arena doesn't know, 'mlp_extractor.0.weight'",
        ),
        (zip_of(package(numbers=hidden())), "has hidden layers (of 8) behind its features, training here none; let a"),
        (zip_of(package(TOML + '[sb3]\npixels = "raw"\n')), "takes pixels from 0 to 255, training here from 0 to 1;"),
        (b"import torch", "this is a program, not a network"),
    ],
)
def test_what_cannot_be_trained_further_is_told_why(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "agent.zip"
    path.write_bytes(content)
    with pytest.raises(AgentError) as refused:
        starting_agent(str(path), BREAKOUT, 4)
    assert says in str(refused.value)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("agent", "says"),
    [
        ("script:steady", "has no network to train further; let a pupil learn from it with --algo dagger --teacher"),
        ("nobody", "There is no agent 'nobody'"),
        ("", "There is no agent ''"),
        ("pacman-taught", "trained for pacman, not for breakout"),
    ],
)
def test_names_that_are_no_start(agent: str, says: str) -> None:
    with pytest.raises(AgentError) as refused:
        starting_agent(agent, BREAKOUT, 4)
    assert says in str(refused.value)
