"""The colours: those of Okabe and Ito (2008, "Color Universal Design"), which people with any kind of colour vision
can tell apart, on a nearly black ground. Nothing is said by colour alone."""

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

GAME_COLOURS: dict[str, Colour] = {
    "breakout": ORANGE,
    "pacman": YELLOW,
    "ms_pacman": PURPLE,
    "space_invaders": GREEN,
}


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast ratio of two colours, 1 to 21, as WCAG 2.2 defines it."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Colour) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
