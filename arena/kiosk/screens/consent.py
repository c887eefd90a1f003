"""What is asked before the first game: whether name and inputs may be stored, and whether to warm up."""

from __future__ import annotations

from arena.kiosk.model import House
from arena.kiosk.screens.base import MARGIN, Command, Input, KioskScreen, Next, To, Visit, menu_hints
from arena.ui import palette
from arena.ui.canvas import WIDTH, Canvas
from arena.ui.key_cap import key_cap
from arena.ui.strings import has_text, text


class Question(KioskScreen):
    """A choice between a few lines. A subclass says what is asked and what follows each answer."""

    title = ""
    answers: tuple[str, ...] = ()
    """Keys of their texts; under KEY_how stands a line that explains."""

    def __init__(self, house: House, visit: Visit, now: float) -> None:
        super().__init__(house, now)
        self.visit = visit
        self.chosen = 0

    def answered(self, answer: int) -> Next:
        raise NotImplementedError

    def back(self) -> Next:
        raise NotImplementedError

    def given_up(self, now: float) -> Next:
        self.visit.end()
        return Next(To.ATTRACT)

    def handle(self, pressed: Input, now: float) -> KioskScreen | Next:
        match pressed.command:
            case Command.UP | Command.LEFT:
                self.chosen = max(0, self.chosen - 1)
            case Command.DOWN | Command.RIGHT:
                self.chosen = min(len(self.answers) - 1, self.chosen + 1)
            case Command.GO:
                return self.answered(self.chosen)
            case Command.BACK:
                return self.back()
        return self

    def draw_answers(self, canvas: Canvas, now: float, y: float) -> None:
        for line, answer in enumerate(self.answers):
            top, chosen = y + 112 * line, line == self.chosen
            width = WIDTH - 2 * MARGIN
            canvas.panel(MARGIN, top, width, 100, self.accent if chosen else palette.LINE)
            if chosen:
                canvas.frame(MARGIN + 5, top + 5, width - 10, 90, self.accent, 4)
                canvas.pixels(">", MARGIN + 28, top + 32, 5, self.accent)
            canvas.text(text(f"kiosk.{answer}"), MARGIN + 72, top + 12, 38, room=width - 110)
            canvas.text(text(f"kiosk.{answer}_how"), MARGIN + 72, top + 56, 26, palette.QUIET, room=width - 110)
        self.footer(canvas, now, menu_hints("↑ ↓"))


class Consent(Question):
    """May we keep your name and what you press?"""

    answers = ("consent_yes", "consent_no")

    def answered(self, answer: int) -> Next:
        if answer == 0:
            return Next(To.WARM_UP, visit=self.visit)
        self.visit.end()
        self.visit.name = ""
        return Next(To.PRACTICE, visit=self.visit)

    def back(self) -> Next:
        return Next(To.ENTER_NAME, visit=self.visit)

    def draw(self, canvas: Canvas, now: float) -> None:
        self.header(canvas, text("kiosk.consent"), self.visit.name)
        canvas.paragraph(text("kiosk.consent_what"), MARGIN, 140, WIDTH - 2 * MARGIN, 32)
        self.draw_answers(canvas, now, 396)


class WarmUp(Question):
    """The keys, and one practice game for who wants it."""

    answers = ("warm_up_yes", "warm_up_no")

    def answered(self, answer: int) -> Next:
        return Next(To.PRACTICE if answer == 0 else To.NEXT_ROUND, visit=self.visit)

    def back(self) -> Next:
        return Next(To.CONSENT, visit=self.visit)

    def draw(self, canvas: Canvas, now: float) -> None:
        game = self.visit.game
        self.accent = palette.GAME_COLOURS.get(game.name, palette.SKY)
        self.header(canvas, text("kiosk.warm_up"), self.visit.name)
        if has_text(f"kiosk.how_{game.name}"):
            canvas.text(text(f"kiosk.how_{game.name}"), MARGIN, 132, 36, room=WIDTH - 2 * MARGIN)
        self._keys(canvas)
        self.draw_answers(canvas, now, 396)

    def _keys(self, canvas: Canvas) -> None:
        """Draw the arrow keys and the key that fires."""
        canvas.panel(MARGIN + 68, 204, 62, 62, palette.QUIET)
        canvas.pixels("↑", MARGIN + 99, 217, 5, align=0.5)
        for place, arrow in enumerate("←↓→"):
            canvas.panel(MARGIN + 68 * place, 272, 62, 62, palette.QUIET)
            canvas.pixels(arrow, MARGIN + 31 + 68 * place, 285, 5, align=0.5)
        canvas.text(text("kiosk.keys_move"), MARGIN + 228, 258, 32)
        width = key_cap(canvas, text("kiosk.cap_space"), 640, 254, 4)
        canvas.text(text("kiosk.keys_fire"), 640 + width + 24, 258, 32)
        canvas.text(text("kiosk.keys_pad"), MARGIN + 228, 310, 28, palette.QUIET)
