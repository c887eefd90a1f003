"""The same agent's whole games, played by SB3's `evaluate_policy` on `make_atari_env`, and by the arena.

    python scripts/benchmarks/sb3_scores.py [--bot breakout-quick] [--games 30] [--noops 30] [--seed 0]

A house bot's weights are put into an SB3 model, saved by SB3, and packed with `--preprocessing sb3-wrappers-84`. Both
play with sticky actions of 0.25 and up to 30 minutes. SB3 begins each game with up to 30 frames of NOOP, the arena
doesn't; `--noops 0` takes that difference away.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecFrameStack

from agents.load import ZOO, player_of
from agents.networks.preprocessing import SB3_WRAPPERS
from agents.packages import AgentPackage, admit
from agents.packages.pack import pack
from agents.packages.package import Sb3Network
from arena.engine.evaluate import play_seeds
from envs.games import Game, find_game
from envs.rules import named_rules

FRAMES = 108_000
"""Thirty minutes, the usual cap."""
GAMES_AT_ONCE = 10


class Spaces(gymnasium.Env[np.ndarray, np.int64]):
    """An environment that is only its spaces."""

    def __init__(self, actions: int) -> None:
        self.observation_space = spaces.Box(0, 255, (4, 84, 84), np.uint8)
        self.action_space = spaces.Discrete(actions)


def as_model(bot: AgentPackage, actions: int) -> PPO:
    """Return an SB3 model with the weights of a package."""
    assert isinstance(bot.network, Sb3Network)
    features = {"features_extractor_kwargs": {"features_dim": bot.network.architecture.features}}
    model = PPO("CnnPolicy", Spaces(actions), n_steps=8, batch_size=8, device="cpu", policy_kwargs=features)
    state = model.policy.state_dict()
    for name, numbers in bot.network.tensors.items():
        for prefix in ("", "pi_", "vf_"):
            if prefix + name in state:
                state[prefix + name] = torch.from_numpy(numbers)
    model.policy.load_state_dict(state)
    return model


def by_sb3(model: PPO, game: Game, games: int, noops: int, seed: int) -> list[float]:
    settings = {"frameskip": 1, "repeat_action_probability": 0.25, "max_num_frames_per_episode": FRAMES}
    wrapped = make_atari_env(
        game.ale_id, n_envs=GAMES_AT_ONCE, seed=seed, env_kwargs=settings, wrapper_kwargs={"noop_max": noops}
    )
    env = VecFrameStack(wrapped, 4)
    scores, _ = evaluate_policy(model, env, games, deterministic=False, return_episode_rewards=True)
    env.close()
    assert isinstance(scores, list)
    return scores


def by_the_arena(model: PPO, game: Game, games: int, seed: int) -> list[float]:
    rules = named_rules(game).varied(max_frames=FRAMES)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.zip"
        model.save(path)
        package = pack(path, {"games": [game.name], "preprocessing": SB3_WRAPPERS}, {})
    return [recording.score for recording in play_seeds(player_of(package, game), rules, range(seed, seed + games))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bot", default="breakout-quick", help="name of a house bot with NatureCNN")
    parser.add_argument("--games", type=int, default=30)
    parser.add_argument("--noops", type=int, default=30, help="SB3's most frames of NOOP before a game; 30")
    parser.add_argument("--seed", type=int, default=0, help="the first game's, for both; 0")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    bot = admit(ZOO / f"{options.bot}.zip")
    game = find_game(bot.games[0])
    model = as_model(bot, len(named_rules(game).action_set))
    for who, scores in (
        ("SB3's evaluate_policy", by_sb3(model, game, options.games, options.noops, options.seed)),
        ("the arena", by_the_arena(model, game, options.games, options.seed)),
    ):
        error = np.std(scores, ddof=1) / len(scores) ** 0.5
        print(f"{who}: mean {np.mean(scores):.1f}, standard error {error:.1f}, {len(scores)} games", flush=True)


if __name__ == "__main__":
    main()
