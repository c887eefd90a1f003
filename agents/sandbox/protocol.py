"""What the arena and an agent's process say to each other.

Both map one piece of shared memory, an array of `SLOT`: a slot is one game, or one observation for a network. The turns
are taken with short messages over a socket that keeps their bounds. The arena speaks first, and the other side answers
each message:

| arena | means | answer |
|---|---|---|
| `RESET` + slot, seed, action set | a new episode in this slot | `DONE` or `ERROR` |
| `ACT` + slots | decide in these games; what is to be seen stands in the slots | `DONE`, `ERROR`, `PICTURE` |
| `GO` | the picture is there | as for `ACT` |
| `SCORE` + how many | pass the observations of the first slots through the network | `DONE` or `ERROR` |

`DONE` after `ACT` means that `action` of those slots is set, after `SCORE` their `scores`. `PICTURE` + slot + which
asks for a picture that wasn't sent along. `READY` + JSON comes once, unasked, when the agent is loaded, or `ERROR` in
its place.

Nothing that comes from the agent's side is believed: numbers are checked, texts are cut and tidied.
"""

from __future__ import annotations

import struct

import numpy as np

SLOTS = 16
"""Games that one process plays side by side at most."""
MAX_STACK, SIDE, MAX_ACTIONS = 8, 84, 18
"""Bounds of what a network sees and answers."""
MAX_PIXELS = 250 * 160
GRAYSCALE, SCREEN, SOUND = 1, 2, 4
"""Bits for the pictures, in `sent`, `used` and `PICTURE`."""

SLOT = np.dtype(
    [
        ("t", np.int32),
        ("lives", np.int32),
        ("reward", np.float64),
        ("action", np.int32),
        ("height", np.int32),
        ("width", np.int32),
        ("sent", np.uint8),  # which pictures are there
        ("used", np.uint8),  # which of them the agent has looked at
        ("grayscale", np.uint8, MAX_PIXELS),
        ("screen", np.uint8, 3 * MAX_PIXELS),
        ("sound", np.uint8, 512),
        ("observation", np.uint8, (MAX_STACK, SIDE, SIDE)),
        ("scores", np.float32, MAX_ACTIONS),
    ],
    align=True,
)

RESET, ACT, GO, SCORE = b"R", b"A", b"G", b"S"
READY, DONE, PICTURE, ERROR = b"Y", b"D", b"P", b"E"

MESSAGE_BYTES = 4096
"""No message is longer."""
RESET_FORMAT = struct.Struct("<cBQ")
"""`RESET`, slot, seed; the action set follows, one byte per action."""
