"""Figures of training: steps per second against Stable-Baselines3's own way, same algorithm and settings.

SB3's own way is what its documentation shows: `make_atari_env` (one process), `VecFrameStack` and `PPO("CnnPolicy")`,
with the arena's stickiness. Ours is what `scripts/train.py` builds. Both learn PPO with the settings of
rl-baselines3-zoo, and both are timed for whole iterations: collecting 1,024 steps and learning from them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.vec_env import VecEnv, VecFrameStack, VecTransposeImage

from agents.fast import FastActorCriticPolicy, bfloat16_pays, fast_policy_kwargs, tune_process
from agents.replay_buffer import FrameReplayBuffer
from benchmarks.figure import Figure, alternate, median_ratio, spread
from envs.rules import named_rules
from envs.training import TrainingEnv

GAME = "breakout"
ENVS = 8
ROUNDS = 5
STEPS = 128 * ENVS
SETTINGS: dict[str, Any] = {
    "n_steps": 128,
    "batch_size": 256,
    "n_epochs": 4,
    "learning_rate": 2.5e-4,
    "clip_range": 0.1,
    "ent_coef": 0.01,
    "device": "cpu",
    "seed": 0,
}
HOW = f"PPO on {GAME}, {ENVS} games, whole iterations of 1,024 steps, {ROUNDS} alternating rounds after one to warm up"


def run() -> Iterator[Figure]:
    """Yield every figure of this suite."""
    tune_process(torch.get_num_threads())
    half = bfloat16_pays(torch.device("cpu"))
    if half:
        yield _learning("bfloat16", half=True, target=">= 2.5")
    yield _learning("float32", half=False, target=">= 1.5")
    yield _environments()
    yield _memory()


def _learning(name: str, *, half: bool, target: str) -> Figure:
    ours = PPO(FastActorCriticPolicy, _ours(), policy_kwargs=_fast(half), **SETTINGS)
    theirs = PPO("CnnPolicy", _sb3s(), **SETTINGS)
    sides = {"arena": _iterations(ours), "sb3": _iterations(theirs)}
    for warm_up in sides.values():
        warm_up()
    measured = alternate(sides, ROUNDS)
    return Figure(
        f"training steps per second against SB3's own way, {name}",
        median_ratio(measured["arena"], measured["sb3"]),
        target,
        HOW,
        detail={side: spread(values) for side, values in measured.items()},
    )


def _environments() -> Figure:
    sides = {"arena": _stepping(_ours()), "sb3": _stepping(_sb3s())}
    measured = alternate(sides, ROUNDS)
    return Figure(
        "environment steps per second without learning, against SB3's own way",
        median_ratio(measured["arena"], measured["sb3"]),
        ">= 2.0",
        f"random actions on {GAME}, {ENVS} games, 2,000 steps each time, {ROUNDS} alternating rounds",
        detail={side: spread(values) for side, values in measured.items()},
    )


def _memory() -> Figure:
    env = _ours()
    buffer = FrameReplayBuffer(1_000, env.observation_space, env.action_space, "cpu", n_envs=ENVS)  # type: ignore[arg-type]
    kept = buffer.frames.nbytes + buffer.next_frames.nbytes
    theirs = 2 * buffer.buffer_size * ENVS * int(np.prod(env.observation_space.shape or ()))
    return Figure(
        "memory of the replay buffer against SB3's own",
        kept / theirs,
        "<= 0.25",
        "pictures of 1,000 transitions, as DQN and QR-DQN keep them",
        detail={"arena MB per 100,000": kept / 1e4, "sb3 MB per 100,000": theirs / 1e4},
    )


def _fast(half: bool) -> dict[str, Any]:
    return fast_policy_kwargs(half=half) | {"optimizer_kwargs": {"fused": True}}


def _ours() -> TrainingEnv:
    return TrainingEnv(named_rules(GAME), ENVS, threads=torch.get_num_threads())


def _sb3s() -> VecEnv:
    import ale_py
    import gymnasium

    gymnasium.register_envs(ale_py)
    env = make_atari_env(
        "ALE/Breakout-v5", n_envs=ENVS, seed=0, env_kwargs={"frameskip": 1, "repeat_action_probability": 0.25}
    )
    return VecTransposeImage(VecFrameStack(env, 4))


def _iterations(model: PPO) -> Callable[[], float]:
    def measure() -> float:
        begin = time.perf_counter()
        model.learn(STEPS, reset_num_timesteps=False)
        return STEPS / (time.perf_counter() - begin)

    return measure


def _stepping(env: VecEnv) -> Callable[[], float]:
    rng = np.random.default_rng(0)
    env.reset()

    def measure() -> float:
        begin = time.perf_counter()
        for _ in range(2_000 // ENVS):
            env.step(rng.integers(0, 4, size=ENVS))
        return 2_000 / (time.perf_counter() - begin)

    return measure
