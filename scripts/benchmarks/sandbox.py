"""Figures of the sandbox and of admission: what safety costs."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure, alternate, median_ratio, spread, timed

EVALUATED = "space_invaders"
HOUSE_BOT = "space_invaders-quick"
SEEDS = int(os.environ.get("ARENA_BENCHMARK_SEEDS", "48"))
ROUNDS = 3


def run() -> Iterator[Figure]:
    """Yield every figure of this suite."""
    folder = Path(tempfile.mkdtemp(prefix="arena-benchmark-"))
    try:
        yield from _evaluation()
        yield _start()
        yield from _admission(folder)
    finally:
        shutil.rmtree(folder)


def _evaluation() -> Iterator[Figure]:
    from arena.evaluate import Handling, evaluate
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
    cores = os.cpu_count() or 1
    hours = 1000 * sum(games) / len(games) / detail["inside"]["median"] * cores / 3600
    yield Figure(
        "1,000 games in the sandbox, in hours of one core", hours, "< 5", how, unit=" h",
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


def _admission(folder: Path) -> Iterator[Figure]:
    from agents.packages import Refused, admit
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
        except Refused:
            return
        raise AssertionError(f"{attack} was admitted")

    files = attacks(folder / "attacks")
    each = {name: timed(lambda attack=attack: refused(attack)) for name, attack in files.items()}  # type: ignore[misc]
    yield Figure(
        "refusal of an attack, the slowest of all", max(each.values()), "< 1", f"{len(each)} files, once each",
        unit=" s", detail=each,
    )  # fmt: skip
