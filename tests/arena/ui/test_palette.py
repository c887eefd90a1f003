"""The colours of the pages: those of the palette, and easy to read."""

from __future__ import annotations

import pytest

from arena.html.environment import TEMPLATES
from arena.ui.palette import DARK, LIGHT, contrast, css


def test_the_pages_have_the_colours_of_the_palette() -> None:
    sheet = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    assert sheet.startswith(css()), "write what arena.ui.palette.css returns to the top of page.css"
    assert LIGHT.keys() == DARK.keys()


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["ground", "raised"])
def test_words_and_marks_stand_out_from_the_ground(scheme: dict[str, str], ground: str) -> None:
    """At least the 4.5 to 1 that WCAG 2.2 asks for with words, and 3 to 1 with marks."""
    words = {name: contrast(_rgb(scheme[name]), _rgb(scheme[ground])) for name in LIGHT.keys() - {ground, "line"}}
    marks = words.pop("reference")
    words = {name: ratio for name, ratio in words.items() if name not in ("ground", "raised")}
    assert min(words.values()) >= 4.5, words
    assert marks >= 3


def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue
