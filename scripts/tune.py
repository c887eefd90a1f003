"""Search for better settings: `python scripts/tune.py breakout --algo ppo --trials 30 --steps 300000`.

Optuna proposes settings, each trial trains with them for `--steps`, and trials that fall behind the median of the
earlier ones at the same point are stopped. The study is kept in `--out`: run the command again to add trials. The end
is a file with the best settings, for `scripts/train.py --config`.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections import deque
from pathlib import Path
from typing import Any

import activated  # noqa: F401  (first, so that a Python without libraries gets one sentence)
import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from train import ALGORITHMS, DEFAULTS, INTERRUPTED, check_device, make_model

from agents.training.config import GAMES_SETTINGS, read_config
from agents.training.fast import tune_process
from agents.training.hyperparameters import check_together, steps_per_update, whole_updates
from agents.training.options import Options, algorithm, whole
from agents.training.packing import write_package
from agents.training.progress import Progress
from agents.training.room import buffer_of, check_memory
from agents.training.runs import held
from envs import ArenaError, Game, find_game
from envs.extras import explained
from envs.rules import named_rules
from envs.text_files import read_toml
from envs.training import TrainingEnv

try:
    import optuna
except ModuleNotFoundError as error:
    sys.exit(f"error: {explained(error) or error}")

TUNED = ("ppo", "dqn", "qrdqn", "a2c")
REPORTS = 10
"""How often a trial says how it does."""


def propose(trial: optuna.Trial, algo: str) -> dict[str, Any]:
    """The settings that are searched, around the defaults; everything else stays as in train.toml."""
    rate = trial.suggest_float("learning_rate", 2e-5, 2e-3, log=True)
    if algo in ("dqn", "qrdqn"):
        return {
            "learning_rate": rate,
            "batch_size": trial.suggest_categorical("batch_size", [32, 64, 128]),
            "gradient_steps": trial.suggest_categorical("gradient_steps", [2, 4, 8]),
            "target_update_interval": trial.suggest_int("target_update_interval", 500, 10_000, log=True),
            "exploration_fraction": trial.suggest_float("exploration_fraction", 0.02, 0.3, log=True),
        }
    found = {
        "learning_rate": f"linear {rate:.2g}",
        "ent_coef": trial.suggest_float("ent_coef", 1e-4, 0.05, log=True),
        "gae_lambda": trial.suggest_float("gae_lambda", 0.8, 1.0),
        "envs": trial.suggest_categorical("envs", [8, 16, 32]),
    }
    if algo == "ppo":
        found |= {
            "clip_range": f"linear {trial.suggest_float('clip_range', 0.05, 0.3):.2g}",
            "n_epochs": trial.suggest_int("n_epochs", 1, 6),
            "batch_size": trial.suggest_categorical("batch_size", [128, 256, 512]),
        }
    return found


class PruningCallback(BaseCallback):
    """Tells Optuna the mean score of the last 100 games, now and then, and stops where it says so."""

    def __init__(self, trial: optuna.Trial, steps: int) -> None:
        super().__init__()
        self.trial = trial
        self.every = max(1, steps // REPORTS)
        self.progress = Progress(f"trial {trial.number + 1}", steps, "step")
        self.updates = 0
        self.scores: deque[float] = deque(maxlen=100)
        self.reported = 0

    @property
    def score(self) -> float:
        return float(np.mean(self.scores)) if self.scores else 0.0

    def _on_training_start(self) -> None:
        optimizer: Any = self.model.policy.optimizer
        optimizer.register_step_post_hook(self._on_update)

    def _on_update(self, *_: Any) -> None:
        self.updates += 1
        self.progress.show(self.num_timesteps, f"score {self.score:.1f}, learning, update {self.updates}")

    def _on_rollout_start(self) -> None:
        self.updates = 0

    def _on_step(self) -> bool:
        self.progress.show(self.num_timesteps, f"score {self.score:.1f}")
        self.scores.extend(info["episode"]["r"] for info in self.locals["infos"] if "episode" in info)
        if self.num_timesteps // self.every > self.reported:
            self.reported = self.num_timesteps // self.every
            self.trial.report(self.score, self.reported)
            if self.trial.should_prune():
                raise optuna.TrialPruned
        return True


def objective(trial: optuna.Trial, game: Game, args: argparse.Namespace) -> float:
    settings = read_config(args.config, ALGORITHMS).settings(args.algo, game, kickstart=False)
    settings |= propose(trial, args.algo)
    update = steps_per_update(settings, ALGORITHMS[args.algo])
    if args.algo == "ppo":
        settings["batch_size"] = min(settings["batch_size"], update)
    check_together(settings, args.algo, ALGORITHMS[args.algo], plain=False)
    check_memory(buffer_of(settings, ALGORITHMS[args.algo], plain=False))
    trial.set_user_attr("settings", settings.copy())
    games = {name: settings.pop(name) for name in GAMES_SETTINGS.keys() & settings.keys()}
    env = TrainingEnv(named_rules(game), settings.pop("envs"), seed=trial.number, threads=args.threads, **games)
    model = make_model(ALGORITHMS[args.algo], env, settings, seed=trial.number, device=args.device, plain=False)
    steps = whole_updates(args.steps, 0, update)
    report = PruningCallback(trial, steps)
    try:
        model.learn(steps, report)
    except ValueError as error:  # SB3 and torch say so when the weights have become NaN
        raise optuna.TrialPruned(str(error)) from error
    finally:
        report.progress.close()
    return report.score


def as_config(algo: str, settings: dict[str, Any], defaults: Path) -> str:
    """A settings file with `settings` for `algo` and the usual lengths of runs."""
    lengths = read_toml(defaults).get("steps", {})
    table = {algo: settings, "steps": lengths}
    lines = []
    for name, values in table.items():
        lines += [f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in values.items()), ""]
    return "\n".join(lines)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value)


def main() -> int:
    parser = Options(description="Search for better settings with Optuna.")
    parser.add_argument("game")
    parser.add_argument("--algo", type=algorithm(TUNED), default="ppo")
    parser.add_argument("--trials", type=whole(1), default=30)
    parser.add_argument("--steps", type=whole(1), default=300_000, help="length of a trial")
    parser.add_argument("--config", type=Path, default=DEFAULTS, help="settings to start from")
    parser.add_argument("--out", type=Path, help="folder of the study (default: runs/tune-GAME-ALGO)")
    parser.add_argument("--seed", type=whole(0), default=0)
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--threads", type=whole(1), default=os.cpu_count() or 1)
    args = parser.parse_args()
    game = find_game(args.game)
    check_device(args.device)
    read_config(args.config, ALGORITHMS).settings(args.algo, game, kickstart=False)
    out: Path = args.out or Path("runs") / f"tune-{game.name}-{args.algo}"
    with held(out):
        return search(out, game, args)


def search(out: Path, game: Game, args: argparse.Namespace) -> int:
    tune_process(args.threads)
    study = optuna.create_study(
        study_name=f"{game.name} {args.algo}",
        storage=f"sqlite:///{out / 'study.sqlite'}",
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=2),
    )
    # Other draws than before where a study goes on: with the same ones it would propose the same settings again.
    study.sampler = optuna.samplers.TPESampler(seed=args.seed + len(study.trials))
    try:
        study.optimize(lambda trial: objective(trial, game, args), n_trials=args.trials)
    except KeyboardInterrupt:
        print(f"\nStopped. The trials that ran to their end are kept in {out}; the same command adds more.")
        return INTERRUPTED
    if not any(trial.state is optuna.trial.TrialState.COMPLETE for trial in study.trials):
        raise ArenaError("No trial ran to its end; give more --trials.")
    best = out / "best.toml"
    write_package(best, as_config(args.algo, study.best_trial.user_attrs["settings"], args.config).encode())
    print(f"Best of {len(study.trials)} trials: {study.best_value:.1f} points. Train with its settings:")
    print(f"    python scripts/train.py {game.name} --algo {args.algo} --config {shlex.quote(str(best))}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ArenaError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("\nStopped before the first trial.")
        sys.exit(INTERRUPTED)
