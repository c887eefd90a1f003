"""Runs the show: keys, time, pictures."""

from __future__ import annotations

import logging
from collections.abc import Callable

from arena.stage import scenes
from arena.stage.audience import Hall
from arena.stage.draw_common import MARGIN, draw_keys
from arena.stage.scenes import BoutScene, Scene
from arena.ui import palette
from arena.ui.canvas import HEIGHT, WIDTH, Canvas
from arena.ui.strings import text
from arena.ui.window import Press
from envs.games import FPS

log = logging.getLogger(__name__)

PAUSE = ("space", "p")
NEXT = ("right", "page down", "n")
BACK = ("left", "page up", "b")
"""Remote controls for slides send page up and page down."""
NEWEST = "end"
"""Passes over everything that was played by now: for an evening that is later than its programme."""
CONFIRM = ("return", "enter", "keypad enter")
HINT_SECONDS = 6.0
ASK_SECONDS = 15.0
"""After so long without an answer the question before leaving goes away."""
MOST_LEFT_OUT = 3
"""Pictures in a row that may be left out on a machine that is too slow to draw them all."""


class TheShow:
    """The show on its window, a frame at a time.

    Args:
        hall: what it shows.
        behind: whether the machine can't keep up just now.
    """

    def __init__(self, hall: Hall, behind: Callable[[], bool] = lambda: False) -> None:
        self.hall = hall
        self.paused = False
        self.over = False
        """Whether the operator has left."""
        self._behind = behind
        self._left_out = 0
        self._asked = 0.0
        """Seconds for which the question before leaving still stands."""
        self._hint = HINT_SECONDS
        self._overlay: tuple[bool, bool, bool] = (False, False, False)
        self._drawn: Scene | None = None
        self.scene: Scene = self._first()

    def _first(self) -> Scene:
        left_off = self.hall.left_off()
        return scenes.begun(self.hall, *left_off) if left_off is not None else scenes.next_scene(self.hall)

    def turn(self) -> None:
        """Do all that one frame brings."""
        self.hall.refresh(hold=isinstance(self.scene, BoutScene))
        for press in self.hall.stage.poll():
            self.obey(press)
        self.over = self.over or self.hall.stage.closed
        self._asked = max(0.0, self._asked - 1 / FPS)
        self._hint = max(0.0, self._hint - 1 / FPS)
        if not self.paused and not self._asked:
            self._step(lambda scene: scene.update())
        if self._behind() and self._left_out < MOST_LEFT_OUT:
            self._left_out += 1
            return
        self._left_out = 0
        self._draw()

    def close(self) -> None:
        """Let go of what the scene holds."""
        self.hall.keep()
        self.scene.close()

    # -- keys ----------------------------------------------------------------------------------------------------------

    def obey(self, press: Press) -> None:
        """Do what a key says."""
        if self._asked:
            self.over = self.over or press.key in CONFIRM
            self._asked = 0.0
        elif press.key == "escape":
            self._asked = ASK_SECONDS
        elif press.key in PAUSE:
            self.paused = not self.paused
            self.hall.stage.speaker.stop()
        elif press.key in NEXT:
            self.paused = False
            self._step(lambda scene: scene.skip())
        elif press.key in BACK:
            self.paused = False
            self._step(lambda scene: scene.back())
        elif press.key == NEWEST:
            self.paused = False
            self.hall.skip_all()
            self._step(lambda scene: scenes.next_scene(self.hall))
        elif press.key:
            self._hint = HINT_SECONDS

    def _step(self, move: Callable[[Scene], Scene]) -> None:
        """Go on; a scene that breaks down is left, and the log says why."""
        try:
            found = move(self.scene)
        except Exception:
            log.exception("A scene of the show has broken down")
            if isinstance(self.scene, BoutScene):
                self.hall.give_up(self.scene.bout)
            found = scenes.WaitingScene(self.hall)
        if found is not self.scene:
            self.scene.leave()
            self.scene = found

    # -- pictures ------------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        stage = self.hall.stage
        overlay = (self.paused, self._asked > 0, self._hint > 0)
        fresh = self.scene is not self._drawn or overlay != self._overlay or stage.resized
        if not fresh and (self.scene.frame % self.scene.every or self.paused or self._asked):
            stage.show()
            return
        canvas = Canvas(stage.surface)
        if fresh or self.scene.every > 1:
            stage.resized = True  # so that a scene that draws in parts draws all of them
            canvas.clear()
        self._drawn, self._overlay = self.scene, overlay
        try:
            self.scene.draw(canvas)
        except Exception:
            log.exception("A scene of the show could not be drawn")
            self._step(lambda scene: scenes.WaitingScene(self.hall))
        stage.resized = False
        self._draw_over(canvas)
        stage.show()

    def _draw_over(self, canvas: Canvas) -> None:
        """Write over the scene what the operator has to know."""
        if self._asked:
            _plate(canvas, text("stage.leave"), text("stage.leave_keys"))
        elif self.paused:
            canvas.box(0, HEIGHT - 56, WIDTH, 56, palette.GROUND)
            canvas.pixels(text("stage.paused"), WIDTH - MARGIN, HEIGHT - 46, 5, palette.YELLOW, 1)
            draw_keys(canvas, HEIGHT - 52)
        elif self._hint:
            canvas.box(0, HEIGHT - 56, WIDTH, 56, palette.GROUND)
            draw_keys(canvas, HEIGHT - 52)


def _plate(canvas: Canvas, title: str, line: str) -> None:
    canvas.panel(WIDTH / 2 - 360, 260, 720, 200, palette.YELLOW)
    canvas.pixels(title, WIDTH / 2, 296, 7, palette.YELLOW, 0.5, 660)
    canvas.text(line, WIDTH / 2, 384, 40, palette.TEXT, 0.5, 660)
