"""Names of players, as they stand in recordings and on the scoreboard."""

from __future__ import annotations

import unicodedata

from envs.errors import PlayerNameError

MAX_LENGTH = 32
"""Characters (code points after normalisation)."""

_JOINERS = "\u200c\u200d"
"""Invisible, but needed to write Persian and many emoji."""
_BLANK = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and symbols that draw nothing."""
_REFUSED = {
    "Cc": "a control character",
    "Cf": "an invisible or direction-changing character",
    "Cs": "half a character",
    "Co": "a private-use character",
    "Zl": "a line break",
    "Zp": "a line break",
}
"""Unicode general categories that no name may hold. Unassigned characters (Cn) are allowed: they are the emoji that
are newer than this Python."""


def check_name(text: object) -> str:
    """Return `text` as a player's name: in Unicode normal form C, without spaces at its ends, with single spaces
    between its words. The result is a name again, and unchanged by another check.

    Raises:
        PlayerNameError: it has not 1 to 32 characters, nothing of it can be seen, or it holds a control,
            direction-changing or other character that no scoreboard should show.
    """
    if not isinstance(text, str):
        raise PlayerNameError(f"A player's name must be a text, not a {type(text).__name__}.")
    for character in text:
        reason = _REFUSED.get(unicodedata.category(character))
        if reason is not None and character not in _JOINERS:
            raise PlayerNameError(
                f"A player's name must consist of letters, digits, signs and spaces; {_shown(text)} holds {reason} "
                f"(U+{ord(character):04X})."
            )
    name = unicodedata.normalize("NFC", " ".join(text.split()))
    if not any(_visible(character) for character in name):
        raise PlayerNameError(f"A player's name must have 1 to {MAX_LENGTH} characters that can be seen.")
    if len(name) > MAX_LENGTH:
        raise PlayerNameError(
            f"A player's name must have 1 to {MAX_LENGTH} characters; {_shown(name)} has {len(name):,}."
        )
    return name


def _visible(character: str) -> bool:
    return unicodedata.category(character)[0] not in "MCZ" and character not in _BLANK


def _shown(text: str) -> str:
    """The start of any text, safe to print: ASCII with escapes."""
    return ascii(text if len(text) <= 40 else text[:40] + "...")
