"""Figures of training: steps per second against Stable-Baselines3's own way, same algorithm and settings.

SB3's own way is what its documentation shows: `make_atari_env` (all games in one process), `VecFrameStack` and
`PPO("CnnPolicy")`, with the arena's stickiness. Ours is what `scripts/train.py` builds. Both learn PPO with the
settings of rl-baselines3-zoo, each in a process of its own, and take turns: collecting 1,024 steps and learning from
them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from benchmarks.figure import Figure, alternate, median_ratio, spread

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


def run() -> Iterator[Figure]:
    """Yield every figure of this suite."""
    import torch

    from agents.training.fast import bfloat16_pays

    if bfloat16_pays(torch.device("cpu")):
        yield _learning("bfloat16", "fast half", ">= 2.5")
    yield _learning("float32", "fast", ">= 1.5")
    yield _environments()
    yield _memory()


def _learning(name: str, ours: str, target: str) -> Figure:
    measured = _take_turns({"arena": ours, "sb3": "sb3"})
    return Figure(
        f"training steps per second against SB3's own way, {name}",
        median_ratio(measured["arena"]["rate"], measured["sb3"]["rate"]),
        target,
        f"PPO on {GAME}, {ENVS} games, iterations of {STEPS} steps, {ROUNDS} alternating rounds after one to warm up",
        detail={side: spread(values["rate"]) | {"MB": values["MB"][-1]} for side, values in measured.items()},
    )


def _environments() -> Figure:
    measured = _take_turns({"arena": "games", "sb3": "sb3 games"})
    return Figure(
        "environment steps per second without learning, against SB3's own way",
        median_ratio(measured["arena"]["rate"], measured["sb3"]["rate"]),
        ">= 2.0",
        f"random actions on {GAME}, {ENVS} games, {STEPS} steps each time, {ROUNDS} alternating rounds after one",
        detail={side: spread(values["rate"]) for side, values in measured.items()},
    )


def _memory() -> Figure:
    from gymnasium.spaces import Box, Discrete

    from agents.training.replay_buffer import FrameReplayBuffer

    space = Box(0, 255, (4, 84, 84), np.uint8)
    buffer = FrameReplayBuffer(1_000, space, Discrete(4), "cpu", n_envs=ENVS)
    kept = buffer.frames.nbytes + buffer.next_frames.nbytes
    theirs = 2 * buffer.buffer_size * ENVS * int(np.prod(space.shape))
    return Figure(
        "memory of the replay buffer against SB3's own",
        kept / theirs,
        "<= 0.25",
        "pictures of 1,000 transitions, as DQN and QR-DQN keep them",
        detail={"arena MB per 100,000": kept / 1e4, "sb3 MB per 100,000": theirs / 1e4},
    )


def _take_turns(sides: dict[str, str]) -> dict[str, dict[str, list[float]]]:
    """Run each side in a process of its own, one at a time; return its steps per second and its memory in MB."""
    context = get_context("spawn")
    lines: dict[str, Connection] = {}
    for name, what in sides.items():
        lines[name], theirs = context.Pipe()
        context.Process(target=_side, args=(what, theirs), daemon=True).start()

    def ask(name: str) -> tuple[float, float]:
        lines[name].send("go")
        answer: tuple[float, float] = lines[name].recv()
        return answer

    for name in sides:
        ask(name)
    memory: dict[str, list[float]] = {name: [] for name in sides}

    def rate(name: str) -> float:
        per_second, megabytes = ask(name)
        memory[name].append(megabytes)
        return per_second

    measured = alternate({name: (lambda name=name: rate(name)) for name in sides}, ROUNDS)  # type: ignore[misc]
    for line in lines.values():
        line.send("stop")
    return {name: {"rate": measured[name], "MB": memory[name]} for name in sides}


def _side(what: str, line: Connection) -> None:
    """A child process: builds one side, then measures it whenever it is asked to."""
    work = {"games": _stepping, "sb3 games": _stepping}.get(what, _learner)(what)
    while line.recv() == "go":
        begin = time.perf_counter()
        work()
        line.send((STEPS / (time.perf_counter() - begin), _resident_megabytes()))


def _learner(what: str) -> Callable[[], object]:
    import torch
    from stable_baselines3 import PPO

    from agents.training.fast import FastActorCriticPolicy, fast_policy_kwargs, tune_process

    if what == "sb3":
        model = PPO("CnnPolicy", training_games(what), **SETTINGS)
    else:
        tune_process(torch.get_num_threads())
        fast = fast_policy_kwargs(half="half" in what) | {"optimizer_kwargs": {"fused": True}}
        model = PPO(FastActorCriticPolicy, training_games(what), policy_kwargs=fast, **SETTINGS)
    return lambda: model.learn(STEPS, reset_num_timesteps=False)


def _stepping(what: str) -> Callable[[], object]:
    env = training_games(what)
    rng = np.random.default_rng(0)
    env.reset()

    def step() -> None:
        for _ in range(STEPS // ENVS):
            env.step(rng.integers(0, 4, size=ENVS))

    return step


def training_games(what: str, seed: int = 0) -> Any:
    """`ENVS` games: SB3's own way if `what` begins with sb3, else ours."""
    if not what.startswith("sb3"):
        from envs.rules import named_rules
        from envs.training import TrainingEnv

        return TrainingEnv(named_rules(GAME), ENVS, seed=seed)
    import ale_py
    import gymnasium
    from stable_baselines3.common.env_util import make_atari_env
    from stable_baselines3.common.vec_env import VecFrameStack, VecTransposeImage

    gymnasium.register_envs(ale_py)
    settings = {"frameskip": 1, "repeat_action_probability": 0.25}
    return VecTransposeImage(VecFrameStack(make_atari_env("ALE/Breakout-v5", ENVS, seed, env_kwargs=settings), 4))


def _resident_megabytes() -> float:
    """Memory this process holds, as Linux counts it; NaN elsewhere."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        return float("nan")
