"""The lead over time as a picture: above the middle the first player is ahead, below it the second."""

from __future__ import annotations

import numpy as np

from arena.ui import palette
from arena.ui.palette import Colour

FREE = 40
"""Units that stay free above the largest lead, and below: what these sides mean is written there."""
STRIPES = 6
"""Width of the stripes of the lower area, in units: it isn't told from the upper one by colour alone."""


def lead_picture(leads: np.ndarray, frames: int, width: int, height: int, unit: float) -> np.ndarray:
    """Return the graph: uint8 (height, width, 3), RGB.

    Args:
        leads: by how many points the first is ahead after each frame: int64 (n,), n at least 1.
        frames: how many frames the whole width stands for, at least n - 1.
        width, height: in pixels.
        unit: pixels of one unit of the page: how thick lines are.
    """
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = palette.PANEL
    middle = height // 2
    thick = max(1, round(1.5 * unit))
    drawn = min(width, max(1, round(width * (len(leads) - 1) / max(1, frames))))
    columns = np.minimum(np.arange(drawn) * max(1, frames) // width, len(leads) - 1)
    largest = max(1, int(np.abs(leads).max()))
    reach = max(thick, middle - FREE * unit)
    y = np.rint(middle - leads[columns] / largest * reach).astype(np.int64)
    rows = np.arange(height)[:, None]
    part = picture[:, :drawn]
    part[(rows < middle) & (rows >= y)] = _dim(palette.SKY)
    below = (rows > middle) & (rows <= y)
    width_of = max(2, round(STRIPES * unit))
    stripes = ((rows + np.arange(drawn)) // width_of) % 2 == 0
    part[below] = _dim(palette.ORANGE)
    part[below & stripes] = _dim(palette.ORANGE, 0.75)
    picture[middle - thick // 2 : middle - thick // 2 + thick] = palette.LINE_TEXT
    # The curve goes up and down without gaps: from the row of one column to that of the next.
    before = np.concatenate([y[:1], y[:-1]])
    top, bottom = np.minimum(y, before) - thick, np.maximum(y, before) + thick
    part[(rows >= top) & (rows <= bottom)] = palette.TEXT
    return picture


def _dim(colour: Colour, part: float = 0.55) -> Colour:
    red, green, blue = (
        round(part * value + (1 - part) * ground) for value, ground in zip(colour, palette.PANEL, strict=True)
    )
    return red, green, blue
