"""Entering a name: letters by keyboard, or one by one with a pad."""

from __future__ import annotations

from arena.kiosk.model import House
from arena.kiosk.screens.base import MARGIN, Command, Input, KioskScreen, Next, To, Visit
from arena.ui import palette
from arena.ui.canvas import WIDTH, Canvas, can_show
from arena.ui.strings import text
from envs.errors import PlayerNameError
from envs.names import MAX_LENGTH, check_name

LETTERS = ("ABCDEFGHIJKLM", "NOPQRSTUVWXYZ", "0123456789-._")
COLUMNS = len(LETTERS[0])
WORDS = ("space", "erase", "done")
"""The last row: wide keys."""
DONE = (len(LETTERS), len(WORDS) - 1)


class EnterName(KioskScreen):
    """A line for the name, and below it a keyboard for those who have none."""

    typing = True

    def __init__(self, house: House, visit: Visit, now: float) -> None:
        super().__init__(house, now)
        self.visit = visit
        self.name = visit.name
        self.problem = ""
        """Why the last press did nothing; one short sentence."""
        self.row, self.column = DONE if self.name else (0, 0)
        self._known: tuple[str, bool] = ("", False)

    def handle(self, pressed: Input, now: float) -> KioskScreen | Next:
        if pressed.text and (pressed.text != " " or self.name):
            self.type(pressed.text)
            self.row, self.column = DONE  # who types with letters ends with Enter
            return self
        match pressed.command:
            case Command.UP | Command.DOWN | Command.LEFT | Command.RIGHT:
                self._move(pressed.command)
            case Command.ERASE:
                self.erase()
            case Command.GO if not pressed.text:
                return self._press_key()
            case Command.BACK:
                return self._back()
        return self

    def type(self, typed: str) -> None:
        """Add letters as far as they can stand in a name and on this screen."""
        self.problem = ""
        for character in typed:
            longer = self.name + character
            if len(longer) > MAX_LENGTH:
                self.problem = text("kiosk.name_full", n=MAX_LENGTH)
                return
            if not can_show(character) or not _may_stand(character):
                self.problem = text("kiosk.name_sign")
                continue
            self.name = longer

    def erase(self) -> None:
        self.name = self.name[:-1]
        self.problem = ""

    def finish(self) -> KioskScreen | Next:
        """Take the name if it may be one."""
        try:
            name = check_name(self.name)
        except PlayerNameError:
            self.problem = text("kiosk.name_empty")
            return self
        if self.house.words.refuses(name):
            self.problem = text("kiosk.name_refused")
            return self
        if self.house.is_a_machine(name):
            self.problem = text("kiosk.name_machine")
            return self
        self.visit.name = name
        return Next(To.CONSENT, visit=self.visit)

    def given_up(self, now: float) -> Next:
        self.visit.end()
        return Next(To.ATTRACT)

    def _back(self) -> Next:
        self.visit.end()
        return Next(To.CHOOSE_RIVAL, visit=self.visit)

    def _move(self, command: Command) -> None:
        last = len(LETTERS)
        if command in (Command.UP, Command.DOWN):
            row = (self.row + (1 if command is Command.DOWN else -1)) % (last + 1)
            if (self.row == last) != (row == last):  # between letters and wide keys, stay below or above
                wide = COLUMNS / len(WORDS)
                self.column = int(self.column / wide) if row == last else round(self.column * wide + wide / 2 - 0.5)
            self.row = row
            return
        width = len(WORDS) if self.row == last else COLUMNS
        self.column = (self.column + (1 if command is Command.RIGHT else -1)) % width

    def _press_key(self) -> KioskScreen | Next:
        """Press the key of the keyboard on the screen that is chosen."""
        if self.row < len(LETTERS):
            self.type(LETTERS[self.row][self.column])
            return self
        match WORDS[self.column]:
            case "space":
                if self.name:
                    self.type(" ")
            case "erase":
                self.erase()
            case _:
                return self.finish()
        return self

    # -- drawing -----------------------------------------------------------------------------------------------------

    def draw(self, canvas: Canvas, now: float) -> None:
        self.header(canvas, text("kiosk.enter_name"), self.visit.game.title)
        canvas.panel(MARGIN, 130, WIDTH - 2 * MARGIN, 96, self.accent)
        room = WIDTH - 2 * MARGIN - 80
        width = canvas.text(self.name, MARGIN + 28, 150, 56, room=room) if self.name else 0.0
        canvas.box(MARGIN + 34 + width, 147, 6, 62, self.accent)  # steady: nothing blinks here
        self._remark(canvas)
        for row, letters in enumerate(LETTERS):
            for column, letter in enumerate(letters):
                self._key(canvas, letter, MARGIN + column * 89.5, 292 + row * 84, 80, (row, column))
        wide = (WIDTH - 2 * MARGIN - 40) / 3
        for column, word in enumerate(WORDS):
            self._key(
                canvas, text(f"kiosk.key_{word}"), MARGIN + column * (wide + 20), 544, wide, (len(LETTERS), column)
            )
        self.footer(
            canvas,
            now,
            [("A–Z", text("kiosk.hint_type")), ("ENTER", text("kiosk.hint_done")), ("ESC", text("kiosk.hint_back"))],
        )

    def _remark(self, canvas: Canvas) -> None:
        if self.problem:
            canvas.text(self.problem, MARGIN, 237, 30, palette.YELLOW, room=WIDTH - 2 * MARGIN)
        elif self.name and self._has_played():
            canvas.text(text("kiosk.name_known"), MARGIN, 237, 30, palette.QUIET, room=WIDTH - 2 * MARGIN)
        else:
            canvas.text(text("kiosk.name_how"), MARGIN, 237, 30, palette.QUIET, room=WIDTH - 2 * MARGIN)

    def _has_played(self) -> bool:
        """Ask the scoreboard once for each name, not for each picture."""
        if self._known[0] != self.name:
            name = " ".join(self.name.split())
            self._known = (self.name, self.house.has_played(name))
        return self._known[1]

    def _key(self, canvas: Canvas, cap: str, x: float, y: float, width: float, place: tuple[int, int]) -> None:
        chosen = place == (self.row, self.column)
        canvas.panel(x, y, width, 74, self.accent if chosen else palette.LINE)
        if chosen:
            canvas.frame(x + 5, y + 5, width - 10, 64, self.accent, 4)
        canvas.pixels(cap, x + width / 2, y + 37 - 15.75, 4.5, palette.TEXT, 0.5, width - 20)


def _may_stand(character: str) -> bool:
    """Whether a name may hold `character`, in the middle."""
    try:
        check_name(f"A{character}A")
    except PlayerNameError:
        return False
    return True
