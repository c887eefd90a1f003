"""SB3 models as people have them: those that can be played score as in SB3, plain and packed; others say why not."""

from __future__ import annotations

import copy
import functools
import json
import operator
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from benchmarks.agent_files import zip_of
from gymnasium import spaces
from sb3_contrib import QRDQN, RecurrentPPO
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.policies import ActorCriticCnnPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, NatureCNN
from torch import nn

from agents.load import player_of
from agents.networks.player import NetworkPlayer
from agents.packages import AgentPackage, AgentRefused, admit
from agents.packages.architecture import ACTIVATIONS
from agents.packages.pack import pack
from agents.training.impala import ImpalaCNN
from envs.games import FULL_ACTION_SET, GAMES
from envs.rules import named_rules

BREAKOUT = GAMES["breakout"]
FEW: dict[str, Any] = {"features_extractor_kwargs": {"features_dim": 8}}


class Spaces(gymnasium.Env[Any, Any]):
    """An environment that is only its spaces."""

    def __init__(self, observation: spaces.Space[Any], action: spaces.Space[Any]) -> None:
        self.observation_space, self.action_space = observation, action


def pictures(stack: int = 4, side: int = 84, high: float = 255, dtype: type = np.uint8, low: float = 0) -> spaces.Box:
    return spaces.Box(low, high, (stack, side, side), dtype)


def model(
    algorithm: type = PPO,
    observation: spaces.Space[Any] | None = None,
    action: spaces.Space[Any] | None = None,
    policy: Any = "CnnPolicy",
    **kwargs: Any,
) -> Any:
    """Return a model with `policy_kwargs` in which every layer counts."""
    more: dict[str, Any] = {"buffer_size": 10} if algorithm in (DQN, QRDQN) else {"n_steps": 8}
    if algorithm in (PPO, RecurrentPPO):
        more["batch_size"] = 8
    env = Spaces(observation or pictures(), action or spaces.Discrete(4))
    copied = copy.deepcopy(kwargs)  # SB3 writes into them
    made = algorithm(policy, env, seed=1, device="cpu", policy_kwargs=copied, **more)
    with torch.no_grad():
        for parameter in made.policy.parameters():
            parameter.mul_(3 if parameter.dim() > 1 else 1).add_(0.01)
    return made


PLAYABLE: dict[str, Callable[[], Any]] = {
    "raw pixels": lambda: model(normalize_images=False, **FEW),
    "floats from 0 to 1": lambda: model(PPO, pictures(high=1, dtype=np.float32), normalize_images=False, **FEW),
    "one hidden layer": lambda: model(net_arch=[16], **FEW),
    "apart for policy and value": lambda: model(
        net_arch={"pi": [16, 12], "vf": [8]}, activation_fn=nn.LeakyReLU, **FEW
    ),
    "only the value has one": lambda: model(net_arch={"pi": [], "vf": [16]}, activation_fn=nn.PReLU, **FEW),
    "A2C": lambda: model(A2C, net_arch=[16], activation_fn=nn.ELU, **FEW),
    "DQN": lambda: model(DQN, net_arch=[16, 12], **FEW),
    "DQN with Tanh": lambda: model(DQN, net_arch=[16], activation_fn=nn.Tanh, **FEW),
    "QR-DQN": lambda: model(QRDQN, net_arch=[16], activation_fn=nn.GELU, n_quantiles=5, **FEW),
    "QR-DQN of all actions": lambda: model(QRDQN, action=spaces.Discrete(18), n_quantiles=20, **FEW),
    "two extractors": lambda: model(share_features_extractor=False, net_arch=[16], **FEW),
    "the arena's own network": lambda: model(features_extractor_class=ImpalaCNN, **FEW),
    "MlpPolicy with NatureCNN": lambda: model(policy="MlpPolicy", features_extractor_class=NatureCNN, **FEW),
    "one picture": lambda: model(PPO, pictures(1), **FEW),
    "two pictures": lambda: model(PPO, pictures(2), **FEW),
    "eight pictures": lambda: model(PPO, pictures(8), **FEW),
    "channels last": lambda: model(PPO, spaces.Box(0, 255, (84, 84, 4), np.uint8), **FEW),
    "all actions": lambda: model(action=spaces.Discrete(18), **FEW),
}


def by_sb3(made: Any, observations: np.ndarray) -> np.ndarray:
    """Return what SB3's policy answers, float32 (n, actions): log-probabilities or values."""
    space = made.policy.observation_space
    tensor = torch.from_numpy(observations)
    if space.dtype == np.float32:
        tensor = tensor.float() / 255
    with torch.no_grad():
        if isinstance(made, DQN):
            return np.asarray(made.policy.q_net(tensor))
        if isinstance(made, QRDQN):
            return np.asarray(made.policy.quantile_net(tensor).mean(dim=1))
        return np.asarray(made.policy.get_distribution(tensor).distribution.logits)


def by_us(package: AgentPackage, observations: np.ndarray) -> np.ndarray:
    scores = player_of(package, BREAKOUT).bot.scores(list(observations))
    if package.draws:
        scores = scores - scores.max(axis=1, keepdims=True)
        scores = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return scores


def assert_the_same(made: Any, path: Path, **said: Any) -> AgentPackage:
    """Check that SB3 and the arena give the same scores, of the plain zip and packed; return the package."""
    made.save(path)
    stack = made.policy.observation_space.shape[0]
    observations = np.random.default_rng(0).integers(0, 256, (3, stack, 84, 84), np.uint8)
    theirs = by_sb3(made, observations)
    assert np.ptp(theirs) > 0.01  # else any network would do
    packed = pack(path, {"games": ["breakout"], **said}, {})
    np.testing.assert_allclose(by_us(packed, observations), theirs, rtol=1e-4, atol=1e-4)
    if not said:
        np.testing.assert_allclose(by_us(admit(path), observations), theirs, rtol=1e-4, atol=1e-4)
    return packed


@pytest.mark.parametrize("make", PLAYABLE.values(), ids=list(PLAYABLE))
def test_scores_are_those_of_sb3(make: Callable[[], Any], tmp_path: Path) -> None:
    assert_the_same(make(), tmp_path / "model.zip")


def test_every_activation(tmp_path: Path) -> None:
    for name in ACTIVATIONS:
        made = model(net_arch=[8], activation_fn=getattr(nn, name), **FEW)
        packed = assert_the_same(made, tmp_path / "model.zip")
        assert f'activation = "{name}"'.encode() in packed.content


@pytest.mark.parametrize("stack", [3, 6])
def test_channels_that_may_be_colours_must_be_said_to_be_grey(stack: int, tmp_path: Path) -> None:
    made = model(PPO, pictures(stack), **FEW)
    made.save(tmp_path / "model.zip")
    with pytest.raises(AgentRefused, match=f"in colour.*arena agent pack FILE --game GAME --stack {stack}") as caught:
        admit(tmp_path / "model.zip")
    assert caught.value.code == "stack-wrong"
    assert assert_the_same(made, tmp_path / "model.zip", stack=stack).stack == stack


def test_another_stack_than_the_network_has(tmp_path: Path) -> None:
    model(PPO, pictures(2), **FEW).save(tmp_path / "model.zip")
    with pytest.raises(AgentRefused, match="takes 2 pictures at once; it would be given 4"):
        pack(tmp_path / "model.zip", {"games": ["breakout"], "stack": 4}, {})


def test_all_actions_become_the_games_own(tmp_path: Path) -> None:
    """RIGHTFIRE is RIGHT in Breakout, UP is nothing; what ALE makes of both is the same there."""
    model(action=spaces.Discrete(18), **FEW).save(tmp_path / "model.zip")
    package = admit(tmp_path / "model.zip")
    assert package.action_set == FULL_ACTION_SET
    player = player_of(package, BREAKOUT)
    player.reset(seed=0, action_set=named_rules(BREAKOUT).action_set)
    assert player._action_set == (0, 1, 0, 3, 4, 0, 3, 4, 3, 4, 1, 3, 4, 1, 3, 4, 3, 4)


def test_a_model_that_torch_compiled(tmp_path: Path) -> None:
    """Older versions of torch save it under other names."""
    made = model(**FEW)
    made.save(tmp_path / "new.zip")
    state = {f"_orig_mod.{name}": tensor for name, tensor in made.policy.state_dict().items()}
    rewritten(tmp_path / "new.zip", tmp_path / "old.zip", state)
    observations = np.random.default_rng(0).integers(0, 256, (3, 4, 84, 84), np.uint8)
    assert np.array_equal(
        by_us(admit(tmp_path / "old.zip"), observations), by_us(admit(tmp_path / "new.zip"), observations)
    )
    rewritten(tmp_path / "new.zip", tmp_path / "both.zip", state | made.policy.state_dict())
    with pytest.raises(AgentRefused, match="same name"):
        admit(tmp_path / "both.zip")


def rewritten(source: Path, target: Path, state: Any) -> None:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        new.writestr("data", old.read("data"))
        with new.open("policy.pth", "w") as file:
            torch.save(state, file)


@pytest.mark.parametrize(
    "value", [Path("logs/ppo"), {"folder": Path("/content/drive/My Drive")}], ids=["path", "nested"]
)
def test_a_path_is_no_code(value: Any, tmp_path: Path) -> None:
    made = model(**FEW)
    made.tensorboard_log = value
    made.save(tmp_path / "model.zip")
    assert admit(tmp_path / "model.zip").actions == 4


def test_data_with_much_that_playing_does_not_need(tmp_path: Path) -> None:
    made = model(**FEW)
    made.history = list(range(200_000))
    made.save(tmp_path / "model.zip")
    with pytest.raises(AgentRefused, match=r"besides pickles.*exclude=\['_last_obs', 'ep_info_buffer'\]") as caught:
        admit(tmp_path / "model.zip")
    assert caught.value.code == "member-too-large"
    made.save(tmp_path / "model.zip", exclude=["_last_obs", "ep_info_buffer", "history"])
    assert admit(tmp_path / "model.zip").actions == 4


@pytest.mark.parametrize(("actions", "says"), [(6, "choose the game that it learned on"), (3, "list your outputs")])
def test_another_number_of_actions(actions: int, says: str, tmp_path: Path) -> None:
    model(action=spaces.Discrete(actions), **FEW).save(tmp_path / "model.zip")
    with pytest.raises(AgentRefused, match=f"between {actions} actions; Breakout has 4.*{says}"):
        admit(tmp_path / "model.zip").check_game(BREAKOUT)


def test_a_file_of_torch(tmp_path: Path) -> None:
    torch.save(model(**FEW).policy.state_dict(), tmp_path / "model.pt")
    with pytest.raises(AgentRefused, match=r"a file of torch.save.*export it as ONNX"):
        admit(tmp_path / "model.pt")


@pytest.mark.parametrize("value", [Path.unlink, [operator.methodcaller("unlink"), Path("model.zip")]])
def test_what_deletes_files_is_no_path(value: Any, tmp_path: Path) -> None:
    made = model(**FEW)
    made.tensorboard_log = value
    made.save(tmp_path / "model.zip")
    with pytest.raises(AgentRefused) as caught:
        admit(tmp_path / "model.zip")
    assert caught.value.code == "code-in-data"


# -- what can't be played --------------------------------------------------------------------------------------------


class Leaky(NatureCNN):
    """A NatureCNN in all names and shapes."""

    def __init__(self, observation_space: spaces.Box, features_dim: int = 8) -> None:
        super().__init__(observation_space, features_dim)
        for i in (1, 3, 5):
            self.cnn[i] = nn.LeakyReLU(0.2)


class WithNorm(BaseFeaturesExtractor):
    def __init__(self, observation_space: spaces.Box, features_dim: int = 8) -> None:
        super().__init__(observation_space, features_dim)
        self.cnn = nn.Sequential(nn.Conv2d(4, 32, 8, 4), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten())
        self.linear = nn.Linear(32 * 20 * 20, features_dim)

    def forward(self, observations: torch.Tensor) -> Any:
        return self.linear(self.cnn(observations))


class OwnPolicy(ActorCriticCnnPolicy):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


UNPLAYABLE: dict[str, tuple[str, str, Callable[[], Any]]] = {
    "recurrent": (
        "network-unknown",
        r"recurrent \(an LSTM\).*train one without a state",
        lambda: model(RecurrentPPO, policy="CnnLstmPolicy", lstm_hidden_size=8, **FEW),
    ),
    "memory": (
        "input-other",
        r"trained on 128 numbers \(the console's memory, perhaps\), not on pictures",
        lambda: model(PPO, spaces.Box(0, 255, (128,), np.uint8), policy="MlpPolicy"),
    ),
    "several inputs": (
        "input-other",
        "several inputs at once",
        lambda: model(PPO, spaces.Dict({"a": pictures(), "b": spaces.Box(0, 1, (3,))}), policy="MultiInputPolicy"),
    ),
    "the whole screen in colour": (
        "input-other",
        "pictures of 105x80 in colour .*84x84 and grey",
        lambda: model(PPO, spaces.Box(0, 255, (105, 80, 3), np.uint8), **FEW),
    ),
    "64x64": ("input-other", "pictures of 64x64 .*84x84 and grey", lambda: model(PPO, pictures(side=64), **FEW)),
    "96x96": ("input-other", "pictures of 96x96 .*84x84 and grey", lambda: model(PPO, pictures(side=96), **FEW)),
    "four pictures in colour": ("input-other", "12 channels.*in colour", lambda: model(PPO, pictures(12), **FEW)),
    "normalised observations": (
        "input-other",
        r"pixels from -10\.0 to 10\.0.*VecNormalize",
        lambda: model(PPO, pictures(low=-10, high=10, dtype=np.float32), normalize_images=False, **FEW),
    ),
    "continuous actions": (
        "network-unknown",
        "actions of the kind 'Box'",
        lambda: model(PPO, action=spaces.Box(-1, 1, (2,)), **FEW),
    ),
    "MlpPolicy": ("network-unknown", "trained with MlpPolicy", lambda: model(policy="MlpPolicy", net_arch=[2])),
    "a leaky copy": (
        "network-unknown",
        "class of its own, .*Leaky.*as ONNX",
        lambda: model(features_extractor_class=Leaky),
    ),
    "batch normalisation": (
        "network-unknown",
        "class of its own, .*WithNorm.*as ONNX",
        lambda: model(features_extractor_class=WithNorm),
    ),
    "a policy of its own": (
        "network-unknown",
        "its policy is a class of its own",
        lambda: model(policy=OwnPolicy, **FEW),
    ),
    "an activation with weights": (
        "layer-unknown",
        r"mlp_extractor\.policy_net\.1\.weight",
        lambda: model(net_arch=[8], activation_fn=nn.PReLU, **FEW),
    ),
    "an activation with arguments": (
        "network-unknown",
        r"functools\.partial.*known are ReLU, LeakyReLU",
        lambda: model(net_arch=[8], activation_fn=functools.partial(nn.LeakyReLU, 0.2), **FEW),
    ),
    "too many hidden layers": ("layer-unknown", "more than 8 hidden layers", lambda: model(net_arch=[4] * 9, **FEW)),
}


@pytest.mark.parametrize("case", UNPLAYABLE.values(), ids=list(UNPLAYABLE))
def test_what_cannot_be_played_says_why(case: tuple[str, str, Callable[[], Any]], tmp_path: Path) -> None:
    code, says, make = case
    make().save(tmp_path / "model.zip")
    with pytest.raises(AgentRefused, match=says) as caught:
        admit(tmp_path / "model.zip")
    assert caught.value.code == code
    with pytest.raises(AgentRefused, match=says):  # packing leads no further
        pack(tmp_path / "model.zip", {"games": ["breakout"]}, {})


# -- `data` of strangers ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], bytes]:
    """`data` and `policy.pth` of a model."""
    path = tmp_path_factory.mktemp("model") / "model.zip"
    model(net_arch=[8], **FEW).save(path)
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("data")), archive.read("policy.pth")


WRONG: dict[str, Any] = {
    "policy_kwargs": ([1], "text", 7, {"normalize_images": "no"}, {"normalize_images": 0}, {"activation_fn": [1]}),
    "observation_space": ("text", {"_shape": "4x84x84"}, {"_shape": [4.0, 84, 84]}, {"_shape": [10**30, 84, 84]},
                          {"_shape": [-4, 84, 84]}, {"_shape": [True, 84, 84]}, {"_shape": [1] * 100}, {":type:": 3}),
    "action_space": ("text", {":type:": ["x"]}),
    "policy_class": ([1], {"__module__": {"a": 1}}, {"__init__": 1}),
}  # fmt: skip


def with_data(data: bytes, policy: bytes) -> bytes:
    return zip_of({"data": data, "policy.pth": policy})


def test_plain_values_of_the_wrong_kind(sound: tuple[dict[str, Any], bytes], tmp_path: Path) -> None:
    data, policy = sound
    path = tmp_path / "model.zip"
    for name, values in WRONG.items():
        for value in values:
            path.write_bytes(with_data(json.dumps(data | {name: value}).encode(), policy))
            with pytest.raises(AgentRefused) as caught:
                admit(path)
            assert caught.value.code == "code-in-data", (name, value)


def test_only_the_weights_say_how_large_a_network_is(sound: tuple[dict[str, Any], bytes], tmp_path: Path) -> None:
    data, policy = sound
    kwargs = {"net_arch": [10**9] * 5, "features_extractor_kwargs": {"features_dim": 10**12}, "n_quantiles": 10**9}
    path = tmp_path / "model.zip"
    path.write_bytes(with_data(json.dumps(data | {"policy_kwargs": kwargs, "gamma": float("nan")}).encode(), policy))
    package = admit(path)
    assert isinstance(player_of(package, BREAKOUT), NetworkPlayer)


def test_the_pickles_are_not_what_is_read(sound: tuple[dict[str, Any], bytes], tmp_path: Path) -> None:
    """A file whose pickles say something else plays as its plain values say."""
    data, policy = sound
    said = {**data["policy_kwargs"], "normalize_images": False} if isinstance(data["policy_kwargs"], dict) else {}
    path = tmp_path / "model.zip"
    path.write_bytes(with_data(json.dumps(data | {"policy_kwargs": said}).encode(), policy))
    network = admit(path).network
    assert network.settings.pixels == "raw"  # type: ignore[union-attr]
