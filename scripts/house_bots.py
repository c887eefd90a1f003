"""Make all house bots again from nothing: `python scripts/house_bots.py`.

Each bot is a training run (`scripts/train.py`) and the games that its card tells of (`scripts/house_bot.py`). What is
finished stays: stop with Ctrl-C whenever you like and type the command again. One bot alone, or some:

    python scripts/house_bots.py pacman-taught pacman-strong

A bot that goes on from another one needs that first. The times are those of one core that does nothing else.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from agents.load import ZOO

HERE = Path(__file__).parent
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one house bot is made."""

    train: str
    """What `scripts/train.py` is told."""
    minutes: int
    """Of one core, for training."""
    until: int | None = None
    """The step of a longer run at which it is taken; None for the end of the run."""
    after: str | None = None
    """The house bot that it goes on from."""


RECIPES = {
    "breakout-quick": Recipe("breakout --steps 2000000", 5, until=200_000),
    "breakout-taught": Recipe("breakout --algo dagger --steps 560000", 90),
    "pacman-quick": Recipe("pacman --algo dagger --steps 45056 --checkpoint-every 15000", 1, until=15_000),
    "pacman-taught": Recipe("pacman --algo dagger --steps 135000", 10),
    "ms_pacman-quick": Recipe("ms_pacman --steps 600000", 3, until=100_000),
    "ms_pacman-taught": Recipe("ms_pacman --algo dagger --steps 500000", 18),
    "space_invaders-quick": Recipe("space_invaders --steps 1500000", 5, until=200_000),
    "space_invaders-taught": Recipe("space_invaders --algo dagger --steps 900000", 33),
}


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("bots", nargs="*", metavar="BOT", help=f"some of {', '.join(RECIPES)} (default: all)")
    options.add_argument("--runs", type=Path, default=Path("runs/house-bots"), help="folder of the training runs")
    options.add_argument("--out", type=Path, default=ZOO, help="where bots and cards go (default: agents/zoo)")
    options.add_argument("--episodes", type=int, default=100, help="games for a card")
    options.add_argument("--threads", type=int, default=1, help="processor cores to use")
    options.add_argument("--list", action="store_true", help="say what would be done, and how long it takes")
    args = options.parse_args()
    if unknown := sorted(set(args.bots) - RECIPES.keys()):
        options.error(f"there is no recipe for {unknown[0]}; there are {', '.join(RECIPES)}")
    wanted = [name for name in RECIPES if not args.bots or name in args.bots]
    left = [name for name in wanted if not is_made(name, args)]
    print(f"{len(wanted) - len(left)} of {len(wanted)} bots are made; the others take about {minutes(left)}:")
    for name in left:
        print(f"  {name}: {RECIPES[name].minutes} minutes")
    if args.list:
        return 0
    try:
        for done, name in enumerate(left):
            print(f"\n{name}, about {minutes(left[done:])} to go", flush=True)
            make(name, args)
    except KeyboardInterrupt:
        print("\nStopped; type the same command again to go on.")
        return INTERRUPTED
    except subprocess.CalledProcessError as error:
        print(f"error: {shlex.join(map(str, error.cmd))} ended with {error.returncode}; what is finished stays.")
        return 1
    return 0


def minutes(names: list[str]) -> str:
    total = sum(RECIPES[name].minutes for name in names)
    return f"{total} minutes" if total < 120 else f"{total / 60:.1f} hours"


def is_made(name: str, args: argparse.Namespace) -> bool:
    """Whether the bot was made here: it is marked when its card is written."""
    marked: Path = args.runs / name / "made"
    return marked.exists()


def make(name: str, args: argparse.Namespace) -> None:
    recipe, run = RECIPES[name], args.runs / name
    if not newest(run) >= (recipe.until or sys.maxsize):
        train(recipe, run, args)
    step = ["--step", str(recipe.until)] if recipe.until else []
    card = [sys.executable, str(HERE / "house_bot.py"), str(run), "--name", name, "--out", str(args.out), *step]
    subprocess.run([*card, "--episodes", str(args.episodes), "--processes", str(args.threads)], check=True)
    (run / "made").touch()


def train(recipe: Recipe, run: Path, args: argparse.Namespace) -> None:
    """Train up to the end of the run, or until there is a snapshot of the step at which the bot is taken."""
    command = [sys.executable, str(HERE / "train.py"), *recipe.train.split(), "--out", str(run)]
    command += ["--threads", str(args.threads)]
    if recipe.after:
        command += ["--from", recipe.after if args.out == ZOO else str(args.out / f"{recipe.after}.zip")]
    if any((run / "checkpoints").glob("step-*")):
        command.append("--resume")
    process = subprocess.Popen(command)
    try:
        while (code := process.poll()) is None:
            if newest(run) >= (recipe.until or sys.maxsize):
                process.terminate()
                process.wait()
                return
            time.sleep(2)
    except KeyboardInterrupt:  # the terminal has told it, too: it writes a checkpoint
        process.wait()
        raise
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    if code:
        raise subprocess.CalledProcessError(code, command)


def newest(run: Path) -> int:
    """The step of the newest snapshot; -1 if there is none."""
    return max((int(path.stem.removeprefix("step-")) for path in (run / "snapshots").glob("step-*.pt")), default=-1)


if __name__ == "__main__":
    sys.exit(main())
