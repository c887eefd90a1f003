"""Figures of the sandbox and of admission: what safety costs."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure, alternate, median_ratio, spread, timed

EVALUATED = "space_invaders"
HOUSE_BOT = "space_invaders-quick"
SEEDS = int(os.environ.get("ARENA_BENCHMARK_SEEDS", "48"))
ROUNDS = 3
CHECKS = 3
ROOT = Path(__file__).resolve().parent.parent.parent


def run() -> Iterator[Figure]:
    """Yield every figure of this suite."""
    folder = Path(tempfile.mkdtemp(prefix="arena-benchmark-"))
    try:
        yield from _evaluation()
        yield _start()
        yield from _admission(folder)
        yield _check(folder)
    finally:
        shutil.rmtree(folder)


def _evaluation() -> Iterator[Figure]:
    from arena.engine.evaluate import Handling, evaluate
    from envs.rules import named_rules

    rules = named_rules(EVALUATED)
    games: list[int] = []

    def rate(handling: Handling) -> float:
        begin = time.perf_counter()
        frames = [recording.frames for recording in evaluate(HOUSE_BOT, rules, range(SEEDS), handling=handling)]
        games[:] = frames
        return sum(frames) / (time.perf_counter() - begin)

    measured = alternate(
        {"inside": lambda: rate(Handling(sandbox=True)), "outside": lambda: rate(Handling())}, rounds=ROUNDS
    )
    how = f"{HOUSE_BOT}: {SEEDS} whole games, start of the processes included, {ROUNDS} alternating rounds"
    detail = {name: spread(rates) for name, rates in measured.items()}
    yield Figure(
        "evaluation in the sandbox against outside", median_ratio(measured["inside"], measured["outside"]), ">= 0.85",
        how, detail=detail,
    )  # fmt: skip
    cores = min(os.cpu_count() or 1, SEEDS)
    seconds = 1000 * rules.max_frames / detail["inside"]["median"] * cores
    yield Figure(
        "1,000 games of five minutes in the sandbox, in seconds of one core", seconds, "< 9000", how, unit=" s",
        detail={"cores": cores, "frames_per_game": sum(games) / len(games)},
    )  # fmt: skip


def _start() -> Figure:
    from agents.sandbox.player import sandboxed_player
    from envs.games import find_game

    game = find_game(EVALUATED)

    def start() -> None:
        sandboxed_player("script:noop", game).close()

    start()  # looks for a sandbox first
    seconds = [timed(start) for _ in range(11)]
    return Figure(
        "start and end of a sandbox", spread(seconds)["median"], "< 1", "median of 11, an agent without torch",
        unit=" s", detail=spread(seconds),
    )  # fmt: skip


def _check(folder: Path) -> Figure:
    """What a participant waits for: from the command to its last line."""
    path = folder / "x.zip"
    _save_with_sb3(path)
    command = [sys.executable, "-c", "import sys; from arena.cli import main; sys.exit(main())"]
    ran: list[str] = []

    def check() -> None:
        done = subprocess.run([*command, "agent", "check", str(path)], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        ran.append(done.stdout)

    seconds = [timed(check) for _ in range(CHECKS)]
    return Figure(
        "`arena agent check` of a plain SB3 zip (PPO, NatureCNN, Breakout)", max(seconds), "< 60",
        f"the slowest of {CHECKS}, the games for the score included", unit=" s",
        detail={"seconds": seconds, "said": ran[-1]},
    )  # fmt: skip


def _save_with_sb3(path: Path) -> None:
    """Train a few steps in SB3's own way and save in its own way."""
    import ale_py
    import gymnasium
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_atari_env
    from stable_baselines3.common.vec_env import VecFrameStack

    gymnasium.register_envs(ale_py)
    env = VecFrameStack(make_atari_env("BreakoutNoFrameskip-v4", n_envs=1, seed=0), 4)
    model = PPO("CnnPolicy", env, n_steps=64, batch_size=32, n_epochs=1, seed=0)
    model.learn(128)
    model.save(path)
    env.close()


def _admission(folder: Path) -> Iterator[Figure]:
    from agents.packages import AgentRefused, admit
    from benchmarks.agent_files import model_of_20_mb
    from benchmarks.attack_files import attacks

    logging.disable(logging.WARNING)
    path = folder / "large.zip"
    model_of_20_mb(path)
    seconds = [timed(lambda: admit(path)) for _ in range(5)]
    yield Figure(
        "admission of a 20 MB model", spread(seconds)["median"], "< 1", "median of 5", unit=" s", detail=spread(seconds)
    )

    def refused(attack: Path) -> None:
        try:
            admit(attack)
        except AgentRefused:
            return
        raise AssertionError(f"{attack} was admitted")

    files = attacks(folder / "attacks")
    each = {name: timed(lambda attack=attack: refused(attack)) for name, attack in files.items()}  # type: ignore[misc]
    yield Figure(
        "refusal of an attack, the slowest of all", max(each.values()), "< 1", f"{len(each)} files, once each",
        unit=" s", detail=each,
    )  # fmt: skip
