"""The live chain: while a ranked game runs, the station tells the server every 60 frames what has been played.

Every head is made of the one before it and of the actions since. The first is made of ticket, player, rules and seed:
nobody else's game, and no other ticket of the same player, has the same heads. So a recording that is sent in later
must be the game that was told of while it was played.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

EVERY = 60
"""Frames between two heads."""


@dataclass(frozen=True, slots=True)
class Link:
    """What is sent."""

    frame: int
    """Frames played, a multiple of `EVERY`."""
    head: str
    """64 hexadecimal digits."""
    actions: bytes
    """The `EVERY` actions since the head before it."""


def beginning(ticket: str, player: str, rules_id: str, seed: int) -> str:
    """Return the head before the first frame."""
    return hashlib.sha256(f"arena-chain/1\n{ticket}\n{player}\n{rules_id}\n{seed}".encode()).hexdigest()


def next_head(head: str, actions: bytes) -> str:
    """Return the head after `actions`."""
    return hashlib.sha256(bytes.fromhex(head) + actions).hexdigest()


def links(begin: str, actions: bytes) -> Iterator[Link]:
    """Yield all links of a game; what was played after the last multiple of `EVERY` frames has none."""
    head = begin
    for start in range(0, len(actions) - EVERY + 1, EVERY):
        part = actions[start : start + EVERY]
        head = next_head(head, part)
        yield Link(start + EVERY, head, part)


class Chain:
    """A chain that grows with its game."""

    def __init__(self, begin: str) -> None:
        self._head = begin
        self._frame = 0
        self._part = bytearray()

    def add(self, action: int) -> Link | None:
        """Take the next frame's action; return a link when one is complete."""
        self._part.append(action)
        if len(self._part) < EVERY:
            return None
        part = bytes(self._part)
        self._part.clear()
        self._head = next_head(self._head, part)
        self._frame += EVERY
        return Link(self._frame, self._head, part)
