"""Agents trained with Stable-Baselines3: real models, saved by SB3 itself, read without executing anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sb3_contrib import QRDQN
from stable_baselines3 import A2C, DQN, PPO

from agents.load import load_player, player_of
from agents.networks.player import NetworkPlayer
from agents.packages import admit
from agents.packages.package import Sb3Network
from arena.engine.evaluate import play_seeds
from arena.engine.match import Match, RecordingObserver
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


def sb3_player(path: Path) -> NetworkPlayer:
    return player_of(admit(path), GAME)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_tensors_are_those_that_torch_reads(models: dict[str, tuple[Any, Path]], algorithm: str) -> None:
    model, path = models[algorithm]
    state = model.policy.state_dict()
    network = admit(path).network
    assert isinstance(network, Sb3Network)
    assert network.tensors.keys() == state.keys()
    assert all(np.array_equal(network.tensors[name], tensor.numpy()) for name, tensor in state.items())


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_scores_are_those_of_sb3(models: dict[str, tuple[Any, Path]], algorithm: str) -> None:
    model, path = models[algorithm]
    player = sb3_player(path)
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
    player = sb3_player(models["ppo"][1])
    actions = {r.seed: r.actions for r in play_seeds(player, RULES, [1, 2])}
    again = {r.seed: r.actions for r in play_seeds(player, RULES, [1, 2])}
    assert actions == again
    assert actions[1] != actions[2]


def test_an_agent_of_another_game_is_refused(models: dict[str, tuple[Any, Path]]) -> None:
    with pytest.raises(AgentError, match=r"decides between 4 actions; Ms\. Pac-Man has 9"):
        load_player(str(models["dqn"][1]), find_game("ms_pacman"))


def test_a_missing_agent_names_what_there_is() -> None:
    with pytest.raises(AgentError, match="script:basic"):
        load_player("nobody", GAME)
