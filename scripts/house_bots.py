"""Make all house bots again from nothing: `python scripts/house_bots.py`.

Each bot is a training run (`scripts/train.py`) and the games that its card tells of (`scripts/house_bot.py`). What is
finished stays: stop with Ctrl-C whenever you like and type the command again. One bot alone, or some:

    python scripts/house_bots.py pacman-taught pacman-strong

`house_bots.toml` says how, and how long each takes on a core that does nothing else.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agents.load import ZOO
from envs import ArenaError

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


def read_recipes(path: Path) -> dict[str, Recipe]:
    """The recipes in a TOML file, by the bots' names, in its order.

    Raises:
        ArenaError: it can't be read, or something in it is unknown, missing or of the wrong type.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        recipes = {name: Recipe(**values) for name, values in table.items()}
    except (OSError, ValueError, TypeError) as error:
        raise ArenaError(f"The recipes in {path} can't be used: {error}.") from error
    for name, recipe in recipes.items():
        if recipe.after is not None and recipe.after not in recipes:
            raise ArenaError(f"The recipes in {path} make {name} after {recipe.after!r}, which has none.")
    return recipes


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("bots", nargs="*", metavar="BOT", help="some of those with a recipe (default: all)")
    options.add_argument("--recipes", type=Path, default=HERE / "house_bots.toml", help="how they are made")
    options.add_argument("--runs", type=Path, default=Path("runs/house-bots"), help="folder of the training runs")
    options.add_argument("--out", type=Path, default=ZOO, help="where bots and cards go (default: agents/zoo)")
    options.add_argument("--episodes", type=int, default=100, help="games for a card")
    options.add_argument("--threads", type=int, default=1, help="processor cores to use")
    options.add_argument("--list", action="store_true", help="say what would be done, and how long it takes")
    args = options.parse_args()
    try:
        recipes = read_recipes(args.recipes)
    except ArenaError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if unknown := sorted(set(args.bots) - recipes.keys()):
        options.error(f"there is no recipe for {unknown[0]}; there are {', '.join(recipes)}")
    wanted = {name: recipe for name, recipe in recipes.items() if not args.bots or name in args.bots}
    left = {name: recipe for name, recipe in wanted.items() if not is_made(name, args)}
    print(f"{len(wanted) - len(left)} of {len(wanted)} bots are made; the others take {duration(left)} on one core.")
    for name, recipe in left.items():
        print(f"  {name}: {recipe.minutes} minutes")
    if args.list:
        return 0
    try:
        while left:
            name = next(name for name, recipe in left.items() if recipe.after not in left)
            print(f"\n{name}; about {duration(left)} to go", flush=True)
            make(name, left.pop(name), args)
    except KeyboardInterrupt:
        print("\nStopped; type the same command again to go on.")
        return INTERRUPTED
    except subprocess.CalledProcessError as error:
        print(f"error: {shlex.join(map(str, error.cmd))} ended with {error.returncode}; what is finished stays.")
        return 1
    return 0


def duration(recipes: Mapping[str, Recipe]) -> str:
    total = sum(recipe.minutes for recipe in recipes.values())
    return f"{total} minutes" if total < 120 else f"{total / 60:.1f} hours"


def is_made(name: str, args: argparse.Namespace) -> bool:
    """Whether the bot was made here: it is marked when its card is written."""
    marked: Path = args.runs / name / "made"
    return marked.exists()


def make(name: str, recipe: Recipe, args: argparse.Namespace) -> None:
    run: Path = args.runs / name
    if not newest(run) >= (recipe.until or sys.maxsize):
        train(recipe, run, args)
    step = ["--step", str(recipe.until)] if recipe.until else []
    card = [sys.executable, str(HERE / "house_bot.py"), str(run), "--name", name, "--out", str(args.out), *step]
    subprocess.run([*card, "--episodes", str(args.episodes), "--processes", str(args.threads)], check=True)
    (run / "made").touch()


def train(recipe: Recipe, run: Path, args: argparse.Namespace) -> None:
    """Train up to the end of the run, or until there is a snapshot of the step at which the bot is taken."""
    command = [sys.executable, str(HERE / "train.py"), *shlex.split(recipe.train), "--out", str(run)]
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
