"""The end of a visit: the match is verified and counted, and the guest reads what it came to."""

from __future__ import annotations

import logging
import threading

from arena.kiosk.model import House, MatchOutcome, human_reference
from arena.kiosk.rounds import scores_of
from arena.kiosk.screens.base import DEAF_SECONDS, MARGIN, Command, Input, KioskScreen, Next, To, Visit
from arena.kiosk.standings_table import draw_standings
from arena.ui import palette
from arena.ui.canvas import WIDTH, Canvas
from arena.ui.key_cap import number
from arena.ui.strings import text
from envs.errors import ArenaError
from envs.step import End

log = logging.getLogger(__name__)

RESULT_SECONDS = 45.0
AROUND = 5
"""Lines of the standings that are shown around the person's own."""


class Counting(KioskScreen):
    """While the recordings are replayed and booked, in a thread."""

    def __init__(self, house: House, visit: Visit, now: float) -> None:
        super().__init__(house, now)
        self.visit = visit
        self.accent = palette.GAME_COLOURS.get(visit.game.name, palette.SKY)
        self._outcome: MatchOutcome | None = None
        self._thread = threading.Thread(target=self._count, daemon=True)
        self._thread.start()

    @property
    def idle_seconds(self) -> float:
        return float("inf")

    def update(self, now: float) -> KioskScreen | Next:
        if self._thread.is_alive():
            return self
        return Next(To.RESULT, visit=self.visit, outcome=self._outcome)

    def _count(self) -> None:
        visit = self.visit
        played = [one for pair in visit.rounds for one in (pair.person, pair.opponent) if one is not None]
        paths = [one.path for one in played if one.path is not None]
        try:
            self._outcome = self.house.count(visit.game, visit.name, paths)
        except ArenaError as error:
            log.warning("The match waits to be counted: %s", error)
        except Exception:  # a guest sees a sentence, the organizer the log
            log.exception("The match could not be counted")

    def draw(self, canvas: Canvas, now: float) -> None:
        self.header(canvas, text("kiosk.counting"), self.visit.game.title)
        canvas.paragraph(text("kiosk.counting_what"), MARGIN, 180, WIDTH - 2 * MARGIN, 40)
        steps = int((now - self.since) * 2) % 9
        for step in range(8):
            canvas.box(MARGIN + 52 * step, 330, 40, 40, self.accent if step < steps else palette.PANEL)


class ResultScreen(KioskScreen):
    """Place, comparison with the rival and with people elsewhere, personal best."""

    def __init__(self, house: House, visit: Visit, outcome: MatchOutcome | None, now: float) -> None:
        super().__init__(house, now)
        self.visit = visit
        self.outcome = outcome
        self.accent = palette.GAME_COLOURS.get(visit.game.name, palette.SKY)
        self._standings = outcome.standings if outcome is not None else ()

    @property
    def idle_seconds(self) -> float:
        return RESULT_SECONDS

    @property
    def deaf_seconds(self) -> float:
        return DEAF_SECONDS

    def handle(self, pressed: Input, now: float) -> KioskScreen | Next:
        return self.given_up(now) if pressed.command in (Command.GO, Command.BACK) else self

    def given_up(self, now: float) -> Next:
        return Next(To.ATTRACT)

    # -- drawing -----------------------------------------------------------------------------------------------------

    def draw(self, canvas: Canvas, now: float) -> None:
        self.header(canvas, self._title(), self.visit.game.title)
        self._left(canvas)
        self._right(canvas)
        self.footer(canvas, now, [(text("kiosk.cap_fire"), text("kiosk.hint_finish"))])

    def _title(self) -> str:
        mine, theirs = self.visit.wins()
        if self.visit.choice is None or all(r.opponent is None for r in self.visit.rounds):
            return text("kiosk.result")
        return text(
            "kiosk.result_won" if mine > theirs else "kiosk.result_lost" if mine < theirs else "kiosk.result_even"
        )

    def _left(self, canvas: Canvas) -> None:
        """The rounds, and what they are worth."""
        visit, width = self.visit, 560.0
        canvas.text(visit.name, MARGIN, 128, 40, palette.SKY, room=width if visit.choice is None else width * 0.55)
        if visit.choice is not None:
            canvas.text(visit.choice.name, MARGIN + width, 132, 32, palette.ORANGE, 1, width * 0.42)
        for line, played in enumerate(visit.rounds[-5:]):
            mine, theirs = scores_of(played)
            y = 190 + 48 * line
            canvas.pixels(number(mine), MARGIN, y, 5, palette.YELLOW)
            canvas.text(text("kiosk.round", n=line + 1), MARGIN + width / 2, y + 2, 28, palette.QUIET, 0.5)
            if theirs is not None:
                if played.winner == 1:
                    canvas.pixels("<", MARGIN + width / 2 - 84, y, 5, palette.SKY, 0.5)
                if played.winner == -1:
                    canvas.pixels(">", MARGIN + width / 2 + 84, y, 5, palette.ORANGE, 0.5)
                canvas.pixels(number(theirs), MARGIN + width, y, 5, palette.YELLOW, 1)
        below = 206.0 + 50 * min(5, len(visit.rounds))
        for sentence, colour in self.sentences():
            below += canvas.paragraph(sentence, MARGIN, below, width, 28, colour) + 6

    def sentences(self) -> list[tuple[str, palette.Colour]]:
        """Return what there is to say, the most important first."""
        said: list[tuple[str, palette.Colour]] = []
        visit, outcome = self.visit, self.outcome
        pairs = [scores_of(played) for played in visit.rounds]
        left = [played.person.recording.end is End.QUIT for played in visit.rounds]
        paired = [
            (mine, theirs) for (mine, theirs), gone in zip(pairs, left, strict=True) if theirs is not None and not gone
        ]
        if any(left) and visit.choice is not None:
            said.append((text("kiosk.left_round", name=visit.choice.name), palette.TEXT))
        if paired and visit.choice is not None:
            lead = sum(mine - theirs for mine, theirs in paired)
            key = "paired_ahead" if lead > 0 else "paired_behind" if lead < 0 else "paired_level"
            said.append((text(f"kiosk.{key}", name=visit.choice.name, points=number(abs(lead))), palette.TEXT))
        best = max(mine for mine, _ in pairs)
        if outcome is not None and outcome.place:
            before = outcome.best_before
            if before is None:
                said.append((text("kiosk.best_first", points=number(best)), palette.TEXT))
            elif best > before:
                said.append((text("kiosk.best_new", points=number(best), before=number(before)), palette.YELLOW))
            else:
                said.append((text("kiosk.best_old", points=number(before)), palette.TEXT))
        reference = human_reference(visit.game)
        mean = sum(mine for mine, _ in pairs) / len(pairs)
        if reference is not None:
            share = f"{100 * mean / reference.score:,.0f}"
            said.append((text("kiosk.reference", share=share, score=number(reference.score)), palette.QUIET))
        for played in visit.rounds:
            if played.person.unranked is not None:
                said.append((text("kiosk.unranked", reason=played.person.unranked), palette.YELLOW))
        return said

    def _right(self, canvas: Canvas) -> None:
        """The place, and the standings around it."""
        left, width = 690.0, WIDTH - MARGIN - 690.0
        outcome = self.outcome
        if outcome is None or not outcome.place:
            words = text("kiosk.not_counted" if outcome is not None else "kiosk.counted_later")
            lines = len(canvas.lines_of(words, width - 40, 32))
            canvas.panel(left - 20, 128, width + 20, 44 + lines * 32 * 1.35, palette.YELLOW)
            canvas.paragraph(words, left + 10, 150, width - 40, 32)
            return
        shown = canvas.pixels(text("kiosk.place", n=outcome.place), left, 132, 9, self.accent, room=width * 0.6)
        room = width - shown - 24
        canvas.text(text("kiosk.place_of", n=outcome.players), left + shown + 24, 156, 32, palette.QUIET, room=room)
        if outcome.percentile is not None:
            people = text("kiosk.percentile", n=f"{outcome.percentile:.0f}")
        else:
            people = text("kiosk.percentile_none")
        canvas.text(people, left, 206, 28, room=width)
        own = next((i for i, s in enumerate(self._standings) if s.player == self.visit.name and s.kind == "human"), 0)
        first = max(0, min(own - AROUND // 2, len(self._standings) - AROUND))
        shown_rows = self._standings[first : first + AROUND]
        draw_standings(canvas, shown_rows, left, 260, width, self.accent, self.visit.name)
