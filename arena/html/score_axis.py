"""The scores of one game on a common axis: where everything stands, in percent."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from arena.scoreboard.results import Result, Standing
from arena.stats.text import points
from envs.games import HUMAN, RANDOM, Game, Reference

REFERENCE_REACH = 1.5
"""A reference score stands on the axis if it is at most so many times the best score played; else it would squeeze
everything that was played into a corner."""
HUMAN_REACH = 4.0
"""The same for the human reference, which people look for first."""
TICKS = 5
"""About so many numbers on an axis."""
LETTER_ROOM = 6.0
"""Percent of the axis that a reference's letter takes on a phone."""


@dataclass(frozen=True, slots=True)
class RefusedRecording:
    """A recording that does not count."""

    recording_name: str
    reason: str
    """One sentence."""


@dataclass(frozen=True, slots=True)
class GameSection:
    """One game under one set of rules."""

    game: Game
    rules_label: str
    rules_id: str
    standings: Sequence[Standing]
    """Best first."""
    episodes: Sequence[Result]
    """Every game that counts; all of them were replayed before they were stored."""
    verdicts: Sequence[str] = ()
    """What the comparison of two players on the same seeds says, one sentence each."""
    refused: Sequence[RefusedRecording] = ()


@dataclass(frozen=True, slots=True)
class _Tick:
    at: float
    """Percent of the axis."""
    text: str


@dataclass(frozen=True, slots=True)
class _Line:
    """A reference score."""

    letter: str
    """What it is called on the axis; empty if it isn't there."""
    reference: Reference
    at: float | None
    """Percent of the axis; None if it lies beyond, or there is no room for its letter."""
    row: int
    """0 or 1: neighbours' letters stand one above the other."""
    human: bool


class Axis:
    """The common horizontal axis of one game's plots, from the lowest to the highest value on it."""

    def __init__(self, section: GameSection) -> None:
        played = [episode.score for episode in section.episodes]
        for standing in section.standings:
            played += [standing.best, standing.mean, standing.low or standing.mean, standing.high or standing.mean]
        top = max(played, default=0.0)
        shown = [
            r
            for r in section.game.references
            if not played or r.score <= top * (HUMAN_REACH if r.who == HUMAN else REFERENCE_REACH)
        ]
        if not played:  # without a game, leave the records out
            shown = [r for r in shown if not r.who.startswith("record")]
        values = [*played, *(r.score for r in shown)]
        low, high = min(values, default=0.0), max(values, default=0.0)
        step = _step(high - min(low, 0.0))
        self.low = min(0.0, step * math.floor(low / step))
        self.high = max(step, high)
        count = math.floor((self.high - self.low) / step)
        numbers = [self.low + step * i for i in range(count + 1)]
        self.ticks = [_Tick(self.at(number), points(number)) for number in numbers]
        self.lines = list(self._lines(section.game.references, shown))

    def at(self, value: float) -> float:
        """Where `value` stands, in percent from the left."""
        return round(100 * (value - self.low) / (self.high - self.low), 2)

    def _lines(self, references: Sequence[Reference], shown: Sequence[Reference]) -> Iterator[_Line]:
        rows: tuple[list[float], list[float]] = ([], [])
        places: dict[Reference, tuple[float, int]] = {}
        for reference in sorted(shown, key=lambda r: (r.who != HUMAN, r.who != RANDOM)):
            at = self.at(reference.score)
            free = [n for n, row in enumerate(rows) if all(abs(at - other) >= LETTER_ROOM for other in row)]
            if free:
                rows[free[0]].append(at)
                places[reference] = at, free[0]
        letters = iter("abcdefghijklmnopqrstuvwxyz")
        for reference in sorted(references, key=lambda r: r.score):
            here, row_number = places.get(reference, (None, 0))
            letter = "" if here is None else next(letters)
            yield _Line(letter, reference, here, row_number, reference.who == HUMAN)


class PlayerView:
    """One line of the standings with its plot and its games."""

    def __init__(self, standing: Standing, axis: Axis, episodes: Sequence[Result]) -> None:
        self.standing = standing
        self.episodes = sorted(episodes, key=lambda e: (e.seed, e.started_at))
        self.version = (standing.artifact_sha256 or "")[:8]
        self.mean = axis.at(standing.mean)
        self.low = None if standing.low is None else axis.at(standing.low)
        self.high = None if standing.high is None else axis.at(standing.high)
        self.dots = sorted({axis.at(episode.score) for episode in episodes})


def _step(span: float) -> float:
    """Return a round number (1, 2 or 5 times a power of ten, at least 1), about `TICKS` of which make `span`."""
    rough = max(span / TICKS, 1.0)
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
