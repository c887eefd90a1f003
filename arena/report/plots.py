"""The plots of the report. People are blue circles, bots vermilion squares, scripts vermilion diamonds: colours of
Okabe and Ito, and shapes for those who don't see them."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.player import Kind
from arena.report.gather import GameView, Ranking, Report
from arena.stats.verdicts import GameVerdict
from arena.tournament.sides import sides_of
from arena.ui.palette import LIGHT
from envs.games import HUMAN, find_game

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from arena.report.stories import Story

INK, QUIET, LINE = LIGHT["ink"], LIGHT["quiet"], LIGHT["line"]
PEOPLE, BOTS, REFERENCE = LIGHT["people"], LIGHT["bots"], LIGHT["reference"]
WIDTH = 7.6
"""Inches."""
MOST_SEEDS, MOST_PLAYERS, MOST_DOTS = 30, 20, 400

MARKS = {Kind.HUMAN.value: ("o", PEOPLE), Kind.BOT.value: ("s", BOTS), Kind.SCRIPT.value: ("D", BOTS)}


def svg(figure: Figure) -> str:
    """Return a figure as SVG for the inside of a page, in the page's own colours."""
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "arena"}), _any_letters():
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    for name, colour in LIGHT.items():
        text = text.replace(colour, f"var(--{name})")
    text = re.sub(r"font: ([^;\"]*?)px [^;\"]*", r"font: \1px system-ui, sans-serif", text)
    return re.sub(r' width="[\d.]+pt" height="[\d.]+pt"', "", text, count=1)


def png(figure: Figure) -> bytes:
    """Return a figure as PNG for paper."""
    buffer = io.BytesIO()
    with _any_letters():
        figure.savefig(buffer, format="png", dpi=220, facecolor="white")
    return buffer.getvalue()


@contextmanager
def _any_letters() -> Iterator[None]:
    """Letters that the font lacks become boxes on paper; that is no reason for a warning on the terminal."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        yield


def _axes(height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots()
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.tick_params(colors=QUIET, labelsize=8.5, length=0, pad=5)
    axes.grid(axis="x", color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    return figure, axes


def paired(verdict: GameVerdict, people: Mapping[str, Any], bots: Mapping[str, Any]) -> Figure | None:
    """Draw a line for each seed from the bots' mean to the people's; None if no seed was played by both."""
    seeds = sorted(verdict.differences, key=lambda seed: verdict.differences[seed])[:MOST_SEEDS]
    if not seeds:
        return None
    mean = [
        [float(np.mean([by_seed[s] for name, by_seed in side.items() if name in who])) for s in seeds]
        for side, who in ((people, verdict.people), (bots, verdict.bots))
    ]
    figure, axes = _axes(0.75 + 0.2 * len(seeds))
    rows = range(len(seeds))
    ahead = [PEOPLE if p > b else BOTS if b > p else REFERENCE for p, b in zip(*mean, strict=True)]
    axes.hlines(rows, mean[0], mean[1], colors=ahead, linewidth=2, alpha=0.45)
    axes.plot(mean[1], rows, "s", color=BOTS, markersize=5.5, label="bots")
    axes.plot(mean[0], rows, "o", color=PEOPLE, markersize=6.5, label="people")
    axes.set_yticks([])
    axes.set_ylim(-0.7, len(seeds) - 0.3)
    axes.margins(x=0.03)
    axes.set_xlim(left=min(0.0, axes.get_xlim()[0]) if min(map(min, mean)) < 0.4 * max(map(max, mean)) else None)
    _label(axes, "points; each line is one seed")
    _legend(axes, 2)
    return figure


def strengths(ranking: Ranking) -> Figure:
    """Draw everybody's strength with its interval, the best at the top."""
    shown = ranking.strengths[:MOST_PLAYERS]
    figure, axes = _axes(0.65 + 0.24 * len(shown))
    for row, one in enumerate(reversed(shown)):
        mark, colour = MARKS.get(ranking.kinds[one.player].value, MARKS["bot"])
        axes.hlines(row, one.low, one.high, colors=colour, linewidth=2, alpha=0.5)
        axes.plot([one.elo], [row], mark, color=colour, markersize=6)
    axes.set_yticks(range(len(shown)), [_short(one.player) for one in reversed(shown)])
    axes.tick_params(axis="y", colors=INK)
    axes.set_ylim(-0.6, len(shown) - 0.4)
    _label(axes, "Elo points; 100 more mean 64 of 100 seeds won, 400 more 91")
    return figure


def distributions(view: GameView) -> Figure | None:
    """Draw all scores of people, bots and scripts with their medians, and the reference human."""
    kinds = [(kind, view.scores_by_kind[kind]) for kind in MARKS if view.scores_by_kind.get(kind)]
    if not kinds:
        return None
    figure, axes = _axes(0.85 + 0.42 * len(kinds))
    for row, (kind, scores) in enumerate(reversed(kinds)):
        mark, colour = MARKS[kind]
        values = np.sort(np.array(scores))
        picked = values[np.linspace(0, len(values) - 1, min(len(values), MOST_DOTS)).round().astype(int)]
        spread = 0.26 * np.sin(np.arange(len(picked)) * 2.399)  # the golden angle: even, and the same every time
        axes.plot(picked, row + spread, mark, color=colour, markersize=3.2, alpha=0.4, markeredgewidth=0)
        median = float(np.median(values))
        axes.vlines(median, row - 0.36, row + 0.36, colors=INK, linewidth=2)
    top = max(max(scores) for _, scores in kinds)
    reference = view.game.reference(HUMAN)
    if reference is not None and reference.score <= 4 * max(top, 1):
        axes.axvline(reference.score, color=PEOPLE, linewidth=1.2, linestyle=(0, (4, 3)))
        axes.annotate(
            f"reference human {reference.score:,.1f}", (reference.score, 1), xycoords=("data", "axes fraction"),
            xytext=(4, 4), textcoords="offset points", fontsize=8, color=QUIET,
            ha="left" if reference.score < 0.7 * top else "right",
        )  # fmt: skip
    names = {"human": "people", "bot": "bots", "script": "scripts"}
    axes.set_yticks(range(len(kinds)), [f"{names[kind]} ({len(scores):,})" for kind, scores in reversed(kinds)])
    axes.tick_params(axis="y", colors=INK)
    axes.set_ylim(-0.6, len(kinds) - 0.4)
    _label(axes, "points of every episode; the bar is the median")
    return figure


def learning(view: GameView) -> Figure | None:
    """Draw people's scores over their attempts; None where nobody has tried twice."""
    attempts = view.attempts
    if not attempts:
        return None
    figure, axes = _axes(2.6)
    axes.grid(axis="y", color=LINE, linewidth=0.6)
    best = sorted(attempts, key=lambda name: -max(attempts[name]))
    for name in best[: 2 * MOST_PLAYERS]:
        scores = attempts[name]
        axes.plot(range(1, len(scores) + 1), scores, "-o", color=PEOPLE, alpha=0.35, linewidth=1.2, markersize=3)
    top = max(map(max, attempts.values()))
    taken: list[float] = []
    for name in sorted(best[:5], key=lambda name: attempts[name][-1]):
        scores = attempts[name]
        at = max(scores[-1], *(other + 0.075 * top for other in taken)) if taken else scores[-1]
        taken.append(at)
        axes.annotate(
            _short(name),
            (len(scores), at),
            xytext=(6, 0),
            textcoords="offset points",
            fontsize=8,
            color=INK,
            va="center",
        )
    longest = max(map(len, attempts.values()))
    medians = [float(np.median([s[i] for s in attempts.values() if len(s) > i])) for i in range(longest)]
    axes.plot(range(1, longest + 1), medians, color=INK, linewidth=2)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.margins(x=0.08)
    _label(axes, "attempt; the dark line is the median of all people")
    return figure


def lead(story: Story) -> Figure:
    """Draw who was ahead at each moment of the final, one line for each seed."""
    from matplotlib.ticker import MaxNLocator

    figure, axes = _axes(2.7)
    axes.grid(axis="y", color=LINE, linewidth=0.6)
    axes.axhline(0, color=INK, linewidth=1)
    for course in story.courses:
        end = course.lead[-1] if len(course.lead) else 0
        colour = story.colour_a if end > 0 else story.colour_b if end < 0 else REFERENCE
        axes.plot(course.seconds, course.lead, color=colour, linewidth=1.5, alpha=0.85)
        axes.plot(course.seconds[-1:], course.lead[-1:], "o", color=colour, markersize=4)
    low, high = axes.get_ylim()
    reach = max(abs(low), abs(high), 1)
    axes.set_ylim(-reach, reach)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):,.0f}")
    for y, name, place in ((0.98, story.a, "top"), (0.02, story.b, "bottom")):
        axes.annotate(
            f"{_short(name)} ahead", (0.01, y), xycoords="axes fraction", va=place, fontsize=9, color=INK, weight="bold"
        )
    _label(axes, f"seconds of play in {find_game(story.game).title}; points ahead, each line is one seed")
    return figure


def delays(game: str, people: float, bots: Mapping[int, float]) -> Figure:
    """Draw the bots' mean over their reaction delay, with the mean of the people."""
    figure, axes = _axes(2.3)
    axes.grid(axis="y", color=LINE, linewidth=0.6)
    axes.axhline(people, color=PEOPLE, linewidth=1.6)
    axes.annotate(
        f"people {people:,.0f}", (1, people), xycoords=("axes fraction", "data"), xytext=(-2, 4),
        textcoords="offset points", fontsize=9, color=PEOPLE, ha="right",
    )  # fmt: skip
    axes.plot(list(bots), list(bots.values()), "-s", color=BOTS, linewidth=1.8, markersize=6)
    axes.set_xticks(list(bots))
    axes.set_ylim(bottom=0)
    axes.margins(y=0.15)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    _label(axes, f"reaction delay of the bots in milliseconds; mean points in {find_game(game).title}")
    return figure


def _label(axes: Axes, text: str) -> None:
    axes.set_xlabel(text, fontsize=8.5, color=QUIET, labelpad=6)


def _legend(axes: Axes, columns: int) -> None:
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, frameon=False, fontsize=9, labelcolor=INK,
        handletextpad=0.2, columnspacing=1.4, borderaxespad=0.2,
    )  # fmt: skip


def _short(name: str) -> str:
    return name if len(name) <= 22 else name[:21] + "…"


def all_of(report: Report, stories: Sequence[Story]) -> dict[str, Figure]:
    """Return every plot of a report by the name under which the page and the paper look for it."""
    import matplotlib

    with matplotlib.rc_context({"text.parse_math": False}):  # a name with two dollar signs is no formula
        return _all_of(report, stories)


def _all_of(report: Report, stories: Sequence[Story]) -> dict[str, Figure]:
    found: dict[str, Figure | None] = {}
    for tournament in report.tournaments:
        if tournament.outcome is not None:
            sides = sides_of(tournament.state)
            for verdict in tournament.outcome.games:
                if verdict.game in tournament.delayed_means:
                    name = f"delays {tournament.state.plan.name} {verdict.game}"
                    found[name] = delays(verdict.game, *tournament.delayed_means[verdict.game])
                found[f"paired {tournament.state.plan.name} {verdict.game}"] = paired(verdict, *sides[verdict.game])
    for ranking in report.rankings:
        found[f"strengths {ranking.title}"] = strengths(ranking)
    for view in report.games:
        found[f"scores {view.rules.rules_id}"] = distributions(view)
        found[f"learning {view.rules.rules_id}"] = learning(view)
    for story in stories:
        found[f"lead {story.tournament} {story.game}"] = lead(story)
    return {name: figure for name, figure in found.items() if figure is not None}
