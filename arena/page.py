"""The page of an event: one HTML file with standings, verdicts and every recorded game. It needs nothing from outside,
runs no script, and can be opened from a memory stick."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from agents.player import Kind
from arena.results import Result, Standing
from envs.games import FPS, HUMAN, RANDOM, Game, Reference, find_game
from envs.step import End
from recordings.storage import write_atomically

if TYPE_CHECKING:
    from jinja2 import Environment

    from arena.scoreboard import Scoreboard

TEMPLATES = Path(__file__).parent / "templates"

REFERENCE_REACH = 1.5
"""A reference score stands on the axis if it is at most so many times the best score played; else it would squeeze
everything that was played into a corner."""
HUMAN_REACH = 4.0
"""The same for the human reference, which people look for first."""
TICKS = 5
"""About so many numbers on an axis."""

LETTER_ROOM = 6.0
"""Percent of the axis that a reference's letter takes on a phone."""

PlayerKey = tuple[str, Kind, str | None]
"""Who a player is: name, kind, artifact."""


@dataclass(frozen=True, slots=True)
class Refused:
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
    refused: Sequence[Refused] = ()


@dataclass(frozen=True, slots=True)
class EventPage:
    """All that stands on the page."""

    title: str
    when: date
    sections: Sequence[GameSection]
    recordings: str = "recordings"
    """Where the recordings lie, relative to the page, with slashes."""
    film: str | None = None
    """A film to watch, as a path relative to the page."""
    film_text: str = "Watch a game"
    """What stands on the link to it."""


def render(page: EventPage) -> str:
    """Return the page as HTML."""
    return (
        environment(TEMPLATES)
        .get_template("page.html.j2")
        .render(page=page, games=[GameView(section) for section in page.sections], totals=_totals(page.sections))
    )


def environment(*folders: Path) -> Environment:
    """Return what the pages' templates are drawn with: everything is escaped, and a missing value is an error.

    Args:
        folders: where templates lie; the first one that has it counts.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"points": points, "mean": mean_points, "clock": clock, "path": _path}
    made.globals |= {"ended": ENDED}
    return made


def write_page(page: EventPage, path: Path) -> None:
    """Write the page as one file.

    Raises:
        EventError: it can't be written; what was there before stays.
    """
    write_atomically(path, render(page).encode())


def sections_of(scoreboard: Scoreboard, games: Iterable[str] | None = None) -> list[GameSection]:
    """Return a section for everything on the scoreboard, in the order of the event's games.

    Args:
        games: only these, by ROM name; None takes all.

    Raises:
        ScoreboardError: the scoreboard can't be read.
    """
    from envs.games import GAMES

    order = list(GAMES)
    wanted = None if games is None else set(games)
    classes = [c for c in scoreboard.classes() if wanted is None or c.game in wanted]
    classes.sort(key=lambda c: (order.index(c.game) if c.game in order else len(order), c.game, c.label, c.rules_id))
    sections = []
    for c in classes:
        standings = scoreboard.standings(c.game, c.rules_id)
        episodes = scoreboard.results(game=c.game, rules_id=c.rules_id)
        verdicts = verdicts_of(standings, episodes)
        sections.append(GameSection(find_game(c.game), c.label, c.rules_id, standings, episodes, verdicts))
    return sections


def verdicts_of(standings: Sequence[Standing], episodes: Sequence[Result]) -> list[str]:
    """Return a sentence for each two players who follow each other in the standings and share seeds. All of them
    together err in at most 5 % of cases (Bonferroni).

    Args:
        standings: best first.
        episodes: the latest first, as `Scoreboard.results` gives them; a player's first game on a seed counts.
    """
    from arena.statistics import compare, first_by_seed

    sentences = []
    plays: dict[PlayerKey, list[tuple[int, float]]] = {}
    for episode in reversed(episodes):
        plays.setdefault(_key(episode), []).append((episode.seed, episode.score))
    labels = _labels(standings)
    for a, b in pairwise(standings):
        by_seed = first_by_seed(plays.get(_key(a), ())), first_by_seed(plays.get(_key(b), ()))
        compared = compare(*by_seed, alpha=0.05 / (len(standings) - 1))
        if compared.n:
            sentences.append(compared.sentence(labels[_key(a)], labels[_key(b)]))
    return sentences


def points(score: float) -> str:
    """Return a score as people write it: `1,234` or `30.5`."""
    return f"{score:,.0f}" if float(score).is_integer() else f"{score:,.1f}"


def mean_points(score: float) -> str:
    """Return a mean or a median: `30.5`, and `1,234` where tenths say nothing any more."""
    return f"{score:,.1f}" if abs(score) < 999.95 else f"{score:,.0f}"


# -- what the template draws -------------------------------------------------------------------------------------------


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


class GameView:
    """A section as the template wants it."""

    def __init__(self, section: GameSection) -> None:
        self.section = section
        self.axis = Axis(section)
        games: dict[PlayerKey, list[Result]] = {}
        for episode in section.episodes:
            games.setdefault(_key(episode), []).append(episode)
        self.players = [PlayerView(s, self.axis, games.get(_key(s), ())) for s in section.standings]
        self.anchor = f"{section.game.name}-{section.rules_id[:8]}"
        self.seeds = len({episode.seed for episode in section.episodes})


def _totals(sections: Sequence[GameSection]) -> list[tuple[str, str]]:
    players = {_key(standing) for section in sections for standing in section.standings}
    episodes = [episode for section in sections for episode in section.episodes]
    frames = sum(episode.frames for episode in episodes)
    return [
        _count({section.game.name for section in sections}, "game"),
        _count(players, "player"),
        _count(episodes, "episode"),
        (_duration(frames), "of play, replayed bit for bit"),
    ]


def _count(things: Sized, noun: str) -> tuple[str, str]:
    return f"{len(things):,}", noun if len(things) == 1 else noun + "s"


def _key(of: Standing | Result) -> PlayerKey:
    return of.player, of.kind, of.artifact_sha256


def _labels(standings: Sequence[Standing]) -> dict[PlayerKey, str]:
    """What a sentence calls each player: versions of one bot are told apart by their artifact."""
    names = [standing.player for standing in standings]
    return {
        _key(s): s.player if names.count(s.player) == 1 else f"{s.player} ({(s.artifact_sha256 or s.kind)[:8]})"
        for s in standings
    }


def _step(span: float) -> float:
    """Return a round number (1, 2 or 5 times a power of ten, at least 1), about `TICKS` of which make `span`."""
    rough = max(span / TICKS, 1.0)
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)


ENDED = {
    End.TERMINATED: "game over",
    End.TRUNCATED: "time was up",
    End.QUIT: "left early",
    End.FAILED: "forfeited",
}


def clock(frames: int) -> str:
    minutes, seconds = divmod(int(frames / FPS), 60)
    return f"{minutes}:{seconds:02d}"


def _duration(frames: int) -> str:
    minutes = round(frames / FPS / 60)
    if minutes < 1:
        return f"{frames / FPS:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:,.0f} h"


def _path(*parts: str) -> str:
    """Return a relative link: whatever a file is called, it can't become another scheme or another host."""
    return "./" + "/".join(quote(part.strip("/"), safe="/") for part in parts)
