"""What `arena evaluate` says of an agent besides its mean: scale, spread, reaction delays and checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from arena.commands.tables import INTERVAL, decimals, interval_text, new_console, new_table, print_table, verified
from arena.diagnostics.integrity import OpenLoop, Rerun
from arena.scoreboard.publish import Publication
from arena.stats.comparison import Summary, human_normalized, summary
from envs.games import HUMAN, RANDOM, Game
from envs.step import End

PERCENTILES = (5, 25, 50, 75, 95)


@dataclass(frozen=True, slots=True)
class Checks:
    """What was looked at besides the scores; None where it wasn't."""

    open_loop: OpenLoop | None = None
    rerun: Rerun | None = None


@dataclass(frozen=True, slots=True)
class Class:
    """The scores of one reaction delay."""

    delay_ms: int
    name: str
    """What the player is called in this class."""
    scores: Sequence[int]
    forfeits: int
    """Games among them in which the agent broke down; what it had scored by then counts."""

    def summary(self) -> Summary:
        return summary([float(score) for score in self.scores])

    def percentiles(self) -> dict[int, float]:
        """Return the scores below which so many percent of the games lie; empty without games."""
        return {p: float(np.percentile(self.scores, p)) for p in PERCENTILES} if self.scores else {}


def classes_of(names: Mapping[int, str], publications: Sequence[Publication]) -> list[Class]:
    """Return the verified games by reaction delay; `names` says what the player is called at each."""
    recordings = verified(publications)
    found = []
    for delay, name in names.items():
        mine = [recording for recording in recordings if recording.player.name == name]
        found.append(Class(delay, name, [r.score for r in mine], sum(r.end is End.FAILED for r in mine)))
    return found


def normalized(game: Game, score: float | None) -> float | None:
    """Return a score on the scale from random play (0) to the reference human (1); None where either is unknown."""
    random, human = game.reference(RANDOM), game.reference(HUMAN)
    return None if None in (score, random, human) else human_normalized(score, random.score, human.score)  # type: ignore[union-attr,arg-type]


def ordinal(percent: int) -> str:
    """Return what a percentile is called: `median`, `5th`."""
    return "median" if percent == 50 else f"{percent}th"


def print_classes(game: Game, classes: Sequence[Class], checks: Checks) -> None:
    """Print what `classes` and `checks` say, below the summary of the first class."""
    console = new_console()
    first = classes[0]
    digits = decimals([*first.scores, 0])
    if first.scores:
        spread = ", ".join(f"{ordinal(p)} {value:,.{digits}f}" for p, value in first.percentiles().items())
        console.print(f"Percentiles: {spread}.")
    found = first.summary()
    scaled = normalized(game, found.mean if found.n else None)
    if scaled is not None:
        low, high = normalized(game, found.low), normalized(game, found.high)
        interval = "" if low is None or high is None else f" (95 % interval {low:z.2f} to {high:z.2f})"
        console.print(f"Human-normalized: {scaled:z.2f}{interval}; random play is 0, the {HUMAN} 1.")
    for one in classes:
        if one.forfeits:
            console.print(
                f"{one.name} broke down in {one.forfeits} of {len(one.scores)} games; what it had scored counts.",
                markup=False,
            )
    if len(classes) > 1:
        console.print()
        table = new_table(
            ("reaction delay", "right"),
            ("games", "right"),
            ("mean", "right"),
            (INTERVAL, "right"),
            ("share", "right"),
        )
        for one in classes:
            summary = one.summary()
            share = f"{summary.mean / found.mean:.0%}" if found.n and found.mean > 0 and summary.n else "-"
            mean = f"{summary.mean:,.{digits}f}" if summary.n else "-"
            table.add_row(f"{one.delay_ms} ms", f"{summary.n:,}", mean, interval_text(summary, digits), share)
        print_table(console, table, "games", INTERVAL)
    for check in (checks.open_loop, checks.rerun):
        if check is not None:
            console.print(check.sentence(), markup=False)


def as_json(game: Game, classes: Sequence[Class], checks: Checks) -> dict[str, Any]:
    """Return the same for a program to read."""
    return {
        "classes": [
            {
                "delay_ms": one.delay_ms,
                "player": one.name,
                "summary": asdict(one.summary()),
                "percentiles": {str(p): value for p, value in one.percentiles().items()},
                "human_normalized": normalized(game, one.summary().mean) if one.scores else None,
                "forfeits": one.forfeits,
            }
            for one in classes
        ],
        "open_loop": None if checks.open_loop is None else asdict(checks.open_loop) | {"ratio": checks.open_loop.ratio},
        "rerun": None if checks.rerun is None else asdict(checks.rerun),
    }
