"""A window on the desktop that shows the picture of one environment: what `render_mode="human"` opens.

pygame is imported only when a window is wanted. What the arena's own windows need of it at their start is here too.
"""

from __future__ import annotations

import os
import sys
import time
from types import ModuleType
from typing import Any

import numpy as np

from envs.errors import ArenaError
from envs.games import FPS, PIXEL_WIDTH

ZOOM = 3
"""Lines of a new window per emulated line."""


def load_pygame() -> ModuleType:
    """Import pygame.

    Raises:
        ArenaError: what is installed is the older pygame.
    """
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    import pygame

    if not getattr(pygame, "IS_CE", False):
        raise ArenaError(
            "The window needs pygame-ce, but the older pygame lies over it; "
            "run: pip uninstall -y pygame pygame-ce, then pip install pygame-ce."
        )
    return pygame


def open_display(pygame: Any) -> None:
    """Open the display, or raise pygame's error: without one SDL would draw where nobody can see it."""
    wanted = os.environ.get("SDL_VIDEODRIVER")
    linux = sys.platform.startswith("linux")
    if linux and not (wanted or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        os.environ["SDL_VIDEODRIVER"] = "kmsdrm"  # a bare console; asking Wayland would print its own complaint
        try:
            pygame.display.init()
        except pygame.error:
            raise pygame.error("neither DISPLAY nor WAYLAND_DISPLAY is set") from None
        finally:
            del os.environ["SDL_VIDEODRIVER"]
        return
    pygame.display.init()
    if pygame.display.get_driver() == "offscreen" and not wanted:
        raise pygame.error("the display does not answer")


class GameWindow:
    """A window that shows pictures no faster than the console would. Each environment has one of its own.

    When a person closes it, the game goes on without a picture, and no longer waits for the clock.

    Raises:
        ArenaError: no window can be shown here.
    """

    def __init__(self, title: str, width: int, height: int) -> None:
        self._pg: Any = load_pygame()
        try:
            open_display(self._pg)
            size = (round(width * PIXEL_WIDTH * ZOOM), height * ZOOM)
            self._window: Any = self._pg.Window(title, size, resizable=True)
        except self._pg.error as error:
            raise ArenaError(
                f"No window can be shown here ({error}); start this in a desktop session, or take "
                'render_mode="rgb_array".'
            ) from None
        self._due = time.perf_counter()

    def show(self, picture: np.ndarray) -> None:
        """Show a picture, uint8 (height, width, 3), when its time has come: 1/59.92 s after the one before it."""
        if self._window is None:
            return
        try:
            closed = self._pg.event.get(self._pg.WINDOWCLOSE)
        except self._pg.error:  # another part of the program has ended pygame, and the window with it
            self._window = None
            return
        for event in closed:
            if event.window is not self._window:
                self._pg.event.post(event)  # another environment's
        if any(event.window is self._window for event in closed):
            self.close()
            return
        height, width, _ = picture.shape
        surface = self._window.get_surface()
        image = self._pg.image.frombuffer(picture.tobytes(), (width, height), "RGB")
        surface.blit(self._pg.transform.scale(image, surface.get_size()), (0, 0))
        now = time.perf_counter()
        self._due = max(self._due + 1 / FPS, now - 1 / FPS)  # a late picture isn't made up for
        time.sleep(max(0.0, self._due - now))
        self._window.flip()

    def close(self) -> None:
        """Close the window, if it is open."""
        if self._window is not None:
            self._window.destroy()
            self._window = None
