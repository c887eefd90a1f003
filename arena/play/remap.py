"""The screen on which a person chooses the keys."""

from __future__ import annotations

import time

from agents.human import Button
from arena.ui.controls import RESERVED, Controls, save_controls
from arena.ui.lines import draw_lines, hint, line, title
from arena.ui.strings import text
from arena.ui.window import Stage
from envs.errors import ArenaError


def choose_keys(stage: Stage) -> bool:
    """Ask for each button in turn, and keep the answers for the next time, too. False if the person changed nothing.

    A new key takes the place of all keys that the button had; so does a pad's button among those of pads.
    """
    controls = stage.controls
    taken: set[str] = set()
    for button in Button:
        source = _asked(stage, button, taken)
        if source is None:
            return False
        if source:
            taken.add(source)
            controls = controls.bound(button, source)
    stage.controls = controls
    stage.say(_kept(controls))
    return True


def _kept(controls: Controls) -> str:
    try:
        save_controls(controls)
    except ArenaError as error:
        return str(error)
    return text("remap.done")


def _asked(stage: Stage, button: Button, taken: set[str]) -> str | None:
    """Wait for a source for `button`: empty to leave it as it is, None to change nothing at all."""
    said = ""
    while not stage.closed:
        for press in stage.poll_text():
            source = press.source
            if press.key == "escape":
                return None
            if press.key == "backspace":
                return ""
            if source in RESERVED or source in taken:
                said = text("remap.taken", source=source)
            elif source:
                return source
        now = ", ".join(stage.controls.sources[button][:3])
        lines = [
            title(text("remap.title")),
            line(text("remap.press")),
            (text(f"remap.{button}").upper(), 2.0, title("")[2]),
            hint(said or now),
            hint(text("remap.keep")),
        ]
        stage.clear()
        draw_lines(stage, lines, stage.surface.get_height() // 14)
        stage.show()
        time.sleep(1 / 30)
    return None
