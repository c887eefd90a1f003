"""Drawing in units that are the same on every display: a page of 1280 x 720 units, as large as fits, in the middle.

Letters are rendered at the display's own resolution; dots of the pixel font and of games are whole pixels.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pygame

from arena.ui import palette, pixel_font
from arena.ui.palette import Colour
from envs.games import PIXEL_WIDTH

WIDTH, HEIGHT = 1280, 720
"""Units of the page."""
SMALLEST = 24
"""Units of the smallest text. On a 15-inch laptop its capitals are 4.4 mm high, 7.5 minutes of arc from two metres;
normal sight needs 5."""
BODY = 30
CAPITALS = 0.4
"""Where the middle of a capital is, as a part of the height of a line of the font."""


class Canvas:
    """A page on a surface.

    Args:
        surface: what is drawn on; any size.
    """

    def __init__(self, surface: pygame.Surface) -> None:
        self.surface = surface
        width, height = surface.get_size()
        self.scale = min(width / WIDTH, height / HEIGHT)
        """Pixels per unit."""
        self._left = (width - WIDTH * self.scale) / 2
        self._top = (height - HEIGHT * self.scale) / 2

    def clear(self) -> None:
        self.surface.fill(palette.GROUND)

    # -- shapes ------------------------------------------------------------------------------------------------------

    def rect(self, x: float, y: float, width: float, height: float) -> pygame.Rect:
        """Return a place given in units in pixels of the surface."""
        left, top = round(self._left + x * self.scale), round(self._top + y * self.scale)
        right, bottom = round(self._left + (x + width) * self.scale), round(self._top + (y + height) * self.scale)
        return pygame.Rect(left, top, right - left, bottom - top)

    def box(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        self.surface.fill(colour, self.rect(x, y, width, height))

    def frame(
        self, x: float, y: float, width: float, height: float, colour: Colour = palette.LINE, thickness: float = 3
    ) -> None:
        """Draw the four sides of a rectangle, inside it."""
        self.box(x, y, width, thickness, colour)
        self.box(x, y + height - thickness, width, thickness, colour)
        self.box(x, y, thickness, height, colour)
        self.box(x + width - thickness, y, thickness, height, colour)

    def panel(self, x: float, y: float, width: float, height: float, colour: Colour = palette.LINE) -> None:
        """Draw a plate to write on, with cut corners."""
        self.box(x + 6, y, width - 12, height, palette.PANEL)
        self.box(x, y + 6, width, height - 12, palette.PANEL)
        for left, top, across, down in (
            *((x + 6, y, width - 12, 3), (x + 6, y + height - 3, width - 12, 3)),
            *((x, y + 6, 3, height - 12), (x + width - 3, y + 6, 3, height - 12)),
            *((x + 3, y + 3, 3, 3), (x + width - 6, y + 3, 3, 3)),
            *((x + 3, y + height - 6, 3, 3), (x + width - 6, y + height - 6, 3, 3)),
        ):
            self.box(left, top, across, down, colour)

    # -- letters -----------------------------------------------------------------------------------------------------

    def text(
        self,
        text: str,
        x: float,
        y: float,
        size: float = BODY,
        colour: Colour = palette.TEXT,
        align: float = 0.0,
        room: float = WIDTH,
    ) -> float:
        """Write one line whose capitals stand in the middle of a line of `size` units below `y`; return its width.

        Args:
            size: units of the font, at least `SMALLEST`.
            align: which part of the text stands at `x`: 0 its left end, 0.5 its middle, 1 its right end.
            room: units that it may be wide; longer text becomes smaller down to `SMALLEST`, and is then cut.
        """
        assert size >= SMALLEST, f"{size} units can't be read from two metres"
        picture, line = self._fitted(text, size, colour, room)
        width = picture.get_width() / self.scale
        place = self.rect(x - align * width, y + size / 2, 0, 0)
        higher = picture.get_height() - line  # where a capital has an accent, which stands above the line
        self.surface.blit(picture, (place.x, place.y - round(line * CAPITALS) - higher))
        return width

    def _fitted(self, text: str, size: float, colour: Colour, room: float) -> tuple[pygame.Surface, int]:
        """Return the text as a picture, and the height of a line of its font."""
        pixels = room * self.scale
        while (needed := font(round(size * self.scale)).size(text)[0]) > pixels and size > SMALLEST:
            # letters don't grow evenly with their size: what is computed may still be a little too wide
            size = max(SMALLEST, size * min(0.98, pixels / needed))
        letters = font(round(size * self.scale))
        return _written(_cut(text, letters, pixels), round(size * self.scale), colour), letters.get_height()

    def paragraph(
        self,
        text: str,
        x: float,
        y: float,
        room: float,
        size: float = BODY,
        colour: Colour = palette.TEXT,
        align: float = 0.0,
    ) -> float:
        """Write `text` in lines at most `room` units wide; return the units from `y` to below the last line."""
        lines = self.lines_of(text, room, size)
        for number, line in enumerate(lines):
            self.text(line, x, y + number * size * 1.35, size, colour, align, room)
        return len(lines) * size * 1.35

    def lines_of(self, text: str, room: float, size: float) -> list[str]:
        """Return `text` in lines that are at most `room` units wide."""
        letters = font(round(size * self.scale))
        lines: list[str] = []
        for paragraph in text.split("\n"):
            line = ""
            for word in paragraph.split():
                longer = f"{line} {word}" if line else word
                if line and letters.size(longer)[0] > room * self.scale:
                    lines.append(line)
                    longer = word
                line = longer
            lines.append(line)
        return lines

    def pixels(
        self,
        text: str,
        x: float,
        y: float,
        dot: float = 5,
        colour: Colour = palette.TEXT,
        align: float = 0.0,
        room: float = WIDTH,
    ) -> float:
        """Write `text` in capitals of seven dots of `dot` units, whose top is at `y`; return its width in units. What
        the pixel font has no letters for is written in the other font.

        Args:
            align: see `text`.
            room: units that it may be wide; longer text gets smaller dots.
        """
        if not pixel_font.can_write(text):
            return self.text(text, x, y, max(dot * 7, SMALLEST), colour, align, room)
        pattern = pixel_font.dots(text)
        side = max(1, min(round(dot * self.scale), int(room * self.scale / pattern.shape[1])))
        picture = _dotted(text, side, colour)
        width = picture.get_width() / self.scale
        place = self.rect(x - align * width, y + (dot * 7 - 7 * side / self.scale) / 2, 0, 0)
        self.surface.blit(picture, place)
        return width

    def measure(self, text: str, dot: float) -> float:
        """Return the width in units that `pixels` would give `text`."""
        if not pixel_font.can_write(text):
            return font(round(max(dot * 7, SMALLEST) * self.scale)).size(text)[0] / self.scale
        return float(pixel_font.dots(text).shape[1] * max(1, round(dot * self.scale)) / self.scale)

    # -- pictures ----------------------------------------------------------------------------------------------------

    def game(self, picture: np.ndarray, x: float, y: float, width: float, height: float) -> pygame.Rect:
        """Show a game's picture, uint8 (height, 160, 3), in whole pixels and with a television's aspect, in the middle
        of a place; return where it stands, in pixels."""
        lines, columns, _ = picture.shape
        target = self.game_place(lines, columns, x, y, width, height)
        small = pygame.image.frombuffer(picture.tobytes(), (columns, lines), "RGB").convert(self.surface)
        within = target.clip(self.surface.get_rect())
        if within == target:
            pygame.transform.scale(small, target.size, self.surface.subsurface(target))
        else:  # a window too small for it
            self.surface.blit(pygame.transform.scale(small, target.size), target)
        return target

    def game_place(self, lines: int, columns: int, x: float, y: float, width: float, height: float) -> pygame.Rect:
        """Return where `game` shows a picture, in pixels."""
        place = self.rect(x, y, width, height)
        scale = max(1, place.height // lines)
        while scale > 1 and round(scale * PIXEL_WIDTH) * columns > place.width:
            scale -= 1
        across = min(round(scale * PIXEL_WIDTH), max(1, place.width // columns))
        target = pygame.Rect((0, 0), (across * columns, scale * lines))
        target.center = place.center
        return target

    def matrix(self, modules: np.ndarray, x: float, y: float, side: float) -> None:
        """Draw a QR code, bool (n, n) with its quiet zone, dark on white, in a square of `side` units."""
        place = self.rect(x, y, side, side)
        n = len(modules)
        dot = max(1, place.width // n)
        picture = np.where(np.kron(modules, np.ones((dot, dot), bool)), 0, 255).astype(np.uint8)
        surface = pygame.image.frombuffer(np.repeat(picture[:, :, None], 3, axis=2).tobytes(), picture.shape, "RGB")
        self.surface.fill((255, 255, 255), place)
        self.surface.blit(surface, surface.get_rect(center=place.center))


def can_show(character: str) -> bool:
    """Whether the font has a picture for `character`."""
    return _shape(character) != _shape("\U0010fffd")


@lru_cache(maxsize=2048)
def _shape(character: str) -> bytes:
    picture = font(32).render(character, True, (255, 255, 255))
    return picture.get_size()[0].to_bytes(4, "big") + pygame.image.tobytes(picture, "RGBA")


def font(pixels: int) -> pygame.font.Font:
    """The font that comes with pygame-ce: one look on every machine, with Latin, Greek and Cyrillic letters."""
    if not pygame.font.get_init():
        pygame.font.init()
    try:
        letters = _font(pixels)
        letters.get_height()
    except pygame.error:  # it belonged to a window that was closed
        _font.cache_clear()
        letters = _font(pixels)
    return letters


@lru_cache(maxsize=64)
def _font(pixels: int) -> pygame.font.Font:
    return pygame.font.Font(Path(pygame.__file__).parent / "freesansbold.ttf", max(8, pixels))


@lru_cache(maxsize=512)
def _written(text: str, pixels: int, colour: Colour) -> pygame.Surface:
    return font(pixels).render(text.replace("\x00", ""), True, colour)


@lru_cache(maxsize=256)
def _dotted(text: str, side: int, colour: Colour) -> pygame.Surface:
    pattern: Any = np.kron(pixel_font.dots(text), np.ones((side, side), bool))
    rgba = np.zeros((*pattern.shape, 4), np.uint8)
    rgba[pattern] = (*colour, 255)
    return pygame.image.frombuffer(rgba.tobytes(), (pattern.shape[1], pattern.shape[0]), "RGBA")


def _cut(text: str, letters: pygame.font.Font, pixels: float) -> str:
    if letters.size(text)[0] <= pixels:
        return text
    while text and letters.size(text + "…")[0] > pixels:
        text = text[:-1]
    return text.rstrip() + "…"
