"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from agents.delay import is_delayed
from arena.html.environment import TEMPLATES, environment
from arena.report.gather import Report
from arena.report.stories import HighlightClip, Story
from arena.scoreboard.results import Result
from arena.stats.text import play_time
from envs.games import find_game


def render(report: Report, plots: Mapping[str, str], stories: Sequence[Story], clips: Sequence[HighlightClip]) -> str:
    """Return the report as HTML.

    Args:
        report: what it tells.
        plots: SVG texts by the names of `arena.report.plots.all_of`.
        stories: of the finals.
        clips: the highlights.
    """
    made = environment(TEMPLATES)
    made.filters |= {"capitalize_first": _capital}
    made.globals |= {"title": lambda game: find_game(game).title}
    hashes = sorted(report.results, key=lambda result: result.recording_name)
    return made.get_template("report.html.j2").render(
        report=report, plots=plots, stories=stories, clips=clips, hashes=hashes, totals=totals(report),
        all_hash=hash_of_all(hashes),
    )  # fmt: skip


def totals(report: Report) -> list[tuple[str, str]]:
    """Return the event in numbers: each with what it counts."""
    players = {(r.player, r.kind, r.artifact_sha256) for r in report.results if not is_delayed(r.player)}
    people = sum(kind == "human" for _, kind, _ in players)
    frames = sum(result.frames for result in report.results)
    return [
        (f"{people:,}", "person" if people == 1 else "people"),
        (f"{len(players) - people:,}", "bots and scripts"),
        (f"{len(report.results):,}", "episodes"),
        (play_time(frames), "of play, replayed bit for bit"),
    ]


def hash_of_all(hashes: Sequence[Result]) -> str:
    """Return SHA-256 over the lines `HASH  NAME` of all recordings, as `sha256sum` writes them, sorted by name."""
    text = "".join(f"{one.recording_sha256}  {one.recording_name}\n" for one in hashes)
    return hashlib.sha256(text.encode()).hexdigest()


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
