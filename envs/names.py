"""Names of players and agents, as they may stand on a projector."""

from __future__ import annotations

import unicodedata

from envs.errors import NameRefused

MAX_NAME = 32
"""Longest name, in Unicode code points after normalization."""

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that draw nothing, or (bidirectional controls, in Cf) reorder what stands around them."""


def check_name(name: object) -> str:
    """Return `name` in Unicode normal form C, without space at either end.

    Raises:
        NameRefused: it is empty, longer than 32 characters, or has control, bidirectional or unassigned characters.
    """
    if not isinstance(name, str):
        raise NameRefused(f"A name must be text, not {type(name).__name__}.")
    if len(name) > 64 * MAX_NAME:
        raise NameRefused(f"A name has 1 to {MAX_NAME} characters; this one has {len(name):,}.")
    normal = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(normal) <= MAX_NAME:
        raise NameRefused(f"A name has 1 to {MAX_NAME} characters; this one has {len(normal)}.")
    for character in normal:
        if unicodedata.category(character) in _UNSEEN:
            raise NameRefused(f"A name can't hold the invisible character U+{ord(character):04X}.")
    return normal
