"""Somebody who hammers on keyboard and pads without looking: everything that these could send, at random."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pygame

SOAKING = bool(os.environ.get("ARENA_SOAK"))
SECONDS = 30 if SOAKING else 0.3
"""How long a screen is hammered on."""
KEYS = [
    *(pygame.K_UP, pygame.K_DOWN, pygame.K_LEFT, pygame.K_RIGHT, pygame.K_SPACE, pygame.K_RETURN, pygame.K_ESCAPE),
    *(pygame.K_BACKSPACE, pygame.K_a, pygame.K_w, pygame.K_m, pygame.K_p, pygame.K_PLUS, pygame.K_F10, pygame.K_LCTRL),
]
LETTERS = ["", "", "a", "Z", "1", " ", "é", "日", "😀", "\x00", "\n", "\u202e", "\u0308", "\ud800"]


def random_event(rng: random.Random) -> pygame.event.Event:
    """Something that a keyboard or a pad could send, or one that has just been unplugged."""
    match rng.randrange(8):
        case 0:
            return pygame.event.Event(pygame.JOYBUTTONDOWN, instance_id=7, button=rng.randrange(20))
        case 1:
            return pygame.event.Event(
                pygame.JOYAXISMOTION, instance_id=7, axis=rng.randrange(8), value=rng.uniform(-1, 1)
            )
        case 2:
            hat = (rng.choice([-1, 0, 1]), rng.choice([-1, 0, 1]))
            return pygame.event.Event(pygame.JOYHATMOTION, instance_id=7, hat=0, value=hat)
        case 3:
            button = rng.randrange(20)
            return pygame.event.Event(pygame.CONTROLLERBUTTONDOWN, instance_id=8, button=button)
        case 4:
            return pygame.event.Event(pygame.JOYDEVICEREMOVED, instance_id=rng.randrange(9))
        case 5:
            return pygame.event.Event(pygame.KEYUP, key=rng.choice(KEYS), mod=0)
        case _:
            return pygame.event.Event(pygame.KEYDOWN, key=rng.choice(KEYS), unicode=rng.choice(LETTERS), mod=0)


@contextmanager
def mashed(seed: int) -> Iterator[None]:
    """Hammer from another thread, fifty events a second, as long as the block runs."""
    stop = threading.Event()

    def mash() -> None:
        rng = random.Random(seed)
        while not stop.wait(0.02):
            pygame.event.post(random_event(rng))

    mashing = threading.Thread(target=mash)
    mashing.start()
    try:
        yield
    finally:
        stop.set()
        mashing.join()
