"""The organizer's exit: nobody leaves the kiosk without the code."""

from __future__ import annotations

import hmac

from arena.kiosk.model import House
from arena.kiosk.screens.base import MARGIN, Command, Input, KioskScreen
from arena.ui import palette
from arena.ui.canvas import WIDTH, Canvas
from arena.ui.strings import text

LONGEST = 12
TRIES = 5
WAIT_SECONDS = 30.0
"""After so many wrong codes nothing is taken for so long."""


class Exit(KioskScreen):
    """Asks for the code; goes back to the screen before.

    Args:
        before: what was shown, and is shown again.
        attempts: shared by all such screens, so that leaving and coming back gives no new tries.
    """

    typing = True
    accent = palette.PURPLE

    def __init__(self, house: House, before: KioskScreen, attempts: Attempts, now: float) -> None:
        super().__init__(house, now)
        self.before = before
        self.typed = ""
        self.open = False
        """Whether the code was right."""
        self.problem = ""
        self._attempts = attempts
        self._began = now

    @property
    def idle_seconds(self) -> float:
        return 20.0

    def handle(self, pressed: Input, now: float) -> KioskScreen:
        if self._attempts.locked(now):
            self.typed = ""
            return self._back(now) if pressed.command is Command.BACK else self
        digits = "".join(c for c in pressed.text if c in "0123456789")
        if digits:
            self.typed = (self.typed + digits)[:LONGEST]
            self.problem = ""
        elif pressed.command is Command.ERASE:
            self.typed = self.typed[:-1]
        elif pressed.command is Command.GO and not pressed.text and self.typed:
            self._try(now)
        elif pressed.command is Command.BACK:
            return self._back(now)
        return self

    def given_up(self, now: float) -> KioskScreen:
        return self._back(now)

    def _try(self, now: float) -> None:
        right = hmac.compare_digest(self.typed, self.house.settings.exit_code)
        self.typed = ""
        if right:
            self.open = True
        else:
            self._attempts.failed(now)
            self.problem = text("kiosk.exit_wrong")

    def _back(self, now: float) -> KioskScreen:
        """Show the screen before again; its time did not go by."""
        self.before.touched += now - self._began
        self.before.since += now - self._began
        return self.before

    def draw(self, canvas: Canvas, now: float) -> None:
        self.header(canvas, text("kiosk.exit"))
        canvas.text(text("kiosk.exit_what"), MARGIN, 150, 36)
        canvas.panel(MARGIN, 220, 560, 100, self.accent)
        canvas.pixels("*" * len(self.typed), MARGIN + 30, 250, 6)
        if self._attempts.locked(now):
            canvas.text(text("kiosk.exit_locked"), MARGIN, 350, 32, palette.YELLOW, room=WIDTH - 2 * MARGIN)
        elif self.problem:
            canvas.text(self.problem, MARGIN, 350, 32, palette.YELLOW, room=WIDTH - 2 * MARGIN)
        self.footer(
            canvas,
            now,
            [("0–9", text("kiosk.hint_code")), ("ENTER", text("kiosk.hint_done")), ("ESC", text("kiosk.hint_back"))],
        )


class Attempts:
    """Counts wrong codes."""

    def __init__(self) -> None:
        self._wrong = 0
        self._until = float("-inf")

    def failed(self, now: float) -> None:
        self._wrong += 1
        if self._wrong >= TRIES:
            self._wrong = 0
            self._until = now + WAIT_SECONDS

    def locked(self, now: float) -> bool:
        return now < self._until
