"""Whether learning is worse here than with Stable-Baselines3's own way: scores after the same number of steps.

Run it with `python scripts/benchmark.py learning --steps 300000`; hours on a small machine, so every finished run is
kept in a file beside the figures (`learning-runs.jsonl`), and the same command goes on after the last of them.

Both sides learn PPO with the settings of rl-baselines3-zoo (schedules falling to zero at the end), three seeds each.
As many runs as the machine has cores go on at once, each on one thread of a process of its own, ours beside SB3's: what
slows the machine down hits both. Then every policy plays whole games by the arena's engine, under its rules, on the
same practice seeds.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figure import Figure
from benchmarks.train import GAME, SETTINGS, training_games

STEPS = 300_000
SEEDS = (0, 1, 2)
SIDES = ("arena", "sb3")
EPISODES = 30
CURVE_STEP = 20_000
FIRST_SEED = 2_000
HUMAN = 31.8
"""Mnih et al. 2015, 5 minutes, no sticky actions."""


def run(kept: Path, steps: int = STEPS, seeds: tuple[int, ...] = SEEDS, episodes: int = EPISODES) -> Iterator[Figure]:
    """Yield the figures of this suite.

    Args:
        kept: file of the finished runs, one JSON line each; what is there of the same length isn't run again.
    """
    length = {"steps": steps, "episodes": episodes}
    wanted = [{"side": side, "seed": seed} | length for seed in seeds for side in SIDES]
    finished = _kept_and_learned(kept, wanted)
    runs = {side: [one for one in finished if one["side"] == side] for side in SIDES}
    scores = {side: [one["score"] for one in done] for side, done in runs.items()}
    how = f"PPO on {GAME}, {steps:,} steps, seeds {', '.join(map(str, seeds))}; then {episodes} whole games each"
    detail: dict[str, Any] = {side: {"runs": done, "interval": _interval(scores[side])} for side, done in runs.items()}
    detail["ours less SB3's"] = _difference(scores["arena"], scores["sb3"])
    name = "score after learning, less the low end of SB3's interval"
    yield Figure(name, _mean(scores["arena"]) - _interval(scores["sb3"])[0], ">= 0", how, detail=detail)
    for what in ("seconds", "processor seconds"):
        took = {side: statistics.median(one[what] for one in done) for side, done in runs.items()}
        yield Figure(
            f"{what} of learning: SB3's own way against ours", took["sb3"] / took["arena"], ">= 1.5", how, detail=took
        )


def _kept_and_learned(kept: Path, wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the runs in the order of `wanted`: from the file if they are there; else they are done and added to it."""
    lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
    finished: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def found(asked: dict[str, Any]) -> dict[str, Any] | None:
        return next((one for one in finished if asked.items() <= one.items()), None)

    missing = [asked for asked in wanted if found(asked) is None]
    if missing:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), max_tasks_per_child=1) as pool:
            waiting = {pool.submit(_learn, **asked): asked for asked in missing}
            for future in as_completed(waiting):
                finished.append(waiting[future] | future.result())
                line = json.dumps(finished[-1])
                with kept.open("a", encoding="utf-8") as file:
                    file.write(line + "\n")
                print(line, flush=True)
    return [run for asked in wanted if (run := found(asked)) is not None]


def _learn(side: str, seed: int, steps: int, episodes: int) -> dict[str, Any]:
    """Train one policy and let it play; return its mean score, what training took by the wall's clock and in processor
    time (which a busy machine or a pause doesn't lengthen), and the seconds until the mean of 100 games in training was
    that of the reference human (None if it never was), and that mean every `CURVE_STEP` steps."""
    import torch
    from stable_baselines3 import PPO

    from agents.training.fast import FastActorCriticPolicy, bfloat16_pays, fast_policy_kwargs, tune_process
    from agents.training.runs import commit

    torch.set_num_threads(1)
    settings = SETTINGS | {"learning_rate": _falling(2.5e-4), "clip_range": _falling(0.1), "seed": seed}
    games = training_games(side, seed)
    if side == "sb3":
        model = PPO("CnnPolicy", games, **settings)
    else:
        tune_process(1)
        fast = fast_policy_kwargs(half=bfloat16_pays(torch.device("cpu")))
        fast["optimizer_kwargs"] = {"fused": True, "eps": 1e-5}
        model = PPO(FastActorCriticPolicy, games, policy_kwargs=fast, **settings)
    latest: deque[float] = deque(maxlen=100)
    reached: list[float] = []
    curve: list[list[float]] = []
    began, computed = time.perf_counter(), time.process_time()

    def watch(local: dict[str, Any], _global: dict[str, Any]) -> bool:
        latest.extend(info["episode"]["r"] for info in local["infos"] if "episode" in info)
        if not reached and len(latest) == 100 and np.mean(latest) > HUMAN:
            reached.append(time.perf_counter() - began)
        if model.num_timesteps >= (len(curve) + 1) * CURVE_STEP and latest:
            curve.append([model.num_timesteps, round(_mean(latest), 2)])
        return True

    model.learn(steps, watch)
    return {
        "seconds": time.perf_counter() - began,
        "processor seconds": time.process_time() - computed,
        "seconds to the human's score": reached[0] if reached else None,
        "curve": curve,
        "commit": commit(),
        "score": _mean(_played(model.policy.state_dict(), episodes)),
    }


def _played(state: dict[str, Any], episodes: int) -> list[int]:
    from agents.networks.player import NetworkPlayer
    from agents.networks.sb3 import Sb3Bot
    from agents.networks.torch_networks import build_network, playing_weights
    from agents.player import Kind, PlayerInfo
    from arena.engine.evaluate import play_seeds
    from arena.engine.seeds import practice_seeds
    from envs.games import find_game
    from envs.rules import named_rules

    game, rules = find_game(GAME), named_rules(GAME)
    network = build_network(playing_weights(state), len(rules.action_set))
    player = NetworkPlayer(PlayerInfo("measured", Kind.BOT), Sb3Bot(network, draws=True, fires=game.fires))
    return [recording.score for recording in play_seeds(player, rules, practice_seeds(episodes, FIRST_SEED))]


def _falling(start: float) -> Callable[[float], float]:
    return lambda remaining: remaining * start


def _mean(values: Sequence[Any]) -> float:
    return float(np.mean(values))


def _interval(values: list[float]) -> tuple[float, float]:
    """95 % interval of the mean of a few runs, by Student's t; without one, the value itself."""
    if len(values) < 2:
        return values[0], values[0]
    from scipy.stats import t

    half = float(t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / len(values) ** 0.5
    return _mean(values) - half, _mean(values) + half


def _difference(ours: list[float], theirs: list[float]) -> dict[str, Any]:
    """The difference of the means, with its 95 % interval by Welch's t (runs of both sides scatter, and not alike);
    without one where a side has a single run."""
    from scipy.stats import ttest_ind

    mean = _mean(ours) - _mean(theirs)
    if min(len(ours), len(theirs)) < 2:
        return {"mean": mean, "interval": None}
    return {"mean": mean, "interval": list(ttest_ind(ours, theirs, equal_var=False).confidence_interval(0.95))}
