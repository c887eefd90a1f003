"""Keys with their letters, and numbers, as they are drawn on a canvas."""

from __future__ import annotations

from arena.ui import palette
from arena.ui.canvas import Canvas


def key_cap(canvas: Canvas, cap: str, x: float, y: float, dot: float = 3) -> float:
    """Draw a key with its letters; return its width."""
    width = max(44.0, canvas.measure(cap, dot) + 28)
    canvas.panel(x, y, width, 46, palette.QUIET)
    canvas.pixels(cap, x + width / 2, y + 23 - dot * 3.5, dot, palette.TEXT, 0.5)
    return width


def number(value: float) -> str:
    """Return points as people write them: whole numbers without, others with one decimal."""
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 1000 else f"{value:,.1f}"
