"""The kiosk's texts, from the one file that holds all that a guest reads (`arena/play/strings.toml`)."""

from __future__ import annotations

from arena.play import strings


def text(key: str, **values: object) -> str:
    """Return the text `[kiosk] key` with its values filled in."""
    return strings.text(f"kiosk.{key}", **values)


def has_text(key: str) -> bool:
    """Whether there is a text `[kiosk] key`."""
    try:
        strings.text(f"kiosk.{key}")
    except KeyError:
        return False
    return True
