"""The page of an event: one HTML file with standings, verdicts and every recorded game. It needs nothing from outside,
runs no script, and can be opened from a memory stick."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from agents.player import Kind
from arena.html.environment import TEMPLATES, environment
from arena.html.score_axis import Axis, GameSection, PlayerView
from arena.scoreboard.results import Result, Standing
from arena.stats.comparison import compare, first_by_seed
from arena.stats.text import play_time
from envs.games import GAMES, find_game
from recordings.storage import write_atomically

if TYPE_CHECKING:
    from arena.scoreboard.store import Scoreboard

PlayerKey = tuple[str, Kind, str | None]
"""Who a player is: name, kind, artifact."""


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
        .render(page=page, games=[GameSectionView(section) for section in page.sections], totals=_totals(page.sections))
    )


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


# -- what the template draws -------------------------------------------------------------------------------------------


class GameSectionView:
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
        (play_time(frames), "of play, replayed bit for bit"),
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
