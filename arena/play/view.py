"""What a person sees of the running game: the picture in whole pixels, names, scores, lives, time, who leads.

Words are drawn again only when they change; the pictures are drawn with every frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from arena.play.palette import BACKGROUND, BRIGHT, PERSON, QUIET, RIVAL, SCORE
from arena.play.stage import Stage
from arena.play.strings import text
from arena.screen import PIXEL_WIDTH, Panel, Rect, clock_of
from envs.step import End

GLOW = 0.6
"""The part of its light that the phosphor of a television keeps to the next frame."""
COLOURS = (PERSON, RIVAL)
ENDS = {
    End.TERMINATED: "play.game_over",
    End.TRUNCATED: "play.time_is_up",
    End.QUIT: "play.left_game",
    End.FAILED: "play.forfeited",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands in a window."""

    size: tuple[int, int]
    pictures: tuple[Rect, ...]
    columns: tuple[Rect, ...]
    """One for each game: its share of the window between top and bottom."""
    line: int
    """Height of a large line of text, in pixels."""

    @property
    def small(self) -> int:
        return round(self.line * 0.62)


def lay_out(size: tuple[int, int], heights: Sequence[int]) -> Layout:
    """Return the largest layout for a window of `size` and games with so many lines each.

    An emulated pixel becomes a whole number of pixels both ways, nearest to the shape that a television gave it; a
    window too small for that shows the middle of the pictures.
    """
    width, height = size
    line = max(18, min(height // 14, width // (12 * len(heights))))
    top, bottom, gap = round(line * 1.3), round(line * 2.4), line // 2
    lines = 1
    while True:
        wide = len(heights) * round((lines + 1) * PIXEL_WIDTH) * 160 + (len(heights) - 1) * gap
        if wide > width or max(heights) * (lines + 1) > height - top - bottom:
            break
        lines += 1
    across = round(lines * PIXEL_WIDTH) * 160
    left = (width - len(heights) * across - (len(heights) - 1) * gap) // 2
    pictures, columns = [], []
    for i, rows in enumerate(heights):
        x = left + i * (across + gap)
        spare = height - top - bottom - rows * lines
        pictures.append(Rect(x, top + spare // 2, across, rows * lines))
        columns.append(Rect(x, top + spare // 2 - top, across, rows * lines + top + bottom))
    return Layout(size, tuple(pictures), tuple(columns), line)


class View:
    """Draws one game, or two side by side, on a stage.

    Args:
        stage: where.
        panels: what is shown of each game; the person's first.
        title: a line for both, such as the number of the round.
    """

    def __init__(self, stage: Stage, panels: Sequence[Panel], title: str) -> None:
        self._stage = stage
        self.panels = tuple(panels)
        self._title = title
        self._layout: Layout | None = None
        self._words: tuple[Any, ...] = ()
        self._glow: list[np.ndarray | None] = [None] * len(panels)
        self._scaled: list[np.ndarray] = []
        self.note = ""
        """A line that stands where the lead does otherwise."""
        self.held_frames = 0
        """Of the opponent: shown beside its name."""
        self.phosphor = False
        """Whether flicker is smoothed."""

    def draw(self) -> None:
        """Draw the frame at which all games stand. Doesn't show it yet."""
        layout = self._arranged()
        for i, (panel, place) in enumerate(zip(self.panels, layout.pictures, strict=True)):
            self._draw_picture(i, panel, place)
        words = self._all_words()
        if words != self._words:
            self._words = words
            self._draw_words(layout)

    def draw_hidden(self) -> None:
        """Draw everything but the pictures."""
        layout = self._arranged()
        self._draw_words(layout)
        for place in layout.pictures:
            self._stage.surface.fill(BACKGROUND, (place.x, place.y, place.width, place.height))
        self._words = ()

    @property
    def line(self) -> int:
        return self._arranged().line

    def _arranged(self) -> Layout:
        size = self._stage.surface.get_size()
        if self._stage.resized or self._layout is None or self._layout.size != size:
            self._stage.resized = False
            self._layout = lay_out(size, [panel.picture().shape[0] for panel in self.panels])
            self._scaled = [np.empty((p.height, p.width, 3), np.uint8) for p in self._layout.pictures]
            self._words = ()
            self._stage.clear()
        return self._layout

    # -- pictures --------------------------------------------------------------------------------------------------

    def _draw_picture(self, index: int, panel: Panel, place: Rect) -> None:
        import cv2

        if not panel.moved and self._words:
            return
        picture = panel.picture()
        if self.phosphor:
            before = self._glow[index]
            if before is not None:
                picture = np.asarray(cv2.max(picture, cv2.convertScaleAbs(before, alpha=GLOW)))
            self._glow[index] = picture
        scaled = self._scaled[index]
        cv2.resize(picture, (place.width, place.height), dst=scaled, interpolation=cv2.INTER_NEAREST)
        image = self._stage.pygame.image.frombuffer(scaled, (place.width, place.height), "RGB")
        self._stage.surface.blit(image, (place.x, place.y))

    # -- words -----------------------------------------------------------------------------------------------------

    def _all_words(self) -> tuple[Any, ...]:
        """Everything that is written; when it changes, it is written again."""
        return (self.banner(), self.held_frames, *(self._words_of(panel) for panel in self.panels))

    @staticmethod
    def _words_of(panel: Panel) -> tuple[str, str, str, str, str]:
        t, lives = (panel.step.t, panel.step.lives) if panel.step is not None else (0, 0)
        end = panel.step.end if panel.step is not None else None
        if end is End.QUIT and panel.recorded_end is not None:
            end = panel.recorded_end
        note = text(ENDS[end]) if end is not None else ""
        left = text("play.time_left", clock=clock_of(max(0, panel.max_frames - t)))
        return panel.name, f"{panel.score:,}", text("play.lives", n=lives), left, note

    def banner(self) -> str:
        """The line at the bottom: what was just said, or who leads."""
        return self._stage.toast or self.note or self.lead() or self._title

    def lead(self) -> str:
        """Who leads by how much; empty for a person alone."""
        if len(self.panels) < 2:
            return ""
        first, second = self.panels
        gap = first.score - second.score
        if gap == 0:
            return text("play.level")
        return text("play.leads", name=(first if gap > 0 else second).name, n=f"{abs(gap):,}")

    def _lead_colour(self) -> tuple[int, int, int]:
        if self._stage.toast or self.note or len(self.panels) < 2:
            return BRIGHT
        gap = self.panels[0].score - self.panels[1].score
        return BRIGHT if gap == 0 else COLOURS[0] if gap > 0 else COLOURS[1]

    def _draw_words(self, layout: Layout) -> None:
        stage, line, small = self._stage, layout.line, layout.small
        width, height = layout.size
        for picture, column in zip(layout.pictures, layout.columns, strict=True):
            below = picture.y + picture.height
            stage.surface.fill(BACKGROUND, (column.x, 0, column.width, picture.y))
            stage.surface.fill(BACKGROUND, (column.x, below, column.width, height - below))
        floor = max(picture.y + picture.height for picture in layout.pictures)
        stage.surface.fill(BACKGROUND, (0, floor, width, height - floor))
        for i, (panel, picture) in enumerate(zip(self.panels, layout.pictures, strict=True)):
            name, score, lives, left, note = self._words_of(panel)
            right, above, below = picture.x + picture.width, picture.y - line // 4, picture.y + picture.height
            place = stage.write(score, (right, above), line, SCORE, "bottomright")
            room = place.left - picture.x - line // 2
            stage.write(name, (picture.x, above), line, COLOURS[i], "bottomleft", room)
            under = below + line // 4
            stage.write(lives, (picture.x, under), small, BRIGHT, "topleft")
            stage.write(left, (right, under), small, BRIGHT, "topright")
            middle = (picture.x + picture.width // 2, under)
            if note:
                stage.write(note, middle, small, SCORE, "midtop")
            elif i == 1 and self.held_frames:
                stage.write(text("play.late", n=self.held_frames), middle, small, QUIET, "midtop")
        base = height - round(line * 0.7)
        stage.write(self.banner(), (width // 2, base), line, self._lead_colour(), "center", width - line)
        if len(self.panels) > 1 and self._title:
            stage.write(self._title, (width // 2, floor + line // 4), small, QUIET, "midtop", line * 6)
