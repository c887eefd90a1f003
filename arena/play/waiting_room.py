"""Waiting at the window for somebody at another station, so that both begin together."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from arena.play.limits import CONFIRM_KEYS
from arena.ui.lines import draw_lines, hint, line, title
from arena.ui.strings import text
from arena.ui.window import Stage

ASK_SECONDS = 0.5
SCREEN_SECONDS = 1 / 30

Ask = Callable[[], tuple[Sequence[str], float | None]]
"""Returns who is not there yet, and in how many seconds all begin: None as long as somebody is missing."""


def wait_together(stage: Stage, ask: Ask) -> bool:
    """Show who is waited for until all begin, or the person begins alone; False if the person leaves."""
    missing: Sequence[str] = ()
    begins: float | None = None
    asks = 0.0
    while not stage.closed and (begins is None or time.monotonic() < begins):
        if begins is None and time.monotonic() >= asks:
            missing, left = ask()
            asks = time.monotonic() + ASK_SECONDS
            begins = None if left is None else time.monotonic() + left
        for press in stage.poll():
            if press.key == "escape" or press.pad == "back":
                return False
            if press.key in CONFIRM_KEYS:
                return True
        who = [line(text("play.waits_for", names=", ".join(missing)))] if missing else []
        stage.surface.fill((0, 0, 0))
        draw_lines(
            stage, [title(text("play.ready")), *who, hint(text("play.waits_keys"))], stage.surface.get_height() // 20
        )
        stage.show()
        time.sleep(SCREEN_SECONDS)
    return not stage.closed
