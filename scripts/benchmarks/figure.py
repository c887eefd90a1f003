"""A measured figure and the way it was measured."""

from __future__ import annotations

import statistics
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Figure:
    name: str
    """What was measured."""
    value: float
    target: str
    """What it should be, e.g. `>= 0.9`."""
    how: str
    """How it was taken, in one sentence."""
    unit: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    """Whatever else a reader may want: the two sides, repetitions, spread."""

    @property
    def met(self) -> bool:
        sign, bound = self.target.split()[:2]
        return {">=": self.value >= float(bound), "<": self.value < float(bound), "<=": self.value <= float(bound)}[
            sign
        ]

    def line(self) -> str:
        mark = "ok " if self.met else "NOT"
        return f"{mark} {self.name}: {self.value:.3g}{self.unit} (target {self.target}{self.unit}); {self.how}"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"met": self.met}


def survive(parts: Sequence[Callable[..., Iterator[Figure]]], *given: object) -> Iterator[Figure]:
    """Yield the figures of every part of a suite; one that breaks off costs its own figures, not those of the others.

    Args:
        parts: generators of figures.
        given: what each of them is given.
    """
    for part in parts:
        try:
            yield from part(*given)
        except Exception as error:
            traceback.print_exc()
            yield Figure(
                f"{part.__name__.strip('_')} could not be measured", 1, "<= 0", f"{type(error).__name__}: {error}"
            )


def alternate(sides: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Call every side once per round, in turn; return what they measured."""
    measured: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, measure in sides.items():
            measured[name].append(measure())
    return measured


def timed(work: Callable[[], object]) -> float:
    """Return the wall-clock seconds that `work` takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def median_ratio(above: list[float], below: list[float]) -> float:
    """Return the median of the ratios of paired measurements."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}
