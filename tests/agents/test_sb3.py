"""Agents trained with Stable-Baselines3: real models, saved by SB3 itself, read without executing anything."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sb3_contrib import QRDQN
from stable_baselines3 import A2C, DQN, PPO

from agents.load import load_player
from agents.sb3 import Sb3Player, load_sb3_player
from agents.weights import read_weights
from arena.evaluate import play_seeds
from arena.match import Match, RecordingObserver
from envs.errors import AgentError
from envs.games import find_game
from envs.rules import named_rules
from envs.training import TrainingEnv
from recordings.recording import Recording

GAME = find_game("breakout")
RULES = named_rules(GAME).varied(max_frames=400)
SMALL: dict[str, dict[str, Any]] = {
    "ppo": {"n_steps": 8, "batch_size": 8},
    "a2c": {},
    "dqn": {"buffer_size": 100},
    "qrdqn": {"buffer_size": 100},
}
ALGORITHMS = {"ppo": PPO, "a2c": A2C, "dqn": DQN, "qrdqn": QRDQN}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, Path]]:
    folder = tmp_path_factory.mktemp("models")
    env = TrainingEnv(named_rules(GAME), 1)
    made = {}
    for name, algorithm in ALGORITHMS.items():
        model = algorithm("CnnPolicy", env, seed=3, device="cpu", **SMALL[name])
        model.save(folder / f"{name}.zip")
        made[name] = (model, folder / f"{name}.zip")
    return made


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_scores_are_those_of_sb3(models: dict[str, tuple[Any, Path]], algorithm: str) -> None:
    model, path = models[algorithm]
    player = load_sb3_player(path, GAME)
    observations = np.random.default_rng(0).integers(0, 256, (11, 4, 84, 84), np.uint8)
    ours = player.bot.scores(list(observations))
    tensor = torch.from_numpy(observations)
    with torch.no_grad():
        if algorithm in ("ppo", "a2c"):
            theirs = model.policy.get_distribution(tensor).distribution.logits
            ours = ours - np.log(np.exp(ours).sum(axis=1, keepdims=True))
        elif algorithm == "dqn":
            theirs = model.policy.q_net(tensor)
        else:
            theirs = model.policy.quantile_net(tensor).mean(dim=1)
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-5)


@pytest.mark.parametrize("algorithm", ["ppo", "qrdqn"])
def test_one_game_alone_is_the_same_as_among_many(models: dict[str, tuple[Any, Path]], algorithm: str) -> None:
    path = str(models[algorithm][1])
    together = {r.seed: r for r in play_seeds(load_player(path, GAME), RULES, range(11))}
    for seed in (0, 4, 10):
        player = load_player(path, GAME)
        alone: list[Recording] = []
        observe = RecordingObserver(RULES, [player], alone.append)
        for turn in Match(RULES, [seed], [player]).play():
            observe(turn)
        assert alone[0].actions == together[seed].actions
        assert alone[0].digest == together[seed].digest


def test_fire_starts_every_round(models: dict[str, tuple[Any, Path]]) -> None:
    for recording in play_seeds(load_player(str(models["ppo"][1]), GAME), RULES, range(2)):
        assert recording.actions[:8] == bytes([1] * 8)


def test_the_players_seed_decides_what_a_policy_draws(models: dict[str, tuple[Any, Path]]) -> None:
    player = load_sb3_player(models["ppo"][1], GAME)
    actions = {r.seed: r.actions for r in play_seeds(player, RULES, [1, 2])}
    again = {r.seed: r.actions for r in play_seeds(player, RULES, [1, 2])}
    assert actions == again
    assert actions[1] != actions[2]


class Canary:
    """Its unpickling creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def _with_member(source: Path, target: Path, name: str, content: bytes) -> Path:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.infolist():
            new.writestr(member.filename, content if member.filename == name else old.read(member))
    return target


def test_code_in_data_is_not_run(models: dict[str, tuple[Any, Path]], tmp_path: Path) -> None:
    hostile = pickle.dumps(Canary(tmp_path / "canary"))
    path = _with_member(models["ppo"][1], tmp_path / "agent.zip", "data", hostile)
    assert isinstance(load_sb3_player(path, GAME), Sb3Player)
    assert not (tmp_path / "canary").exists()


def test_code_in_the_weights_is_refused(models: dict[str, tuple[Any, Path]], tmp_path: Path) -> None:
    buffer = io.BytesIO()
    torch.save({"action_net.weight": Canary(tmp_path / "canary")}, buffer)
    path = _with_member(models["ppo"][1], tmp_path / "agent.zip", "policy.pth", buffer.getvalue())
    with pytest.raises(AgentError, match="more than torch writes"):
        read_weights(path)
    assert not (tmp_path / "canary").exists()


def _altered(source: Path, target: Path, change: Any) -> Path:
    tensors = dict(read_weights(source).tensors)
    change(tensors)
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    return _with_member(source, target, "policy.pth", buffer.getvalue())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.__setitem__("action_net.bias", torch.full((4,), torch.nan)), "NaN"),
        (lambda t: t.__setitem__("huge", torch.zeros(1).expand(10**12)), "more than 16,000,000 numbers"),
        (lambda t: t.__setitem__("whole", torch.zeros(3, dtype=torch.int64)), "floating-point"),
        (lambda t: t.pop("features_extractor.cnn.0.weight"), "lack"),
        (lambda t: t.clear(), "named tensors"),
    ],
)  # fmt: skip
def test_weights_that_do_not_fit_are_refused(
    models: dict[str, tuple[Any, Path]], tmp_path: Path, change: Any, message: str
) -> None:
    path = _altered(models["ppo"][1], tmp_path / "agent.zip", change)
    with pytest.raises(AgentError, match=message):
        load_sb3_player(path, GAME)


def test_an_agent_of_another_game_is_refused(models: dict[str, tuple[Any, Path]]) -> None:
    with pytest.raises(AgentError, match="decides between 4 actions; the game has 9"):
        load_sb3_player(models["dqn"][1], find_game("ms_pacman"))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no zip at all", pickle.dumps({"a": 1})])
def test_what_is_no_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "agent.zip"
    path.write_bytes(content)
    with pytest.raises(AgentError, match="neither an agent package nor"):
        read_weights(path)


def test_a_missing_agent_names_what_there_is() -> None:
    with pytest.raises(AgentError, match="script:basic"):
        load_player("nobody", GAME)
