"""Letters of five by seven dots, for headings, scores and buttons. Other texts have a font with more letters."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

ROWS = 7
GAP = 1
"""Empty columns between two letters."""
_SPACE = 3
_FIXED = "0123456789"
"""Digits are all equally wide, so that a running score doesn't tremble."""

_GLYPHS = {
    "A": "0e11111f111111", "B": "1e11111e11111e", "C": "0e11101010110e", "D": "1e11111111111e",
    "E": "1f10101e10101f", "F": "1f10101e101010", "G": "0e11101711110f", "H": "1111111f111111",
    "I": "0e04040404040e", "J": "0702020202120c", "K": "11121418141211", "L": "1010101010101f",
    "M": "111b1515111111", "N": "11111915131111", "O": "0e11111111110e", "P": "1e11111e101010",
    "Q": "0e11111115120d", "R": "1e11111e141211", "S": "0f10100e01011e", "T": "1f040404040404",
    "U": "1111111111110e", "V": "11111111110a04", "W": "1111111515150a", "X": "11110a040a1111",
    "Y": "11110a04040404", "Z": "1f01020408101f", "0": "0e11131519110e", "1": "040c040404040e",
    "2": "0e11010204081f", "3": "1f02040201110e", "4": "02060a121f0202", "5": "1f101e0101110e",
    "6": "0608101e11110e", "7": "1f010204080808", "8": "0e11110e11110e", "9": "0e11110f01020c",
    ".": "0000000000000c", ",": "00000000040408", ":": "00000400000400", "!": "04040404040004",
    "?": "0e110102040004", "-": "0000000e000000", "–": "0000001f000000", "+": "0004041f040400",
    "/": "00010204081000", "%": "18190204081303", "'": "04040800000000", "’": "04040800000000",
    "(": "02040808080402", ")": "08040202020408", "&": "0c12140815120d", "_": "0000000000001f",
    "·": "00000004000000", "#": "0a0a1f0a1f0a0a", "=": "00001f001f0000", "<": "02040810080402",
    ">": "08040201020408", "×": "00110a040a1100", "…": "00000000000015", "*": "0004150e150400",
    "←": "0004081f080400", "→": "0004021f020400", "↑": "00040e15040404", "↓": "00040404150e04",
}  # fmt: skip
"""Seven rows of two hexadecimal digits each; the highest of five bits is the leftmost dot."""


def can_write(text: str) -> bool:
    """Whether there is a glyph for every letter of `text`."""
    return all(character in _GLYPHS or character == " " for character in text.upper())


@lru_cache(maxsize=512)
def dots(text: str) -> np.ndarray:
    """Return `text` in capitals as dots: bool (7, width), read-only, width at least 1. A letter without a glyph is
    left blank."""
    columns: list[np.ndarray] = []
    for character in text.upper():
        if columns:
            columns.append(np.zeros((ROWS, GAP), bool))
        columns.append(_glyph(character))
    picture = np.concatenate(columns, axis=1) if columns else np.zeros((ROWS, 1), bool)
    picture.flags.writeable = False
    return picture


def _glyph(character: str) -> np.ndarray:
    code = _GLYPHS.get(character)
    if code is None:
        return np.zeros((ROWS, _SPACE), bool)
    rows = np.frombuffer(bytes.fromhex(code), np.uint8)
    picture = (rows[:, None] >> np.arange(4, -1, -1)) & 1 > 0
    if character in _FIXED:
        return picture
    used = np.flatnonzero(picture.any(axis=0))
    return picture[:, used[0] : used[-1] + 1]
