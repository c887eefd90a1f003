"""What the commands print about results: tables for people, JSON for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import combinations
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from arena.scoreboard.publish import Publication
from arena.scoreboard.results import Standing
from arena.stats.comparison import Comparison, Summary, compare, summary
from envs.games import HUMAN, RANDOM, TESTER, Game
from envs.rules import Rules
from recordings.recording import Recording

Scores = Mapping[str, Mapping[int, int]]
"""Points by player and seed."""

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
INTERVAL = "95 % interval"
NAME_COLUMNS = 12
"""So many columns of a terminal names keep before other columns are left out."""


# -- what was played -------------------------------------------------------------------------------------------------


def scores_of(publications: Sequence[Publication]) -> dict[str, dict[int, int]]:
    """Return the verified scores by player and seed."""
    scores: dict[str, dict[int, int]] = {}
    for recording in verified(publications):
        scores.setdefault(recording.player.name, {})[recording.seed] = recording.score
    return scores


def verified(publications: Sequence[Publication]) -> list[Recording]:
    """Return the recordings that verify."""
    return [b.recording for b in publications if b.recording is not None and b.verification.ok]


def verdicts(scores: Scores, names: Sequence[str]) -> list[str]:
    """Return one sentence for every pair of players that share seeds."""
    return [comparison.sentence(a, b) for a, b, comparison in comparisons(scores, names)]


def comparisons(scores: Scores, names: Sequence[str]) -> list[tuple[str, str, Comparison]]:
    """Compare every pair of players that share seeds. All verdicts together err in at most 5 % of cases: each gets its
    share of them (Bonferroni)."""
    pairs = [(a, b) for a, b in combinations(names, 2) if scores.get(a, {}).keys() & scores.get(b, {}).keys()]
    return [(a, b, compare(scores[a], scores[b], alpha=0.05 / len(pairs))) for a, b in pairs]


def _summary(by_seed: Mapping[int, int]) -> Summary:
    return summary([float(score) for score in by_seed.values()])


# -- for people ------------------------------------------------------------------------------------------------------


def print_match(game: Game, rules: Rules, names: Sequence[str], publications: Sequence[Publication]) -> None:
    """Print the scores per seed, a summary per player and the verdict of every pair."""
    console = new_console()
    scores = scores_of(publications)
    _heading(console, game, f"{rules.label} ({rules.rules_id[:8]})")
    # Names that don't fit side by side are replaced by letters, which the summary explains.
    fits = 4 + sum(2 + max(cell_len(name), 7) for name in names) <= console.width
    heads = list(names) if fits else [LETTERS[i % len(LETTERS)] * (1 + i // len(LETTERS)) for i in range(len(names))]
    for table in _score_tables(console, scores, names, heads):
        console.print(table)
        console.print()
    summaries = _summary_table({name: _summary(scores.get(name, {})) for name in names}, None if fits else heads)
    print_table(console, summaries, "median", INTERVAL, "games", "best")
    console.print()
    for sentence in verdicts(scores, names):
        console.print(sentence, markup=False)
    _print_proof(console, publications)


def print_evaluation(game: Game, rules: Rules, name: str, publications: Sequence[Publication]) -> None:
    """Print one agent's summary and below it the reference scores with their sources."""
    console = new_console()
    by_seed = scores_of(publications).get(name, {})
    played = f", seeds {min(by_seed)} to {max(by_seed)}" if by_seed else ""
    _heading(console, game, f"{rules.label} ({rules.rules_id[:8]}){played}")
    print_table(console, _summary_table({name: _summary(by_seed)}), "median", "games", "best", INTERVAL)
    console.print()
    if game.references:
        sources = list(dict.fromkeys(reference.source for reference in game.references))
        table = new_table(("reference", "left"), ("score", "right"), ("measured with", "left"))
        digits = decimals(reference.score for reference in game.references)
        for reference in game.references:
            source = sources.index(reference.source) + 1
            table.add_row(
                plain_text(reference.who),
                f"{reference.score:,.{digits}f}",
                plain_text(f"{reference.conditions} [{source}]"),
            )
        console.print(table)
        for number, source_text in enumerate(sources, start=1):
            console.print(plain_text(f"[{number}] {source_text}", "dim"))
        console.print()
    _print_proof(console, publications)


def print_standings(game: Game, label: str, standings: Sequence[Standing]) -> None:
    """Print the standings of one game under one set of rules, with the best known reference scores below."""
    console = new_console()
    _heading(console, game, label)
    references = [reference for reference in game.references if reference.who in (RANDOM, HUMAN, TESTER)]
    digits = decimals([*(s.best for s in standings), *(r.score for r in references)])
    table = new_table(
        ("#", "right"), ("player", "left"), ("kind", "left"), ("games", "right"), ("mean", "right"),
        (INTERVAL, "right"), ("median", "right"), ("best", "right"),
    )  # fmt: skip
    named = [(s.player, s.kind) for s in standings]
    for s in standings:
        player = plain_text(s.player)
        if named.count((s.player, s.kind)) > 1 and s.artifact_sha256:  # another version of a bot is another player
            player.append(f" {s.artifact_sha256[:6]}", style="dim")
        table.add_row(
            str(s.rank), player, s.kind.value, f"{s.episodes:,}", f"{s.mean:,.{digits}f}",
            interval_text(s, digits), f"{s.median:,.{digits}f}", f"{s.best:,.0f}",
        )  # fmt: skip
    for reference in references:
        table.add_row("", plain_text(reference.who), "", "", f"{reference.score:,.{digits}f}", style="dim")
    print_table(console, table, "median", "kind", INTERVAL, "games", "best")


def new_console() -> Console:
    return Console(highlight=False)


def _heading(console: Console, game: Game, rules: str) -> None:
    console.print(plain_text(f"{game.title}, rules {rules}", "bold"))


def new_table(*columns: tuple[str, str]) -> Table:
    """Return an empty table without frames. Only its text columns may be folded; nothing is ever cut off."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="")
    for name, justify in columns:
        text = justify == "left" and name != "kind"
        table.add_column(plain_text(name), justify=justify, no_wrap=not text, overflow="fold")  # type: ignore[arg-type]
    return table


def print_table(console: Console, table: Table, *spare: str) -> None:
    """Print a table of `new_table`. Where names would be folded below `NAME_COLUMNS`, columns are left out, those in
    `spare` in their order, and a line below says which."""
    left_out = list[str]()
    for name in spare:
        if _needed(table) <= console.width:
            break
        table = _without(table, name)
        left_out.append(name)
    console.print(table)
    if left_out:
        console.print(plain_text(f"Too narrow for {', '.join(left_out)}.", "dim"))


def _needed(table: Table) -> int:
    """Return how many columns of a terminal a table takes when its text columns are folded as far as they may be."""
    widths = []
    for column in table.columns:
        longest = max(cell_len(str(cell)) for cell in (column.header, *column.cells))
        widths.append(longest if column.no_wrap else min(longest, NAME_COLUMNS))
    return sum(widths) + 2 * (len(widths) - 1)


def _without(table: Table, name: str) -> Table:
    kept = [column for column in table.columns if str(column.header) != name]
    fresh = new_table(*((str(column.header), column.justify) for column in kept))
    for row, *cells in zip(table.rows, *(column.cells for column in kept), strict=True):
        fresh.add_row(*cells, style=row.style)
    return fresh


def _score_tables(console: Console, scores: Scores, names: Sequence[str], heads: Sequence[str]) -> Iterator[Table]:
    """Yield tables of the scores per seed: one if all players fit side by side, else one below the other."""
    most = max((len(f"{points:,}") for by_seed in scores.values() for points in by_seed.values()), default=1)
    widths = [2 + max(cell_len(head), most) for head in heads]
    begin = 0
    while begin < len(names):
        end, room = begin + 1, console.width - len("seed") - 6 - widths[begin]  # seeds of a final have ten digits
        while end < len(names) and widths[end] <= room:
            room -= widths[end]
            end += 1
        yield _score_table(scores, names[begin:end], heads[begin:end])
        begin = end


def _score_table(scores: Scores, names: Sequence[str], heads: Sequence[str]) -> Table:
    table = new_table(("seed", "right"), *((head, "right") for head in heads))
    for seed in sorted({seed for by_seed in scores.values() for seed in by_seed}):
        row = [scores.get(name, {}).get(seed) for name in names]
        best = max((points for points in row if points is not None), default=None)
        table.add_row(
            str(seed),
            *("-" if points is None else plain_text(f"{points:,}", "bold" if points == best else "") for points in row),
        )
    return table


def _summary_table(summaries: Mapping[str, Summary], letters: Sequence[str] | None = None) -> Table:
    table = new_table(
        ("player", "left"), ("games", "right"), ("mean", "right"), (INTERVAL, "right"), ("median", "right"),
        ("best", "right"),
    )  # fmt: skip
    digits = decimals(summary.maximum for summary in summaries.values())
    for i, (name, found) in enumerate(summaries.items()):
        player = plain_text(f"{letters[i]}  {name}" if letters else name)
        if found.n == 0:
            table.add_row(player, "0", "-", "-", "-", "-")
        else:
            table.add_row(
                player, f"{found.n:,}", plain_text(f"{found.mean:,.{digits}f}", "bold"), interval_text(found, digits),
                f"{found.median:,.{digits}f}", f"{found.maximum:,.0f}",
            )  # fmt: skip
    return table


def _print_proof(console: Console, publications: Sequence[Publication]) -> None:
    """Say what was proved, where it lies, and what of it the scoreboard had already."""
    good = [b for b in publications if b.verification.ok]
    noun = "recording" if len(publications) == 1 else "recordings"
    where = f" in {publications[0].path.parent}" if publications else ""
    console.print(
        f"{len(good)} of {len(publications)} {noun}{where} replayed bit for bit.", markup=False, soft_wrap=True
    )
    known = sum(not b.new and b.unranked is None for b in good)
    if known:
        which = f"{known} of these games" if known < len(good) else "All of these games" if known > 1 else "This game"
        console.print(
            f"{which} {'was' if known == 1 else 'were'} on the scoreboard already: the same game again proves nothing "
            "new and is not counted twice."
        )


def interval_text(one: Summary | Standing, digits: int) -> str:
    return "-" if one.low is None or one.high is None else f"{one.low:,.{digits}f} - {one.high:,.{digits}f}"


def decimals(values: Iterable[float]) -> int:
    """Return how many decimals the means of a table need beside numbers as large as `values`."""
    return 0 if any(abs(value) >= 1000 for value in values) else 1


def plain_text(text: str, style: str = "") -> Any:
    """Text that is printed as it is: names and file names may look like Rich's markup."""
    return Text(text, style=style)


# -- for programs ----------------------------------------------------------------------------------------------------


def print_json(
    game: Game,
    rules: Rules,
    names: Sequence[str],
    publications: Sequence[Publication],
    more: Mapping[str, Any] | None = None,
) -> None:
    """Print scores, summaries and comparisons, and what is in `more`, as one JSON object."""

    scores = scores_of(publications)
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
            "comparisons": [{"a": a, "b": b} | asdict(comparison) for a, b, comparison in comparisons(scores, names)],
            "recordings": [
                {
                    "file": b.path.name,
                    "verified": b.verification.ok,
                    "reason": b.verification.reason,
                    "new_on_scoreboard": b.new,
                    "unranked": b.unranked,
                }
                for b in publications
            ],
        }
        | dict(more or {})
    )


def dump(value: Any) -> None:
    """Print `value` as JSON in ASCII: what is not a number becomes null, a time its ISO text."""
    print(json.dumps(_plain(value), indent=2, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat() if isinstance(value, datetime) else value
