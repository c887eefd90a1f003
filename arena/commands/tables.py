"""What the commands print about results: tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from envs.games import HUMAN, RANDOM, TESTER, Game
from envs.rules import Rules

if TYPE_CHECKING:
    from arena.book import Booking
    from arena.results import Standing
    from arena.statistics import Summary
    from recordings.recording import Recording

Scores = Mapping[str, Mapping[int, int]]
"""Points by player and seed."""


def scores_of(bookings: Sequence[Booking]) -> dict[str, dict[int, int]]:
    """Return the verified scores by player and seed."""
    scores: dict[str, dict[int, int]] = {}
    for recording in verified(bookings):
        scores.setdefault(recording.player.name, {})[recording.seed] = recording.score
    return scores


def verified(bookings: Sequence[Booking]) -> list[Recording]:
    return [b.recording for b in bookings if b.recording is not None and b.verification.ok]


def print_match(game: Game, rules: Rules, names: Sequence[str], bookings: Sequence[Booking]) -> None:
    """Print the scores per seed, a summary per player and the verdict of every pair."""
    from rich.console import Console
    from rich.table import Table

    scores = scores_of(bookings)
    names = list(dict.fromkeys(names))
    console = Console()
    table = Table(title=f"{game.title}, rules {rules.label} ({rules.rules_id[:8]})", title_justify="left")
    table.add_column("seed", justify="right")
    for name in names:
        table.add_column(_plain(name), justify="right")
    for seed in sorted({seed for by_seed in scores.values() for seed in by_seed}):
        row = [scores.get(name, {}).get(seed) for name in names]
        best = max((points for points in row if points is not None), default=None)
        table.add_row(str(seed), *(_points(points, strong=points == best and len(names) > 1) for points in row))
    table.add_section()
    summaries = {name: _summary(scores.get(name, {})) for name in names}
    table.add_row("mean", *(f"{summaries[name].mean:,.1f}" for name in names))
    table.add_row("95 %", *(_interval(summaries[name]) for name in names))
    table.add_row("median", *(f"{summaries[name].median:,.1f}" for name in names))
    console.print(table)
    for sentence in verdicts(scores, names):
        console.print(_plain(sentence), highlight=False)
    _print_proof(console, bookings)


def verdicts(scores: Scores, names: Sequence[str]) -> list[str]:
    """Return one sentence for every pair of players that share seeds."""
    from itertools import combinations

    from arena.statistics import compare

    return [
        compare(scores[a], scores[b]).sentence(a, b)
        for a, b in combinations(names, 2)
        if scores.get(a, {}).keys() & scores.get(b, {}).keys()
    ]


def print_evaluation(game: Game, rules: Rules, bookings: Sequence[Booking]) -> None:
    """Print one agent's summary beside the reference scores."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for name, by_seed in scores_of(bookings).items():
        summary = _summary(by_seed)
        table = Table(title=f"{game.title}, rules {rules.label} ({rules.rules_id[:8]})", title_justify="left")
        table.add_column("who")
        table.add_column("mean", justify="right")
        table.add_column("95 % interval", justify="right")
        table.add_column("how measured")
        seeds = sorted(by_seed)
        table.add_row(
            f"[bold]{_plain(name)}[/bold]",
            f"[bold]{summary.mean:,.1f}[/bold]",
            _interval(summary),
            f"{summary.n} seeds, {seeds[0]} to {seeds[-1]}; median {summary.median:,.1f}, best {summary.maximum:,.0f}",
        )
        for reference in game.references:
            table.add_row(reference.who, f"{reference.score:,.1f}", "", f"{reference.conditions}; {reference.source}")
        console.print(table)
    _print_proof(console, bookings)


def print_standings(game: Game, label: str, standings: Sequence[Standing]) -> None:
    """Print the standings of one game under one set of rules."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{game.title}, rules {label}", title_justify="left")
    for column, justify in (
        ("", "right"), ("player", "left"), ("kind", "left"), ("games", "right"), ("mean", "right"),
        ("95 % interval", "right"), ("median", "right"), ("best", "right"),
    ):  # fmt: skip
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for s in standings:
        table.add_row(
            str(s.rank), _plain(s.player), s.kind, str(s.episodes), f"{s.mean:,.1f}",
            _interval(s), f"{s.median:,.1f}", f"{s.best:,.0f}",
        )  # fmt: skip
    if game.references:
        table.add_section()
        for reference in game.references:
            if reference.who in (RANDOM, HUMAN, TESTER):
                table.add_row("", f"[dim]{reference.who}[/dim]", "", "", f"[dim]{reference.score:,.1f}[/dim]")
    Console().print(table)


def print_json(game: Game, rules: Rules, names: Sequence[str], bookings: Sequence[Booking]) -> None:
    """Print scores, summaries and comparisons as one JSON object."""
    from itertools import combinations

    from arena.statistics import compare

    scores = scores_of(bookings)
    names = list(dict.fromkeys(names))
    dump(
        {
            "game": game.name,
            "rules": rules.as_dict(),
            "rules_id": rules.rules_id,
            "players": [
                {
                    "name": name,
                    "summary": asdict(_summary(scores.get(name, {}))),
                    "scores": [{"seed": seed, "score": score} for seed, score in sorted(scores.get(name, {}).items())],
                }
                for name in names
            ],
            "comparisons": [
                {"a": a, "b": b} | asdict(compare(scores[a], scores[b]))
                for a, b in combinations(names, 2)
                if scores.get(a, {}).keys() & scores.get(b, {}).keys()
            ],
            "recordings": [
                {"file": b.path.name, "verified": b.verification.ok, "reason": b.verification.reason} for b in bookings
            ],
        }
    )


def dump(value: Any) -> None:
    """Print `value` as JSON."""
    print(json.dumps(value, indent=2, default=str, ensure_ascii=False))


def _summary(by_seed: Mapping[int, int]) -> Summary:
    from arena.statistics import summary

    return summary([float(score) for score in by_seed.values()])


def _points(points: int | None, *, strong: bool) -> str:
    if points is None:
        return "-"
    return f"[bold]{points:,}[/bold]" if strong else f"{points:,}"


def _interval(one: Summary | Standing) -> str:
    return "-" if one.low is None or one.high is None else f"{one.low:,.1f} - {one.high:,.1f}"


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _print_proof(console: Any, bookings: Sequence[Booking]) -> None:
    good = sum(b.verification.ok for b in bookings)
    folder = bookings[0].path.parent if bookings else ""
    console.print(f"{good} of {len(bookings)} recordings replayed bit for bit; they are in {folder}", highlight=False)
