"""What goes into the sandbox."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Payload:
    """An agent: its file's content, never its path."""

    kind: str
    """`weights`, `python` or `script`, as `child.load` knows them."""
    name: str
    """What the player is called unless the file says otherwise."""
    content: bytes
    game: str
    """ROM name of the game to be played."""
