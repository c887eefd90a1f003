"""The report on paper: a PDF with verdicts, standings, plots and proof. Films and long lists are in the page only."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arena.report.gather import MANY, Report, Tournament
from arena.report.html import hash_of_all, totals
from arena.report.plots import png
from arena.report.stories import Story
from arena.stats.comparison import Verdict
from arena.stats.text import mean_points
from arena.stats.verdicts import EventVerdicts
from envs.games import find_game

if TYPE_CHECKING:
    from fpdf import FPDF
    from matplotlib.figure import Figure

MARGIN = 18.0
"""Millimetres, like all lengths here."""
INK, QUIET, LINE = (21, 24, 29), (89, 98, 109), (216, 220, 225)
COLOURS = {Verdict.A: (0, 114, 178), Verdict.B: (213, 94, 0), Verdict.UNDECIDED: (138, 146, 155)}
WON = {Verdict.A: "People won", Verdict.B: "Bots won", Verdict.UNDECIDED: "Not decided"}


def paper(report: Report, figures: Mapping[str, Figure], stories: Sequence[Story]) -> bytes:
    """Return the report as a PDF.

    Args:
        report: what it tells.
        figures: from `arena.report.plots.all_of`.
        stories: of the finals.
    """
    sheet = _Sheet(report, figures)
    sheet.front()
    for tournament in report.tournaments:
        sheet.tournament(tournament, [s for s in stories if s.tournament == tournament.state.plan.name])
    sheet.strengths()
    sheet.games()
    sheet.proof()
    return bytes(sheet.pdf.output())


class _Sheet:
    """Puts one thing after the other on paper."""

    def __init__(self, report: Report, figures: Mapping[str, Figure]) -> None:
        self.report = report
        self.figures = figures
        self.pdf = _blank(report)
        self.width = self.pdf.epw

    def front(self) -> None:
        """Title, verdicts and numbers."""
        report = self.report
        self._text(f"Report of {report.when.day} {report.when:%B %Y}", 10, QUIET)
        self._text(report.title, 26, INK, bold=True, after=4)
        if report.rehearsal:
            self._text("A rehearsal: every tournament was played on practice seeds.", 10, COLOURS[Verdict.A], after=3)
        if report.outcome is not None:
            self._verdict(report.outcome)
            self._cards(report.outcome)
            for sentence in report.references:
                self._text(sentence, 9, QUIET, after=1)
        elif not report.tournaments:
            self._text("No tournament has been played yet; here is what stands on the scoreboard.", 11, QUIET)
        self.pdf.ln(3)
        numbers = totals(report)
        top, step = self.pdf.get_y(), self.width / len(numbers)
        for i, (number, what) in enumerate(numbers):
            self.pdf.set_xy(MARGIN + i * step, top)
            self._text(number, 17, INK, bold=True, width=step, after=0)
            self.pdf.set_x(MARGIN + i * step)
            self._text(what, 8, QUIET, width=step)
        self.pdf.ln(3)

    def tournament(self, one: Tournament, stories: Sequence[Story]) -> None:
        """Standings, seed by seed, and the story of the final."""
        plan = one.state.plan
        games = ", ".join(find_game(game).title for game in plan.games)
        self._heading(one.title, f"{plan.format}, {plan.series.text()}, {len(one.state.entrants)} players; {games}")
        rows = [
            (str(line.place), line.player, line.kind.value, str(line.won), str(line.drawn), str(line.lost),
             f"{line.seeds_won:,}", line.note)
            for line in one.lines[:MANY]
        ]  # fmt: skip
        self._table(("", "Player", "Kind", "Won", "Drawn", "Lost", "Seeds", ""), rows, (7, 60, 16, 12, 14, 12, 14, 39))
        if len(one.lines) > MANY:
            self._text(f"{len(one.lines) - MANY} further players stand in the page.", 8, QUIET)
        teams = [(str(t.place), t.team, ", ".join(t.members), f"{t.points:,}", f"{t.seeds_won:,}") for t in one.teams]
        if teams:
            self._table(("", "Team", "Player and bot", "Points", "Seeds"), teams, (7, 30, 103, 17, 17))
        if one.outcome is not None:
            if one.outcome is not self.report.outcome:
                self._text("People against bots", 11, INK, bold=True)
                self._text(one.outcome.sentence, 9.5, INK)
                self._cards(one.outcome)
            for verdict in one.outcome.games:
                self._figure(f"paired {plan.name} {verdict.game}", f"{find_game(verdict.game).title}, seed by seed")
        for milliseconds, outcome in one.delayed.items():
            self._text(f"With {milliseconds} ms of reaction delay for the bots: {outcome.sentence}", 9.5, INK)
        for game in one.delayed_means:
            self._figure(f"delays {plan.name} {game}", f"{find_game(game).title}: what a reaction delay takes away")
        for story in stories:
            title = f"The story of {story.a} against {story.b} in {find_game(story.game).title}"
            self._figure(f"lead {plan.name} {story.game}", title, story.text)

    def strengths(self) -> None:
        """Bradley-Terry strengths."""
        if self.report.rankings:
            self._heading("Strengths", "Bradley-Terry over all seeds of the tournaments, with 95 % intervals")
            for ranking in self.report.rankings:
                self._figure(f"strengths {ranking.title}", ranking.title)

    def games(self) -> None:
        """Scores, learning and the change of places."""
        for view in self.report.games:
            rules = view.rules
            self._heading(
                view.game.title,
                f"rules {view.rules_text}; {len(view.results):,} episodes, practice included",
            )
            self._figure(f"scores {rules.rules_id}", "All scores")
            self._figure(f"learning {rules.rules_id}", "People's scores, attempt by attempt")
            rows = [
                (str(m.private), m.player, m.kind.value, mean_points(m.private_mean), str(m.public or "-"),
                 "-" if m.public_mean is None else mean_points(m.public_mean),
                 "new" if m.change is None else f"{m.change:+d}" if m.change else "=")
                for m in view.moves[:MANY]
            ]  # fmt: skip
            if rows:
                head = ("", "Hidden seeds", "Kind", "Mean", "Practice", "Mean", "Change")
                self._table(head, rows, (7, 60, 20, 24, 20, 24, 19))

    def proof(self) -> None:
        """What was published, and how to check it."""
        state = self.report.event
        self._heading("Rules and proof", "what was published before and after, and how to check everything")
        hashes = sorted(self.report.results, key=lambda result: result.recording_name)
        for name, value in (
            ("Hash of the secret", state.commitment or "the event was not opened"),
            ("Public number", state.entropy or "not announced"),
            ("Secret", state.secret.hex() if state.secret else "not revealed yet"),
            (f"All {len(hashes):,} recordings", hash_of_all(hashes)),
        ):
            self._text(name, 8, QUIET, after=0)
            self._text(value, 8.5, INK, after=2)
        self._text(
            "People and bots play the same game, frame by frame, under the same seeds; with probability 0.25 a frame "
            "repeats the action before it (sticky actions, Machado et al. 2018). A score counts only after a fresh "
            "emulator has replayed the recording and arrived at the same memory and points in every frame.\n\n"
            "People against bots: on each seed the mean of the people against the mean of as many bots; sign-flip test "
            "(Fisher 1935). In duels and knockouts, which end when they are decided, the seeds won count, by a test "
            "that may be looked at after every seed (Ville 1939). Both are corrected over all games and the overall "
            "verdict (Holm 1979). Equal sides would be called different in at most 5 of 100 events.\n\n"
            "arena event export FOLDER and arena event audit FOLDER compute every seed, replay every recording and "
            "rebuild every table from nothing.", 9.5, INK,
        )  # fmt: skip

    def _verdict(self, outcome: EventVerdicts) -> None:
        head, _, rest = outcome.sentence.partition(": ")
        top = self.pdf.get_y()
        self.pdf.set_x(MARGIN + 5)
        self._text(f"{head}.", 15, INK, bold=True, width=self.width - 5, after=1)
        self.pdf.set_x(MARGIN + 5)
        self._text(f"{rest[:1].upper()}{rest[1:]}", 9.5, QUIET, width=self.width - 5)
        self.pdf.set_fill_color(*COLOURS[outcome.verdict])
        self.pdf.rect(MARGIN, top, 1.6, self.pdf.get_y() - top, style="F")
        self.pdf.ln(4)

    def _cards(self, outcome: EventVerdicts) -> None:
        for verdict in outcome.games:
            colour = COLOURS[verdict.comparison.verdict]
            self._room(22)
            self._text(
                f"{find_game(verdict.game).title}: {WON[verdict.comparison.verdict].lower()}",
                11,
                colour,
                bold=True,
                after=0.5,
            )
            self._text(verdict.sentence, 9.5, INK, after=0.5)
            if verdict.people:
                self._text(f"{', '.join(verdict.people)} against {', '.join(verdict.bots)}", 8, QUIET, after=2.5)

    def _heading(self, title: str, below: str) -> None:
        self._room(88)
        self.pdf.ln(5)
        self._text(title, 16, INK, bold=True, after=0)
        self._text(below, 9, QUIET, after=2.5)

    def _figure(self, name: str, caption: str, text: str = "") -> None:
        figure = self.figures.get(name)
        if figure is None:
            return
        height = self.width * figure.get_figheight() / figure.get_figwidth()
        self._room(height + 12)
        self._text(caption, 10, INK, bold=True, after=1)
        self.pdf.image(io.BytesIO(png(figure)), x=MARGIN, w=self.width, alt_text=caption)
        self.pdf.ln(1)
        if text:
            self._text(text, 9, INK)
        self.pdf.ln(2)

    def _table(self, head: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[float]) -> None:
        from fpdf.enums import TableBordersLayout
        from fpdf.fonts import FontFace

        self.pdf.set_font("Sans", "", 8.5)
        self.pdf.set_text_color(*INK)
        self.pdf.set_draw_color(*LINE)
        self.pdf.set_fill_color(255)
        numbers = {"Points", "Won", "Drawn", "Lost", "Seeds", "Mean", "Practice", "Change"}
        with self.pdf.table(
            width=self.width, col_widths=tuple(widths), line_height=5.2, first_row_as_headings=True,
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            text_align=tuple("RIGHT" if h in numbers else "LEFT" for h in head),
            headings_style=FontFace(emphasis="", color=QUIET),
        ) as table:  # fmt: skip
            for row in (head, *rows):
                table.row(tuple(row))
        self.pdf.ln(3)

    def _room(self, height: float) -> None:
        """Begin a new page if there is less room than `height`."""
        if self.pdf.will_page_break(min(height, self.pdf.eph - 1)):
            self.pdf.add_page()

    def _text(
        self,
        text: str,
        size: float,
        colour: tuple[int, int, int],
        *,
        bold: bool = False,
        width: float = 0,
        after: float = 1.5,
    ) -> None:
        from fpdf.enums import XPos, YPos

        self.pdf.set_font("Sans", "B" if bold else "", size)
        self.pdf.set_text_color(*colour)
        self.pdf.multi_cell(
            width, size * 0.49, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT, wrapmode=_wrap(text)
        )
        self.pdf.ln(after)


def _wrap(text: str) -> Any:
    from fpdf.enums import WrapMode

    return WrapMode.CHAR if max((len(word) for word in text.split()), default=0) > 60 else WrapMode.WORD


def _blank(report: Report) -> FPDF:
    """Return an empty document with page numbers and a font that knows most letters."""
    import matplotlib
    from fpdf import FPDF

    class Document(FPDF):
        def footer(self) -> None:
            self.set_y(-13)
            self.set_font("Sans", "", 8)
            self.set_text_color(*QUIET)
            self.cell(0, 5, f"{report.title}   {self.page_no()} / {{nb}}", align="R")

    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    document = Document(format="A4")
    document.add_font("Sans", "", fonts / "DejaVuSans.ttf")
    document.add_font("Sans", "B", fonts / "DejaVuSans-Bold.ttf")
    document.set_margin(MARGIN)
    document.set_auto_page_break(True, 18)
    document.set_title(f"{report.title}: report")
    document.set_lang("en")
    document.add_page()
    return document
