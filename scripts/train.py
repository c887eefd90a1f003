"""Train an agent for one game: `python scripts/train.py breakout --algo ppo`.

Stable-Baselines3 does the learning; this file says with what. It reads from top to bottom and is meant to be copied and
changed. Everything a run makes lies in one folder (`--out`, default `runs/<game>-<algo>-<seed>`): checkpoints,
`episodes.csv` with the score of every game played, TensorBoard files, and at the end `agent.zip`.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import subprocess
import sys
import time
import tomllib
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sb3_contrib import QRDQN
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import configure
from tqdm import tqdm

from agents.checkpoints import checkpoints, read_checkpoint, restore, save_checkpoint
from agents.fast import FastActorCriticPolicy, bfloat16_pays, fast_policy_kwargs, tune_process
from envs import ArenaError, find_game
from envs.rules import named_rules
from envs.training import TrainingEnv

ALGORITHMS: dict[str, type[BaseAlgorithm]] = {"ppo": PPO, "a2c": A2C, "dqn": DQN, "qrdqn": QRDQN}
DEFAULTS = Path(__file__).with_name("train.toml")


# -- settings ----------------------------------------------------------------------------------------------------------


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("game", help="e.g. breakout, pacman, ms_pacman, space_invaders")
    parser.add_argument("--algo", choices=ALGORITHMS, default="ppo")
    parser.add_argument("--steps", type=int, help="how long to train; one step is four emulated frames")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rules", default="5min", help="length of a game in training: 5min or 30min")
    parser.add_argument("--config", type=Path, default=DEFAULTS, help="settings file, like scripts/train.toml")
    parser.add_argument("--out", type=Path, help="folder of the run")
    parser.add_argument("--resume", action="store_true", help="go on from the newest checkpoint in --out")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="processor cores to use")
    parser.add_argument("--checkpoint-every", type=int, default=100_000, metavar="STEPS")
    parser.add_argument("--plain", action="store_true", help="SB3's own arithmetic: no bfloat16, no fused optimizer")
    return parser.parse_args()


def schedule(value: Any) -> Any:
    """A number as it is; "linear 2.5e-4" as a schedule that falls to zero."""
    if isinstance(value, str):
        start = float(value.removeprefix("linear "))
        return lambda remaining: remaining * start
    return value


# -- the model -----------------------------------------------------------------------------------------------------------


def make_model(
    algo: str, env: TrainingEnv, settings: dict[str, Any], seed: int, device: str, fast: bool
) -> BaseAlgorithm:
    """An untrained SB3 model. `settings` are the constructor's own arguments, and `adam_eps`."""
    settings = {k: schedule(v) for k, v in settings.items()}
    eps = settings.pop("adam_eps", None)
    on_policy = algo in ("ppo", "a2c")
    policy: Any = "CnnPolicy"
    policy_kwargs: dict[str, Any] = {}
    if fast:
        half = bfloat16_pays(torch.device("cuda" if torch.cuda.is_available() and device != "cpu" else "cpu"))
        policy_kwargs = fast_policy_kwargs(half=half)
        policy_kwargs["net_arch"] = []
        policy = FastActorCriticPolicy if on_policy else policy
        if settings.get("use_rms_prop"):
            del policy_kwargs["optimizer_kwargs"]
    if eps is not None:
        policy_kwargs.setdefault("optimizer_kwargs", {})["eps"] = eps
    return ALGORITHMS[algo](policy, env, seed=seed, device=device, policy_kwargs=policy_kwargs, **settings)


# -- what happens while it learns --------------------------------------------------------------------------------------


class Diverged(ArenaError):
    """The weights are no longer numbers."""


class Watch(BaseCallback):
    """Writes episodes and checkpoints, shows progress.

    At a checkpoint all games are started anew with seeds made from the run's seed and the step count, in a run that
    goes on as in one that is resumed there: that is what makes the two equal, bit for bit, on one machine.
    """

    def __init__(self, out: Path, total: int, every: int, about: dict[str, Any]) -> None:
        super().__init__()
        self.out, self.total, self.every, self.about = out, total, every, about
        self.scores: deque[float] = deque(maxlen=100)
        self.began = time.monotonic()
        self.spent_before = 0.0
        self.next_line = 0.0

    def _on_training_start(self) -> None:
        self.next_checkpoint = (self.num_timesteps // self.every + 1) * self.every
        self.start_steps = self.num_timesteps
        self.episodes = (self.out / "episodes.csv").open("a", newline="")
        self.bar = tqdm(
            total=self.total, initial=self.num_timesteps, unit="step", unit_scale=True, disable=not sys.stderr.isatty()
        )

    def _on_step(self) -> bool:
        rows = []
        for info in self.locals["infos"]:
            if (episode := info.get("episode")) is not None:
                self.scores.append(episode["r"])
                rows.append((self.num_timesteps, episode["r"], episode["l"], round(self.seconds(), 1)))
        if rows:
            csv.writer(self.episodes).writerows(rows)
        self.bar.update(self.num_timesteps - self.bar.n)
        return True

    def _on_rollout_start(self) -> None:
        model = self.model
        if time.monotonic() > self.next_line:
            self.report()
        if model.num_timesteps >= self.next_checkpoint:
            self.checkpoint()
            self.next_checkpoint = (model.num_timesteps // self.every + 1) * self.every

    def seconds(self) -> float:
        return self.spent_before + time.monotonic() - self.began

    def report(self) -> None:
        self.next_line = time.monotonic() + 60
        mean = f"{np.mean(self.scores):.1f}" if self.scores else "none yet"
        self.bar.set_postfix(score=mean)
        if self.bar.disable:
            pace = (self.num_timesteps - self.start_steps) / max(time.monotonic() - self.began, 1e-9)
            left = (self.total - self.num_timesteps) / pace / 60 if pace else math.nan
            print(
                f"{time.strftime('%H:%M:%S')} {self.num_timesteps:>9,} steps  {pace:5.0f}/s  score {mean}  {left:.0f} min left",
                flush=True,
            )

    def checkpoint(self) -> None:
        model = self.model
        if not all(torch.isfinite(p).all() for p in model.policy.parameters()):
            raise Diverged("The weights have become NaN: lower the learning rate and resume from the last checkpoint.")
        self.episodes.flush()
        self.about["seconds"] = round(self.seconds(), 1)
        path = save_checkpoint(self.out / "checkpoints", model, self.about)
        half = {k: v.to(torch.float16) for k, v in model.policy.state_dict().items()}
        (self.out / "snapshots").mkdir(exist_ok=True)
        torch.save(half, self.out / "snapshots" / f"{path.name}.pt")
        restart_games(model, self.about["seed"])

    def _on_training_end(self) -> None:
        self.checkpoint()
        self.report()
        self.episodes.close()
        self.bar.close()


def restart_games(model: BaseAlgorithm, seed: int) -> None:
    """Start every game anew, seeded by the run's seed and the step count."""
    env = model.get_env()
    assert env is not None
    env.seed(int(np.random.SeedSequence([seed, model.num_timesteps]).generate_state(1)[0]))
    model._last_obs = env.reset()
    model._last_episode_starts = np.ones((env.num_envs,), dtype=bool)


# -- the run -----------------------------------------------------------------------------------------------------------


def commit() -> str:
    """The commit this code is at, with a plus if files differ from it; empty outside a repository."""
    try:
        here = {"cwd": Path(__file__).parent, "capture_output": True, "text": True, "check": True}
        name = subprocess.run(["git", "rev-parse", "--short=10", "HEAD"], **here).stdout.strip()
        changed = subprocess.run(["git", "status", "--porcelain", "-uno"], **here).stdout.strip()
        return name + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def train(args: argparse.Namespace) -> Path:
    game = find_game(args.game)
    with args.config.open("rb") as file:
        config = tomllib.load(file)
    settings = config[args.algo] | config.get(game.name, {}).get(args.algo, {})
    total = args.steps or config["steps"].get(game.name, 2_000_000)
    out: Path = args.out or Path("runs") / f"{game.name}-{args.algo}-{args.seed}"
    out.mkdir(parents=True, exist_ok=True)
    about = {
        "game": game.name,
        "algo": args.algo,
        "seed": args.seed,
        "rules": args.rules,
        "steps": total,
        "settings": dict(settings),
        "plain": args.plain,
        "commit": commit(),
        "command": " ".join(sys.argv[1:]),
    }
    tune_process(args.threads)
    rules = named_rules(game, args.rules)
    env = TrainingEnv(rules, settings.pop("envs"), seed=args.seed, threads=args.threads)
    model = make_model(args.algo, env, settings, args.seed, args.device, fast=not args.plain)
    model.set_logger(configure(str(out / "tensorboard"), ["tensorboard"]))
    watch = Watch(out, total, args.checkpoint_every, about)
    if args.resume:
        newest = checkpoints(out / "checkpoints")[-1]
        state = read_checkpoint(newest)
        if (was := (state["about"]["game"], state["about"]["algo"])) != (game.name, args.algo):
            raise ArenaError(
                f"{newest} is a checkpoint of {was[0]} with {was[1]}, not of {game.name} with {args.algo}."
            )
        restore(model, newest, state)
        watch.spent_before = state["about"]["seconds"]
        restart_games(model, args.seed)
        print(f"resumed at {model.num_timesteps:,} steps")
    (out / "run.json").write_text(json.dumps(about, indent=2) + "\n")
    model.learn(total - model.num_timesteps, callback=watch, reset_num_timesteps=not args.resume)
    model.save(out / "final.zip")
    return out


if __name__ == "__main__":
    try:
        train(arguments())
    except ArenaError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
