"""What a training run tells of itself: the code and the command it runs, where it stopped, what it has found so far."""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import torch
from stable_baselines3.common.logger import Logger, TensorBoardOutputFormat
from tqdm import tqdm

from agents.checkpoints import checkpoints, read_checkpoint
from envs.errors import AgentError
from envs.games import find_game


def commit() -> str:
    """The commit this code is at, with a plus if files differ from it; empty outside a repository."""

    def git(*args: str) -> str:
        done = subprocess.run(["git", *args], cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        return git("rev-parse", "--short=10", "HEAD") + "+" * bool(git("status", "--porcelain", "-uno"))
    except (OSError, subprocess.CalledProcessError):
        return ""


def machine(device: str) -> str:
    """What this computer is, for people; `device` is the type of the torch device that learns."""
    try:
        info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        model = next(line.split(":", 1)[1].strip() for line in info.splitlines() if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    gpu = torch.cuda.get_device_name() if device == "cuda" else "no GPU"
    return f"{os.cpu_count()} cores of {model}, {gpu}"


def recipe(args: argparse.Namespace, steps: int, defaults: Path) -> str:
    """The command that leads to the same weights, without the paths of this machine."""
    parts = [f"{Path(sys.argv[0]).name} {args.game} --algo {args.algo} --steps {steps} --seed {args.seed}"]
    parts += [f"--teacher {args.teacher}"] * (args.algo == "dagger")
    parts += [f"--frame-skip {args.frame_skip}"] * (args.frame_skip != find_game(args.game).frame_skip)
    parts += [f"--rules {args.rules}"] * (args.rules != "5min")
    parts += [f"--checkpoint-every {args.checkpoint_every}"]
    parts += [f"--config {args.config.name}"] * (args.config != defaults)
    parts += [f"--from {args.start}"] * (args.start is not None)
    parts += ["--from-recordings DIR"] * (args.from_recordings is not None)
    parts += ["--resume"] * args.resume + ["--plain"] * args.plain
    return " ".join(parts)


def go_on(args: argparse.Namespace, steps: int, parser: argparse.ArgumentParser) -> str:
    """The command that goes on with this run, up to `steps`: as it was given to `parser`, on this machine."""
    words = ["python", sys.argv[0], args.game]
    for name, value in vars(args).items():
        if name in ("game", "steps", "resume", "from_recordings", "start") or value == parser.get_default(name):
            continue
        if name == "frame_skip" and value == find_game(args.game).frame_skip:
            continue
        words += ["--" + name.replace("_", "-")] + [str(value)] * (value is not True)
    return shlex.join([*words, "--resume", "--steps", str(steps)])


def newest_checkpoint(run: Path, *, resume: bool) -> tuple[Path, dict[str, Any]] | None:
    """The checkpoint from which the run in the folder `run` goes on, and what it holds; None for a run that begins.

    Raises:
        AgentError: there is one and the run should begin, or none (that can be read) and it should go on.
    """
    found = checkpoints(run / "checkpoints")
    if found and not resume:
        raise AgentError(f"{run} already holds a run; add --resume to go on with it, or choose another --out.")
    if resume and not found:
        raise AgentError(f"There is no checkpoint in {run} to go on from; leave out --resume to start.")
    return (found[-1], read_checkpoint(found[-1])) if found else None


def carry_over(about: dict[str, Any], before: dict[str, Any], path: Path) -> None:
    """Take over into `about` what the run has found so far: `before`, of the checkpoint `path`.

    Raises:
        AgentError: that checkpoint is of another run.
    """
    for what in ("game", "algo", "seed"):
        if before[what] != about[what]:
            raise AgentError(f"{path} is of a run with the {what} {before[what]}, not {about[what]}.")
    if (skip := before.get("frame_skip", 4)) != about["frame_skip"]:  # 4 was the only one once
        raise AgentError(f"{path} is of a run with frame skip {skip}; go on with --frame-skip {skip}.")
    for what in ("steps", "settings", "rules", "teacher", "plain"):
        if before.get(what, about[what]) != about[what]:
            print(f"note: {what} was {before[what]} and is now {about[what]}")
    about |= {key: before[key] for key in ("best", "seconds", "core_seconds", "start") if key in before}
    about["command"] = f"{before['command']}; then {about['command']}"


def curves(folder: Path) -> Logger:
    """Where SB3 writes what TensorBoard draws. A full disk ends the curves, not the run."""

    def in_thread(args: threading.ExceptHookArgs) -> None:
        if not isinstance(args.exc_value, OSError):  # TensorBoard writes in a thread, and raises the same once more
            threading.__excepthook__(args)

    threading.excepthook = in_thread
    return Logger(str(folder), [_Curves(str(folder))])


class _Curves(TensorBoardOutputFormat):
    ended = False

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        if self.ended:
            return
        try:
            super().write(key_values, key_excluded, step)
        except OSError as error:
            self.ended = True
            tqdm.write(f"warning: TensorBoard's curves end at {step:,} steps, since they can't be written ({error}).")
