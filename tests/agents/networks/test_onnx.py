"""ONNX agents: the same network gives the same scores as in torch, whatever its layout, pixels and batch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from benchmarks.agent_files import onnx_model, onnx_package, zip_of
from onnx import TensorProto as T
from onnx import helper, numpy_helper
from stable_baselines3 import DQN, PPO

from agents.load import player_of
from agents.networks.player import NetworkPlayer
from agents.packages import AgentPackage, AgentRefused, admit_bytes
from agents.packages.pack import pack
from arena.engine.evaluate import play_seeds
from envs.games import GAMES
from envs.rules import Rules, named_rules
from envs.training import TrainingEnv
from tests.contracts.player import PlayerContract

BREAKOUT = GAMES["breakout"]
SHORT = named_rules(BREAKOUT).varied(max_frames=60)
PICTURES = [np.random.default_rng(i).integers(0, 256, (4, 84, 84), np.uint8) for i in range(11)]
MATRIX = np.random.default_rng(0).standard_normal((196, 4)).astype(np.float32) / 100


def expected(pictures: list[np.ndarray]) -> np.ndarray:
    """What `onnx_model` computes, by hand."""
    means = np.stack(pictures).astype(np.float64).reshape(-1, 4, 7, 12, 7, 12).mean(axis=(3, 5))
    result: np.ndarray = means.reshape(len(pictures), -1) @ MATRIX
    return result


def package_of(model: Any, toml: str = "") -> AgentPackage:
    return admit_bytes(zip_of(onnx_package(model, toml)), "x")


def player(model: Any, toml: str = "") -> NetworkPlayer:
    return player_of(package_of(model, toml), BREAKOUT)


@pytest.mark.parametrize("batch", ["any", 1, 3, 16])
def test_scores_are_those_of_the_network(batch: str | int) -> None:
    bot = player(onnx_model(shape=(batch, 4, 84, 84), weights=MATRIX)).bot
    np.testing.assert_allclose(bot.scores(PICTURES), expected(PICTURES), rtol=1e-4, atol=1e-4)


def test_one_game_is_decided_as_many_are() -> None:
    bot = player(onnx_model(weights=MATRIX)).bot
    together = bot.scores(PICTURES)
    assert all(np.array_equal(bot.scores([picture])[0], row) for picture, row in zip(PICTURES, together, strict=True))


def other_input(layout: str, kind: int) -> Any:
    """The network with its picture's channels last, or with float pixels."""
    model = onnx_model(weights=MATRIX, kind=kind)
    if layout == "nhwc":
        model.graph.input[0].CopyFrom(helper.make_tensor_value_info("last", kind, ("batch", 84, 84, 4)))
        model.graph.node.insert(0, helper.make_node("Transpose", ["last"], ["pictures"], perm=[0, 3, 1, 2]))
    return model


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize(
    ("pixels", "kind", "factor"), [("uint8", T.UINT8, 1), ("float", T.FLOAT, 1), ("unit", T.FLOAT, 255)]
)
def test_layouts_and_pixels(layout: str, pixels: str, kind: int, factor: int) -> None:
    toml = f'[onnx]\nlayout = "{layout}"\npixels = "{pixels}"\n'
    members = dict(onnx_package(other_input(layout, kind)))
    members["agent.toml"] = members["agent.toml"].split(b"[onnx]")[0] + toml.encode()
    bot = player_of(admit_bytes(zip_of(members), "x"), BREAKOUT).bot
    np.testing.assert_allclose(bot.scores(PICTURES) * factor, expected(PICTURES), rtol=1e-4, atol=1e-3)


def answering(output: str, row: list[float]) -> NetworkPlayer:
    """A player whose network always answers with `row`."""
    model = onnx_model(weights=np.zeros((196, 4), np.float32))
    model.graph.initializer.append(numpy_helper.from_array(np.array(row, np.float32), "row"))
    model.graph.node[-1].output[0] = "zeros"
    model.graph.node.append(helper.make_node("Add", ["zeros", "row"], ["logits"]))
    members = dict(onnx_package(model))
    members["agent.toml"] = members["agent.toml"].replace(b'"logits"', f'"{output}"'.encode())
    return player_of(admit_bytes(zip_of(members), "x"), BREAKOUT)


def chosen(one: NetworkPlayer, count: int = 2000) -> np.ndarray:
    """How often each output is chosen."""
    one.reset(seed=3, action_set=(0, 1, 3, 4))
    one._preprocessor.starting = False
    scores = one.bot.scores(PICTURES[:1])[0]
    taken = []
    for _ in range(count):
        one._choose(scores)
        taken.append((0, 1, 3, 4).index(one._action))
    return np.bincount(taken, minlength=4) / count


def test_what_is_drawn_and_what_is_taken() -> None:
    shares = [0.1, 0.2, 0.3, 0.4]
    np.testing.assert_allclose(chosen(answering("probabilities", shares)), shares, atol=0.04)
    np.testing.assert_allclose(chosen(answering("logits", list(np.log(shares)))), shares, atol=0.04)
    np.testing.assert_allclose(chosen(answering("values", shares)), [0, 0, 0, 1])


def test_a_network_that_answers_with_nan_forfeits() -> None:
    one = answering("values", [0, 0, 0, 0])
    model = onnx_model(weights=MATRIX)
    model.graph.node[-1].output[0] = "finite"
    model.graph.node.append(helper.make_node("Sub", ["finite", "finite"], ["zero"]))
    model.graph.node.append(helper.make_node("Div", ["zero", "zero"], ["logits"]))
    (recording,) = play_seeds(player(model), named_rules(BREAKOUT).varied(max_frames=60), [1])
    assert recording.end == "failed"
    (recording,) = play_seeds(one, named_rules(BREAKOUT).varied(max_frames=60), [1])
    assert recording.end == "truncated"


def test_one_output_of_several() -> None:
    model = onnx_model(weights=MATRIX)
    model.graph.output.append(helper.make_tensor_value_info("means", T.FLOAT, ("batch", 4, 7, 7)))
    assert player(model).bot.scores(PICTURES).shape == (11, 4)  # only one fits
    model.graph.output.append(helper.make_tensor_value_info("other", T.FLOAT, ("batch", 4)))
    model.graph.node.append(helper.make_node("Identity", ["logits"], ["other"]))
    with pytest.raises(AgentRefused, match=r"output_name.*'logits' float32 \(any, 4\), 'means' float32"):
        package_of(model)
    assert player(model, 'output_name = "logits"\n').bot.scores(PICTURES).shape == (11, 4)


class Exported(torch.nn.Module):
    """A policy as the pages of Stable-Baselines3 export it: PPO's answers with actions, values, log-probabilities."""

    def __init__(self, policy: Any, deterministic: bool = True) -> None:
        super().__init__()
        self.policy, self.deterministic = policy, deterministic

    def forward(self, observation: torch.Tensor) -> Any:
        return self.policy(observation, deterministic=self.deterministic)


class Logits(torch.nn.Module):
    """As our own page exports it."""

    def __init__(self, policy: Any) -> None:
        super().__init__()
        self.policy = policy

    def forward(self, pictures: torch.Tensor) -> Any:
        features = self.policy.extract_features(pictures, self.policy.pi_features_extractor)
        return self.policy.action_net(self.policy.mlp_extractor.forward_actor(features))


def sb3_model(algorithm: type) -> Any:
    more = {"buffer_size": 10} if algorithm is DQN else {"n_steps": 8, "batch_size": 8}
    kwargs = {"features_extractor_kwargs": {"features_dim": 8}}
    made = algorithm("CnnPolicy", TrainingEnv(named_rules(BREAKOUT), 1), seed=1, policy_kwargs=kwargs, **more)
    with torch.no_grad():
        for parameter in made.policy.parameters():
            parameter.mul_(3 if parameter.dim() > 1 else 1)
        if algorithm is DQN:  # so that another action is best on another picture
            made.q_net.q_net[0].bias -= made.q_net(torch.from_numpy(np.stack(PICTURES))).mean(dim=0)
    return made


def exported(module: torch.nn.Module, path: Path, dtype: torch.dtype) -> Path:
    # The newer exporter (dynamo=True) needs another package and can't follow SB3's distributions.
    torch.onnx.export(module.eval(), (torch.zeros(1, 4, 84, 84, dtype=dtype),), path, opset_version=17, dynamo=False)
    return path


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("algorithm", [PPO, DQN])
def test_a_policy_as_sb3s_pages_export_it(algorithm: type, tmp_path: Path) -> None:
    model = sb3_model(algorithm)
    path = exported(Exported(model.policy), tmp_path / "model.onnx", torch.float32)
    with pytest.raises(AgentRefused, match='output = "actions"'):
        pack(path, {"games": ["breakout"]}, {"pixels": "float", "output": "logits"})
    package = pack(path, {"games": ["breakout"]}, {"pixels": "float", "output": "actions"})
    theirs, _ = model.predict(np.stack(PICTURES), deterministic=True)
    ours = player_of(package, BREAKOUT).bot.scores(PICTURES)
    assert np.array_equal(ours.argmax(axis=1), theirs)
    assert len(set(theirs)) > 1
    assert [recording.end for recording in play_seeds(player_of(package, BREAKOUT), SHORT, [1])] == ["truncated"]


@pytest.mark.filterwarnings("ignore")
def test_a_policy_as_our_page_exports_it(tmp_path: Path) -> None:
    model = sb3_model(PPO)
    path = exported(Logits(model.policy), tmp_path / "model.onnx", torch.uint8)
    package = pack(path, {"games": ["breakout"]}, {"pixels": "uint8", "output": "logits"})
    scores = player_of(package, BREAKOUT).bot.scores(PICTURES)
    ours = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    with torch.no_grad():
        theirs = model.policy.get_distribution(torch.from_numpy(np.stack(PICTURES))).distribution.logits.numpy()
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.filterwarnings("ignore")
def test_a_policy_that_draws_its_own_actions(tmp_path: Path) -> None:
    path = exported(Exported(sb3_model(PPO).policy, deterministic=False), tmp_path / "model.onnx", torch.float32)
    with pytest.raises(AgentRefused, match=r"draws random numbers.*deterministic=True") as caught:
        pack(path, {"games": ["breakout"]}, {"pixels": "float", "output": "actions"})
    assert caught.value.code == "onnx-operator"


def test_an_action_that_there_is_not() -> None:
    model = onnx_model(weights=np.zeros((196, 4), np.float32))
    model.graph.initializer.append(numpy_helper.from_array(np.array([0], np.int64), "axes"))
    model.graph.initializer.append(numpy_helper.from_array(np.array(9, np.int64), "nine"))
    model.graph.node[-1].output[0] = "zeros"
    model.graph.node.append(helper.make_node("ArgMax", ["zeros"], ["best"], axis=1, keepdims=0))
    model.graph.node.append(helper.make_node("Add", ["best", "nine"], ["logits"]))
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("logits", T.INT64, ("batch",)))
    members = dict(onnx_package(model))
    members["agent.toml"] = members["agent.toml"].replace(b'"logits"', b'"actions"')
    with pytest.raises(AgentRefused, match="chose action 9; there are 0 to 3"):
        player_of(admit_bytes(zip_of(members), "x"), BREAKOUT)


@pytest.mark.parametrize("shape", [("batch", 51), ("batch", 4, 51)])
def test_a_distribution_for_each_action(shape: tuple[Any, ...]) -> None:
    model = onnx_model(weights=MATRIX)
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("logits", T.FLOAT, shape))
    with pytest.raises(AgentRefused, match=r"C51.*export their means"):
        package_of(model)


def test_a_recurrent_network() -> None:
    model = onnx_model(weights=MATRIX)
    model.graph.node.append(helper.make_node("LSTM", ["logits", "w", "r"], ["y"], hidden_size=4))
    with pytest.raises(AgentRefused, match=r"recurrent \(an LSTM\).*without a state"):
        package_of(model)


def test_a_graph_that_does_not_hold_together() -> None:
    """It has everything that admission asks for, and onnxruntime can't run it."""
    model = onnx_model(weights=MATRIX[:100])
    with pytest.raises(AgentRefused, match="onnxruntime can't run") as caught:
        player(model)
    assert caught.value.code == "load-failed"


def test_an_input_that_its_batch_does_not_fit() -> None:
    """A batch of any size, says the input; the operators want one."""
    model = onnx_model(weights=MATRIX)
    model.graph.initializer.append(numpy_helper.from_array(np.array([1, 196]), "shape"))
    model.graph.node[2].CopyFrom(helper.make_node("Reshape", ["means", "shape"], ["flat"]))
    with pytest.raises(AgentRefused) as caught:
        player(model)
    assert caught.value.code == "load-failed"


def test_weights_in_every_place_that_onnx_has() -> None:
    """Our reader finds the same numbers as the library's, however they are spelled."""
    ways: list[Callable[[np.ndarray], Any]] = [
        lambda m: numpy_helper.from_array(m, "matrix"),
        lambda m: helper.make_tensor("matrix", T.FLOAT, m.shape, m.ravel()),
    ]
    for make in ways:
        model = onnx_model(weights=MATRIX)
        model.graph.initializer[0].CopyFrom(make(MATRIX))
        onnx.checker.check_model(model)
        np.testing.assert_allclose(player(model).bot.scores(PICTURES), expected(PICTURES), rtol=1e-4, atol=1e-4)


class TestOnnxPlayer(PlayerContract):
    def make_player(self, rules: Rules) -> NetworkPlayer:
        return player(onnx_model(weights=MATRIX))
