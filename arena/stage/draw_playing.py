"""The two games side by side. Pictures are drawn with every frame, words when they change, the graph now and then."""

from __future__ import annotations

from typing import Any

from arena.stage.audience import Hall
from arena.stage.draw_common import COLOURS, GRAPH_FRAMES, LEAST, graph, header, is_shared, title_of, which
from arena.stage.replay import SideBySide
from arena.stage.schedule import Bout, series_of
from arena.stats.text import clock_of
from arena.tournament.model import TournamentState
from arena.tournament.series import BestOf
from arena.ui import palette
from arena.ui.canvas import WIDTH, Canvas
from arena.ui.endings import ENDS
from arena.ui.show import Panel
from arena.ui.strings import text
from envs.games import FPS
from envs.step import End

ACROSS, DOWN, TOP = 536.0, 420.0, 116.0
"""The place of a picture in units: in it whole pixels come near to a television's shape at 720, 1080 and 2160 lines."""
LEFT = (24.0, WIDTH - 24.0 - ACROSS)
GRAPH = (24.0, 550.0, WIDTH - 48.0, 158.0)
LIVE_FRAMES = round(20 * FPS)
"""A running game of which more is known already isn't called live."""
GRAPH_EVERY = 6
"""Frames of the games between two drawings of the graph."""


class Picture:
    """What stands on the window of the games that are on."""

    def __init__(self) -> None:
        self._words: tuple[Any, ...] = ()
        self._graph = -1

    def draw(self, canvas: Canvas, hall: Hall, state: TournamentState, bout: Bout, duel: SideBySide, note: str) -> None:
        words = self._all_words(canvas, hall, state, bout, duel, note)
        names = (hall.name(bout.a), hall.name(bout.b))
        if words != self._words or hall.stage.resized:
            hall.stage.resized = False
            self._words, self._graph = words, -1
            canvas.clear()
            _write(canvas, words)
        if self._graph < 0 or abs(duel.ticks - self._graph) >= GRAPH_EVERY:
            self._graph = duel.ticks
            graph(canvas, duel.leads, GRAPH_FRAMES, names, GRAPH)
        for i, x in enumerate(LEFT):
            picture = duel.picture(i)
            if picture is None:
                canvas.box(x, TOP, ACROSS, DOWN, (0, 0, 0))
                continue
            canvas.game(picture, x, TOP, ACROSS, DOWN)
            if said := _end_of(duel.panels[i]):
                canvas.box(x + 120, TOP + DOWN / 2 - 34, ACROSS - 240, 68, palette.GROUND)
                canvas.frame(x + 120, TOP + DOWN / 2 - 34, ACROSS - 240, 68, COLOURS[i])
                canvas.text(said, x + ACROSS / 2, TOP + DOWN / 2 - 18, 36, palette.TEXT, 0.5, ACROSS - 260)

    def _all_words(
        self, canvas: Canvas, hall: Hall, state: TournamentState, bout: Bout, duel: SideBySide, note: str
    ) -> tuple[Any, ...]:
        so_far = series_of(hall.known(), bout)
        single = is_shared(state) or state.plan.series == BestOf(n=1)
        frames = max(0 if panel.step is None else panel.step.t for panel in duel.panels)
        if not note and duel.starved and duel.ticks and duel.live:
            note = text("stage.waiting_station")
        return (
            canvas.surface.get_size(),
            title_of(bout),
            which(state, bout),
            (hall.name(bout.a), hall.name(bout.b)),
            tuple(f"{panel.score:,}" for panel in duel.panels),
            "" if single else f"{so_far.wins}:{so_far.losses}",
            clock_of(frames),
            duel.lead,
            duel.live and duel.behind < LIVE_FRAMES,
            note or hall.stage.toast,
        )


def _write(canvas: Canvas, words: tuple[Any, ...]) -> None:
    _, title, number, names, scores, series, clock, lead, live, note = words
    header(canvas, title, number)
    for i, x in enumerate(LEFT):
        width = canvas.pixels(scores[i], x + ACROSS, 62, 6, palette.YELLOW, 1, ACROSS * 0.5)
        canvas.text(names[i], x, 60, 46, COLOURS[i], room=ACROSS - width - 24)
    middle = WIDTH / 2
    canvas.pixels(clock, middle, TOP + 8, 5, palette.TEXT, 0.5, 150)
    if series:
        canvas.text(text("stage.series"), middle, TOP + 84, LEAST, palette.QUIET, 0.5, 150)
        canvas.pixels(series, middle, TOP + 124, 7, palette.TEXT, 0.5, 150)
    if lead:
        colour = COLOURS[lead < 0]
        canvas.text(text("stage.lead"), middle, TOP + 214, LEAST, palette.QUIET, 0.5, 150)
        canvas.pixels("←" if lead > 0 else "→", middle, TOP + 254, 9, colour, 0.5, 150)
        canvas.pixels(f"{abs(lead):,}", middle, TOP + 330, 5, colour, 0.5, 150)
    else:
        canvas.text(text("stage.level"), middle, TOP + 254, LEAST, palette.QUIET, 0.5, 150)
    if live:
        canvas.box(middle - 56, TOP + 384, 112, 36, palette.VERMILLION)
        canvas.pixels(text("stage.live"), middle, TOP + 391, 3, palette.GROUND, 0.5)
    if note:
        canvas.text(note, WIDTH / 2, 14, LEAST, palette.YELLOW, 0.5, 500)


def _end_of(panel: Panel) -> str:
    """Say how a game has ended; nothing while it runs."""
    if panel.step is None or (end := panel.step.end) is None:
        return ""
    if end is End.QUIT and panel.recorded_end is not None:
        end = panel.recorded_end
    return text(ENDS[end])
