"""What a spectator sees of running games: who plays, score, lives, clock and the picture. No window and no file here;
`arena.ui.viewer` and `arena.ui.video` show what this module draws.

`arrange` finds places for the panels of a `Show` in whole-pixel scaling, `status_bar` draws the line above a picture,
`compose` puts everything together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from arena.ui.palette import GROUND, QUIET, TEXT, YELLOW
from arena.ui.show import Panel
from envs.games import PIXEL_WIDTH

BAR_HEIGHT = 16
"""Height of the status bar in emulated lines."""

# -- places ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rect:
    """A place in pixels, from the top left corner."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Where things stand. `size` is (width, height); both are even, as video wants it."""

    size: tuple[int, int]
    scale: tuple[int, int]
    """Pixels across and down for one emulated pixel."""
    bars: tuple[Rect, ...]
    pictures: tuple[Rect, ...]


def arrange(panels: Sequence[Panel], lines: int) -> Arrangement:
    """Return the places of `panels` beside each other, at `lines` pixels per emulated line.

    One emulated pixel becomes a whole number of pixels both ways, nearest to the shape that a television gave it.
    """
    across = round(lines * PIXEL_WIDTH)
    shapes = [panel.picture().shape for panel in panels]
    bar, gap = BAR_HEIGHT * lines, 4 * lines
    tallest = max(shape[0] for shape in shapes) * lines
    bars, pictures, x = [], [], 0
    for height, width, _ in shapes:
        bars.append(Rect(x, 0, width * across, bar))
        pictures.append(Rect(x, bar + (tallest - height * lines) // 2, width * across, height * lines))
        x += width * across + gap
    size = (x - gap + (x - gap) % 2, bar + tallest + (bar + tallest) % 2)
    return Arrangement(size, (across, lines), tuple(bars), tuple(pictures))


def arrange_within(panels: Sequence[Panel], width: int, height: int) -> Arrangement:
    """Return the largest arrangement that fits into `width` x `height` pixels, or the smallest there is."""
    best = arrange(panels, 1)
    for lines in range(2, height // BAR_HEIGHT + 2):
        larger = arrange(panels, lines)
        if larger.size[0] > width or larger.size[1] > height:
            break
        best = larger
    return best


# -- drawing -----------------------------------------------------------------------------------------------------------


def compose(panels: Sequence[Panel], places: Arrangement, pictures: Sequence[np.ndarray] | None = None) -> np.ndarray:
    """Return the whole picture: uint8 (height, width, 3), RGB, of `places.size`.

    Args:
        pictures: what to show instead of the panels' own pictures, each uint8 (height, 160, 3).
    """
    import cv2

    width, height = places.size
    canvas = np.full((height, width, 3), GROUND, np.uint8)
    shown = pictures if pictures is not None else [panel.picture() for panel in panels]
    for panel, picture, bar, place in zip(panels, shown, places.bars, places.pictures, strict=True):
        _within(canvas, bar)[:] = status_bar(panel, bar.width, bar.height)
        size = (place.width, place.height)
        cv2.resize(picture, size, dst=_within(canvas, place), interpolation=cv2.INTER_NEAREST)
    return canvas


def _within(canvas: np.ndarray, place: Rect) -> np.ndarray:
    return canvas[place.y : place.y + place.height, place.x : place.x + place.width]


def status_bar(panel: Panel, width: int, height: int) -> np.ndarray:
    """Return the line above a game: name and score, below them what is played: uint8 (height, width, 3), read-only."""
    return _bar(panel.name, panel.details, f"{panel.score:,}", panel.note, width, height)


@lru_cache(maxsize=32)
def _bar(name: str, details: str, score: str, note: str, width: int, height: int) -> np.ndarray:
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (width, height), GROUND)
    draw = ImageDraw.Draw(image)
    large, small = _font(round(height * 0.46)), _font(round(height * 0.31))
    margin, top, below = round(height * 0.2), round(height * 0.46), round(height * 0.88)
    right = width - margin
    draw.text((right, top), score, YELLOW, large, "rs")
    draw.text((right, below), note, TEXT, small, "rs")
    room = right - 2 * margin - draw.textlength(score, large)
    draw.text((margin, top), shortened(name, large, room), TEXT, large, "ls")
    room = right - 2 * margin - draw.textlength(note, small)
    draw.text((margin, below), shortened(details, small, room), QUIET, small, "ls")
    bar = np.asarray(image)
    bar.flags.writeable = False
    return bar


def shortened(text: str, font: Any, room: float) -> str:
    """Return `text`, cut with an ellipsis where it is wider than `room` pixels in the pillow font `font`."""
    if font.getlength(text) <= room:
        return text
    while text and font.getlength(text + "…") > room:
        text = text[:-1]
    return text.rstrip() + "…"


def caption(text: str, height: int) -> np.ndarray:
    """Return `text` on dark ground as a picture of `height` pixels: uint8 (height, width, 3)."""
    from PIL import Image, ImageDraw

    font = _font(round(height * 0.6))
    width = round(font.getlength(text)) + height
    image = Image.new("RGB", (width, height), GROUND)
    ImageDraw.Draw(image).text((height / 2, height * 0.5), text, TEXT, font, "lm")
    return np.asarray(image)


@cache
def _font(size: int) -> Any:
    """The font that comes with pygame-ce: one look on every machine, with Latin, Greek and Cyrillic letters."""
    from importlib.util import find_spec

    from PIL import ImageFont

    spec = find_spec("pygame")
    assert spec is not None
    assert spec.origin is not None
    return ImageFont.truetype(Path(spec.origin).parent / "freesansbold.ttf", size)
