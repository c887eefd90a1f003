"""The table of standings, as the kiosk's screens draw it."""

from __future__ import annotations

from collections.abc import Sequence

from agents.player import Kind
from arena.scoreboard.results import Standing
from arena.ui import palette
from arena.ui.canvas import Canvas
from arena.ui.key_cap import number
from arena.ui.strings import text

MEAN_FROM_RIGHT = 130.0
"""Units between the right ends of the last two columns of the standings."""
TAGGED_WIDTH = 700.0
"""In narrower standings there is no room for a word after a machine's name."""


def draw_standings(
    canvas: Canvas,
    standings: Sequence[Standing],
    x: float,
    y: float,
    width: float,
    accent: palette.Colour,
    mine: str = "",
) -> None:
    """Draw a table of standings, 62 units a line."""
    right = x + width
    if standings:
        canvas.text(text("kiosk.column_mean"), right - MEAN_FROM_RIGHT, y, 26, palette.QUIET, 1)
        canvas.text(text("kiosk.column_best"), right, y, 26, palette.QUIET, 1)
        canvas.text(text("kiosk.column_player"), x + 84, y, 26, palette.QUIET)
    for line, standing in enumerate(standings):
        top = y + 44 + 62 * line
        human = standing.kind is Kind.HUMAN
        own = human and standing.player == mine
        if own:
            canvas.panel(x - 14, top - 6, width + 28, 56, accent)
        rank_colour = accent if standing.rank <= 3 or own else palette.QUIET
        canvas.pixels(str(standing.rank), x + 50, top + 3, 4.5, rank_colour, 1, 60)
        tagged = not human and width >= TAGGED_WIDTH
        room = width - 84 - MEAN_FROM_RIGHT - 110 - (120 if tagged else 0)
        used = canvas.text(standing.player, x + 84, top, 36, palette.TEXT if human else palette.QUIET, room=room)
        if tagged:
            canvas.text(text("kiosk.tag_machine"), x + 84 + used + 16, top + 6, 24, palette.LINE_TEXT)
        canvas.text(number(round(standing.mean)), right - MEAN_FROM_RIGHT, top, 36, palette.YELLOW, 1, 110)
        canvas.text(number(standing.best), right, top, 36, palette.TEXT, 1, MEAN_FROM_RIGHT - 16)
