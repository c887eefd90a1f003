"""What can be read from two metres, by people with any colour vision, on any display."""

from __future__ import annotations

import itertools

import numpy as np
import pygame
import pytest

from arena.ui import palette, pixel_font
from arena.ui.canvas import HEIGHT, SMALLEST, WIDTH, Canvas, can_show

ACCENTS = {name: value for name, value in vars(palette).items() if isinstance(value, tuple) and name.isupper()}
GROUNDS = ("GROUND", "PANEL", "LINE")


@pytest.mark.parametrize("name", sorted(set(ACCENTS) - set(GROUNDS)))
def test_every_colour_of_letters_stands_out_from_the_ground(name: str) -> None:
    """At least the 4.5 to 1 that WCAG 2.2 asks for."""
    for ground in ("GROUND", "PANEL"):
        assert palette.contrast(ACCENTS[name], ACCENTS[ground]) >= 4.5, ground


def test_contrast_is_what_wcag_says() -> None:
    assert palette.contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert palette.contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("size", [(640, 480), (1280, 720), (1280, 1024), (1920, 1080), (3840, 2160), (720, 1280)])
def test_the_page_is_as_large_as_fits_and_in_the_middle(size: tuple[int, int]) -> None:
    canvas = Canvas(pygame.Surface(size))
    page = canvas.rect(0, 0, WIDTH, HEIGHT)
    assert page.width == size[0] or page.height == size[1]
    assert abs(page.centerx - size[0] / 2) <= 1
    assert abs(page.centery - size[1] / 2) <= 1


def test_text_too_small_to_read_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="two metres"):
        Canvas(pygame.Surface((1280, 720))).text("small", 0, 0, SMALLEST - 1)


@pytest.mark.parametrize("text", ["W" * 32, "ab" * 200, "é" * 32, "😀" * 32, "a", ""])
@pytest.mark.parametrize("align", [0.0, 0.5, 1.0])
def test_text_stays_in_its_room(text: str, align: float) -> None:
    surface = pygame.Surface((1920, 1080))
    canvas = Canvas(surface)
    canvas.text(text, 600, 300, 60, palette.TEXT, align, 300)
    drawn = pygame.mask.from_threshold(surface, palette.TEXT, (120, 120, 120)).get_bounding_rects()
    room = canvas.rect(600 - 300 * align, 300, 300, 60).inflate(4, 40)
    assert all(room.contains(rect) for rect in drawn)


@pytest.mark.parametrize("lines", [210, 250])
@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080), (3840, 2160), (640, 480)])
def test_a_games_dots_are_whole_pixels_and_shaped_as_on_television(lines: int, size: tuple[int, int]) -> None:
    canvas = Canvas(pygame.Surface(size))
    picture = np.zeros((lines, 160, 3), np.uint8)
    place = canvas.game(picture, 20, 24, 812, 672)
    assert place.width % 160 == 0
    assert place.height % lines == 0
    assert canvas.rect(20, 24, 812, 672).inflate(2, 2).contains(place) or min(size) < 600
    assert 1.0 <= (place.width / 160) / (place.height / lines) <= 2.0


def test_letters_of_the_pixel_font_differ() -> None:
    shapes = {
        character: (pixel_font.dots(character).shape, pixel_font.dots(character).tobytes())
        for character in pixel_font._GLYPHS
        if character != "’"
    }
    assert [(a, b) for a, b in itertools.combinations(shapes, 2) if shapes[a] == shapes[b]] == []
    assert {pixel_font.dots(digit).shape for digit in "0123456789"} == {(7, 5)}


def test_the_pixel_font_says_what_it_cannot_write() -> None:
    assert pixel_font.can_write("Round 1 of 3!")
    assert not pixel_font.can_write("Überall")
    assert pixel_font.dots("").shape == (7, 1)


@pytest.mark.parametrize(("character", "shown"), [("a", True), ("É", True), ("Ж", True), ("日", False), ("😀", False)])
def test_signs_without_a_picture_are_known(character: str, shown: bool) -> None:
    assert can_show(character) is shown
