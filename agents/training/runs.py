"""What a training run tells of itself: the code and the command it runs, where it stopped, what it has found so far."""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import os
import platform
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from stable_baselines3.common.logger import Logger, TensorBoardOutputFormat
from tqdm import tqdm

from agents.training.checkpoints import checkpoints, read_checkpoint
from agents.training.hyperparameters import falling
from agents.training.packing import write_package
from envs.errors import AgentError, PlayerNameError
from envs.games import find_game
from envs.names import MAX_LENGTH, check_name

EPISODES = ("steps", "score", "length", "seconds")
"""The columns of `episodes.csv`: steps of the run when a game ended, its score in points, its length in steps, and the
run's seconds on the wall clock. Files of older runs have no such line."""


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
    parts += [f"--from {Path(args.start).name}"] if args.start is not None else []
    parts += ["--from-recordings DIR"] * (args.from_recordings is not None)
    parts += ["--resume"] * args.resume + ["--plain"] * args.plain
    return " ".join(parts)


def go_on(args: argparse.Namespace, steps: int | None, parser: argparse.ArgumentParser) -> str:
    """The command that goes on with this run, up to `steps` or as planned: as it was given to `parser`, on this
    machine."""
    length = [] if steps is None else ["--steps", str(steps)]
    return shlex.join([*_words(args, parser, {"from_recordings", "start"}), "--resume", *length])


def _begin_anew(args: argparse.Namespace, steps: int, out: Path, parser: argparse.ArgumentParser) -> str:
    """The command that begins such a run in the folder `out`, with `steps`."""
    return shlex.join([*_words(args, parser, {"out", "name"}), "--steps", str(steps), "--out", str(out)])


def what_next(args: argparse.Namespace, about: dict[str, Any], out: Path, parser: argparse.ArgumentParser) -> str:
    """What can be done with the agent of a run that has come to its end: a few lines with commands."""
    agent = shlex.quote(str(out / "agent.zip"))
    lines = [
        f"The best agent is {agent} ({about['best']['score']:.1f} points). What next:",
        f"    arena evaluate {agent} --game {about['game']} --seeds 100",
        f"    arena watch {agent} --game {about['game']}",
    ]
    twice = 2 * about["steps"]
    if names := falling(about["settings"]):
        lines.append(f"{' and '.join(names)} fell to zero: a longer run is better begun anew than gone on with.")
        lines.append(f"    {_begin_anew(args, twice, out.with_name(out.name + '-longer'), parser)}")
    else:
        lines.append(f"    {go_on(args, twice, parser)}")
    return "\n".join(lines)


def _words(args: argparse.Namespace, parser: argparse.ArgumentParser, without: set[str]) -> list[str]:
    words = ["python", sys.argv[0], args.game]
    for name, value in vars(args).items():
        if name in {"game", "steps", "resume", *without} or value == parser.get_default(name):
            continue
        if name == "frame_skip" and value == find_game(args.game).frame_skip:
            continue
        option = "from" if name == "start" else name.replace("_", "-")
        words += [f"--{option}"] + [str(value)] * (value is not True)
    return words


def name_of(out: Path, otherwise: str) -> str:
    """The name of an agent whose run has the folder `out`: the folder's, if it can be one, so that runs differ."""
    try:
        return check_name(out.resolve().name[:MAX_LENGTH])
    except PlayerNameError:
        return otherwise


@contextlib.contextmanager
def held(out: Path) -> Iterator[None]:
    """Make the folder of a run and keep other runs out of it, until this ends or its process does.

    Raises:
        AgentError: another process holds it, or it can't be written.
    """
    file = out / ".lock"
    lock = FileLock(file, timeout=0)
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise AgentError(
            f"Another run is under way in {out}; wait until it has ended, or choose another --out."
        ) from None
    except (OSError, NotImplementedError) as error:
        raise AgentError(f"The run can't be kept in {out} ({error}); choose another folder with --out.") from None
    try:
        yield
    finally:
        if [*out.iterdir()] == [file]:  # it came to nothing
            file.unlink()
            out.rmdir()
        lock.release()


def newest_checkpoint(run: Path, *, resume: bool) -> tuple[Path, dict[str, Any]] | None:
    """The checkpoint from which the run in the folder `run` goes on, and what it holds; None for a run that begins.

    Raises:
        AgentError: there is one and the run should begin, or none (that can be read) and it should go on.
    """
    found = checkpoints(run / "checkpoints")
    if resume and not found:
        raise AgentError(f"There is no checkpoint in {run} to go on from; leave out --resume to start.")
    if found and not resume:
        raise AgentError(f"{run} already holds a run; add --resume to go on with it, or choose another --out.")
    if not resume and (left := [name for name in ("run.json", "episodes.csv", "agent.zip") if (run / name).exists()]):
        raise AgentError(
            f"{run} already holds the {left[0]} of a run, without a checkpoint to go on from; delete the folder, or "
            "choose another --out."
        )
    return (found[-1], read_checkpoint(found[-1])) if found else None


def carry_over(about: dict[str, Any], before: dict[str, Any], path: Path) -> None:
    """Take over into `about` what the run has found so far: `before`, of the checkpoint `path`. Says what differs.

    Raises:
        AgentError: that checkpoint is of another run.
    """
    for what in ("game", "algo", "seed"):
        if before[what] != about[what]:
            raise AgentError(
                f"{path} is of a run with the {what} {before[what]}, not {about[what]}; say {before[what]} to go on "
                "with it, or choose another --out."
            )
    if (skip := before.get("frame_skip", 4)) != about["frame_skip"]:  # 4 was the only one once
        raise AgentError(f"{path} is of a run with frame skip {skip}; go on with --frame-skip {skip}.")
    if "start" in about and about["start"] != (started := before.get("start")):
        began = f"from another agent, {started['name']}" if started else "from nothing"
        raise AgentError(f"{path} is of a run that began {began}; leave out --from to go on with it.")
    for what in ("steps", "rules", "teacher", "plain"):
        if before.get(what, about[what]) != about[what]:
            print(f"note: {what} was {before[what]} and is now {about[what]}")
    old, new = before.get("settings", {}), about["settings"]
    for what in sorted({*old, *new}):
        if old.get(what) != new.get(what):
            print(f"note: {what} was {old.get(what, 'not set')} and is now {new.get(what, 'not set')}")
    for what in falling(new) if before["steps"] != about["steps"] else []:
        print(f"note: {what} falls to zero over the whole run, and goes on as in a run of {about['steps']:,} steps")
    about |= {key: before[key] for key in ("best", "seconds", "core_seconds", "evaluated", "start") if key in before}
    about["command"] = f"{before['command']}; then {about['command']}"


def write_about(out: Path, about: dict[str, Any]) -> None:
    """Write `run.json`, which says what the run in `out` is.

    Raises:
        OSError: it can't be written.
    """
    write_package(out / "run.json", (json.dumps(about, indent=2) + "\n").encode())


def write_episodes(path: Path, rows: Sequence[tuple[float, ...]]) -> None:
    """Write the games of a run, with the columns of `EPISODES`, in place of what is there.

    Raises:
        OSError: the file can't be written; what was there before is untouched.
    """
    text = io.StringIO(newline="")
    csv.writer(text).writerows([EPISODES, *rows])
    write_package(path, text.getvalue().encode())


def read_episodes(path: Path, until: int | None = None) -> list[tuple[float, ...]]:
    """Return the games of a run, up to the step `until`: rows of `EPISODES`. No file is no games.

    Raises:
        AgentError: it is no such file.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = [line for line in csv.reader(file) if line and line != [*EPISODES]]
        rows = [(int(steps), float(score), int(length), float(at)) for steps, score, length, at in lines]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, csv.Error) as error:
        raise AgentError(f"{path} can't be read as the games of a run ({error}); move it out of the way.") from error
    return [row for row in rows if until is None or row[0] <= until]


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
