"""The kiosk as a machine of screens: one is shown, presses and time lead to the next."""

from __future__ import annotations

import time
from collections.abc import Callable

from arena.kiosk.flow import follow
from arena.kiosk.model import House
from arena.kiosk.screens.base import Command, KioskScreen, Next, To, input_of
from arena.kiosk.screens.exit import Attempts, Exit
from arena.ui import palette
from arena.ui.canvas import WIDTH, Canvas
from arena.ui.window import Press, Stage


class Kiosk:
    """All screens of the kiosk on one stage.

    Args:
        house: the event.
        stage: the window.
        clock: seconds of a monotonic clock.
    """

    def __init__(self, house: House, stage: Stage, clock: Callable[[], float] = time.monotonic) -> None:
        self.house = house
        self.stage = stage
        self._clock = clock
        self._attempts = Attempts()
        self.screen = follow(Next(To.ATTRACT), house, clock())

    @property
    def open(self) -> bool:
        """Whether the organizer may leave: the code was right."""
        return isinstance(self.screen, Exit) and self.screen.open

    def turn(self) -> None:
        """Take what was pressed, let time go by, draw, show, and do what takes long."""
        presses = self.stage.poll_text() if self.screen.typing else self.stage.poll()
        for press in presses:
            self.handle(press)
        if self.stage.closed:
            self.stage.closed = False
            self._ask_for_code()
        self.update()
        self.draw()
        self.stage.show()
        self.work()

    def handle(self, press: Press) -> None:
        """Take one press."""
        now = self._clock()
        pressed = input_of(press)
        if pressed.command is Command.ORGANIZER:
            self._ask_for_code()
            return
        screen = self.screen
        screen.touched = now
        if now - screen.since >= screen.deaf_seconds:
            self._show(screen.handle(pressed, now))

    def update(self) -> None:
        """Let time go by."""
        now = self._clock()
        self._show(self.screen.update(now))
        if now - self.screen.touched >= self.screen.idle_seconds:
            self._show(self.screen.given_up(now))

    def draw(self) -> None:
        canvas = Canvas(self.stage.surface)
        canvas.clear()
        self.screen.draw(canvas, self._clock())
        if toast := self.stage.toast:
            canvas.panel(WIDTH / 2 - 330, 8, 660, 52)
            canvas.text(toast, WIDTH / 2, 20, 28, palette.TEXT, 0.5, 620)

    def work(self) -> None:
        """Do what the screen does that takes long, such as a game."""
        self._show(self.screen.work(self.stage))

    def _ask_for_code(self) -> None:
        if not isinstance(self.screen, Exit):
            self._show(Exit(self.house, self.screen, self._attempts, self._clock()))

    def _show(self, what: KioskScreen | Next) -> None:
        self.screen = follow(what, self.house, self._clock())
