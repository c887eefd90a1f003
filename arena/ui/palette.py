"""All colours: those of Okabe and Ito (2008, "Color Universal Design"), which people with any kind of colour vision
can tell apart. Windows and films have a nearly black ground; pages and plots follow the reader's scheme. Nothing is
said by colour alone."""

from __future__ import annotations

Colour = tuple[int, int, int]

GROUND: Colour = (13, 15, 22)
PANEL: Colour = (24, 28, 40)
LINE: Colour = (62, 70, 92)
TEXT: Colour = (242, 244, 246)
QUIET: Colour = (176, 184, 198)
LINE_TEXT: Colour = (140, 150, 172)

ORANGE: Colour = (230, 159, 0)
SKY: Colour = (86, 180, 233)
GREEN: Colour = (0, 178, 130)
"""Okabe and Ito's bluish green, a little lighter: on black the original is hard to read from two metres."""
YELLOW: Colour = (240, 228, 66)
PURPLE: Colour = (204, 121, 167)
VERMILLION: Colour = (233, 112, 42)
"""Okabe and Ito's vermillion, a little lighter, for the same reason."""


def css_colour(colour: Colour) -> str:
    """Return a colour as CSS writes it."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


GAME_COLOURS: dict[str, Colour] = {
    "breakout": ORANGE,
    "pacman": YELLOW,
    "ms_pacman": PURPLE,
    "space_invaders": GREEN,
}

LIGHT = {
    "ground": "#fcfcfa",
    "raised": "#f3f4f2",
    "ink": "#15181d",
    "quiet": "#55606b",
    "line": "#d8dce1",
    "people": "#0068a3",
    "bots": "#b84e00",
    "reference": "#7a838d",
    "ok": "#00684a",
    "bad": "#b3261e",
}
"""Colours on paper and on light pages, by the names of their CSS variables. Blue and vermilion are Okabe and Ito's, a
little darker: in the original, vermilion words are hard to read on white."""
DARK = {
    "ground": "#101216",
    "raised": "#191c22",
    "ink": "#eceef1",
    "quiet": "#a3acb6",
    "line": "#2c3138",
    "people": css_colour(SKY),
    "bots": css_colour(ORANGE),
    "reference": "#7f8994",
    "ok": "#4fc79f",
    "bad": "#ff8a80",
}
"""The same on dark pages."""
OTHER = "#009e73"
"""On paper, the second of two people or two bots."""


def css() -> str:
    """Return the rules at the top of the pages' style sheet, which give every colour its variable."""
    light, dark = (" ".join(f"--{name}: {colour};" for name, colour in scheme.items()) for scheme in (LIGHT, DARK))
    return f":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast ratio of two colours, 1 to 21, as WCAG 2.2 defines it."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Colour) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
