"""The screens that lie over a game: countdown, pause, leaving, saving, the end. None of them shows the game's picture
except the last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from arena.ui.palette import QUIET, TEXT, YELLOW
from arena.ui.window import Stage

Line = tuple[str, float, tuple[int, int, int]]
"""Words, height as a part of the usual large line, colour."""


def title(words: str) -> Line:
    return words, 1.8, YELLOW


def line(words: str) -> Line:
    return words, 1.0, TEXT


def hint(words: str) -> Line:
    return words, 0.7, QUIET


def draw_lines(stage: Stage, lines: Sequence[Line], unit: int) -> None:
    """Draw lines in the middle of the window, on a dark ground of their own. What is too long is wrapped."""
    surface = stage.surface
    width, height = surface.get_size()
    lines = [part for one in lines for part in _wrapped(stage, one, unit, width - 2 * unit)]
    heights = [round(unit * part * 1.35) for _, part, _ in lines]
    total = sum(heights)
    room = width - 2 * unit
    widest = max(min(room, stage.text_surface(w, round(unit * part), c).get_width()) for w, part, c in lines)
    box = stage.pygame.Rect(0, 0, widest + 2 * unit, total + unit)
    box.center = (width // 2, height // 2)
    surface.fill((0, 0, 0), box)
    stage.pygame.draw.rect(surface, QUIET, box, max(1, unit // 16))
    y = (height - total) // 2
    for (words, part, colour), tall in zip(lines, heights, strict=True):
        stage.write(words, (width // 2, y + tall // 2), round(unit * part), colour, "center", room)
        y += tall


def _wrapped(stage: Stage, line: Line, unit: int, room: int) -> Iterator[Line]:
    """Yield `line` in as many parts as it needs; a single word that is too long stays whole, and is cut when drawn."""
    words, size, colour = line
    font, part = stage.font(round(unit * size)), ""
    for word in words.split(" "):
        longer = f"{part} {word}" if part else word
        if part and font.size(longer)[0] > room:
            yield part, size, colour
            longer = word
        part = longer
    yield part, size, colour
