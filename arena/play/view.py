"""What a person sees of the running game: the picture in whole pixels, names, scores, lives, time, who leads.

Words are drawn again only when they change; the pictures are drawn with every frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from arena.stats.text import clock_of
from arena.ui.compose import Rect
from arena.ui.endings import ENDS
from arena.ui.palette import ORANGE, QUIET, SKY, TEXT, YELLOW
from arena.ui.show import Panel
from arena.ui.strings import text
from arena.ui.window import Stage
from envs.games import PIXEL_WIDTH
from envs.step import End

GLOW = 0.6
"""The part of its light that the phosphor of a television keeps to the next frame."""
COLOURS = (SKY, ORANGE)


@dataclass(frozen=True, slots=True)
class ViewLayout:
    """Where everything stands in a window."""

    size: tuple[int, int]
    pictures: tuple[Rect, ...]
    line: int
    """Height of a large line of text, in pixels."""

    @property
    def small(self) -> int:
        return round(self.line * (0.62 if len(self.pictures) > 1 else 0.75))


def lay_out(size: tuple[int, int], heights: Sequence[int]) -> ViewLayout:
    """Return the largest layout for a window of `size` and games with so many lines each.

    An emulated pixel becomes a whole number of pixels both ways, nearest to the shape that a television gave it; a
    window too small for that shows the middle of the pictures.
    """
    width, height = size
    # Smaller words where that makes the picture larger; not so small that two metres are too far.
    choices = [max(18, min(height // part, width // (12 * len(heights)))) for part in range(14, 23)]
    line = max(choices, key=lambda line: (_scale(size, heights, line), line))
    lines, (top, bottom, gap) = _scale(size, heights, line), _margins(line, len(heights))
    across = round(lines * PIXEL_WIDTH) * 160
    left = (width - len(heights) * across - (len(heights) - 1) * gap) // 2
    pictures = []
    for i, rows in enumerate(heights):
        spare = height - top - bottom - rows * lines
        pictures.append(Rect(left + i * (across + gap), top + spare // 2, across, rows * lines))
    return ViewLayout(size, tuple(pictures), line)


def _margins(line: int, games: int) -> tuple[int, int, int]:
    """Pixels above the pictures, below them, and between two. Below a single one all words stand in one row."""
    return round(line * 1.3), round(line * (3.1 if games > 1 else 1.15)), line


def _scale(size: tuple[int, int], heights: Sequence[int], line: int) -> int:
    """Return the most pixels per emulated line, at least 1."""
    top, bottom, gap = _margins(line, len(heights))
    lines = 1
    while True:
        wide = len(heights) * round((lines + 1) * PIXEL_WIDTH) * 160 + (len(heights) - 1) * gap
        if wide > size[0] or max(heights) * (lines + 1) > size[1] - top - bottom:
            return lines
        lines += 1


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
        self._layout: ViewLayout | None = None
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
        words = self._all_words()
        if words != self._words:
            self._draw_words(layout)
            self._words = words
        for i, (panel, place) in enumerate(zip(self.panels, layout.pictures, strict=True)):
            self._draw_picture(i, panel, place)

    def draw_hidden(self) -> None:
        """Draw everything but the pictures."""
        self._draw_words(self._arranged())
        self._words = ()

    @property
    def line(self) -> int:
        """Height of a large line of what lies over the game, in pixels: there is room for larger words."""
        layout = self._arranged()
        return max(layout.line, layout.size[1] // 16)

    def _arranged(self) -> ViewLayout:
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
        return self._stage.toast or self.note or self.lead()

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
            return TEXT
        gap = self.panels[0].score - self.panels[1].score
        return TEXT if gap == 0 else COLOURS[0] if gap > 0 else COLOURS[1]

    def _draw_words(self, layout: ViewLayout) -> None:
        stage, line, small = self._stage, layout.line, layout.small
        middle, room = layout.size[0] // 2, layout.size[0] - line
        stage.clear()
        for i, (panel, picture) in enumerate(zip(self.panels, layout.pictures, strict=True)):
            name, score, lives, left, note = self._words_of(panel)
            right, above = picture.x + picture.width, picture.y - line // 4
            place = stage.write(score, (right, above), line, YELLOW, "bottomright")
            stage.write(name, (picture.x, above), line, COLOURS[i], "bottomleft", place.left - picture.x - line // 2)
            below = picture.y + picture.height + line // 4
            used = stage.write(lives, (picture.x, below), small, TEXT, "topleft").width
            used = max(used, stage.write(left, (right, below), small, TEXT, "topright").width)
            centre, between = (picture.x + picture.width // 2, below), picture.width - 2 * used - line
            if note:
                stage.write(note, centre, small, YELLOW, "midtop", between)
            elif i == 1 and self.held_frames:
                stage.write(text("play.late", n=self.held_frames), centre, small, QUIET, "midtop", between)
            elif len(self.panels) == 1:
                said = self.banner()
                stage.write(said or self._title, centre, small, TEXT if said else QUIET, "midtop", between)
        if len(self.panels) == 1:
            return
        floor = max(picture.y + picture.height for picture in layout.pictures)
        stage.write(self.banner(), (middle, floor + round(1.65 * line)), line, self._lead_colour(), "center", room)
        stage.write(self._title, (middle, floor + round(2.6 * line)), small, QUIET, "center", room)
