"""A window that shows recordings, or a match while it is played.

Keys: space pauses, left and right go back and forward, up and down change the speed, Home starts again, F is full
screen, Esc leaves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from arena.ui.compose import Arrangement, arrange_within, caption, compose
from arena.ui.display import opened_pygame
from arena.ui.show import Show, replay
from envs.games import FPS
from recordings.recording import Recording

SPEEDS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
SKIP_FRAMES = 300
"""Emulated frames that the left and right arrows skip: five seconds of play."""
SEEK_SECONDS = 0.012
"""How long the emulator may run ahead between two pictures while it looks for a place."""
SKIPPED_PICTURES = 3
"""Pictures in a row that may be left out on a machine that is too slow to draw them all."""
LATE_SECONDS = 0.25
"""A delay after which the schedule starts anew: the laptop slept, or the window was dragged."""
HINT = "space: pause   left, right: 5 seconds   up, down: speed   F: full screen   Esc: leave"
HINT_SECONDS = 5


def watch(show: Show, again: Callable[[], Show] | None = None) -> None:
    """Show a match at 59.92 frames per second until the spectator leaves; what then runs is not played on.

    Args:
        show: what to watch, e.g. `Show(Match(...).play(), panels)`.
        again: starts the same show from its beginning; None where that can't be done, then there is no way back.

    Raises:
        ArenaError: there is no display, or pygame-ce is missing.
    """
    with opened_pygame() as pygame:
        _Viewer(pygame, show, again).run()


def watch_recordings(recordings: Sequence[Recording]) -> None:
    """Show one recording, or two side by side.

    Raises:
        ArenaError: see `watch` and `arena.ui.show.replay`.
    """
    watch(replay(recordings), lambda: replay(recordings))


class _Viewer:
    """One window and where the spectator stands in the show."""

    def __init__(self, pygame: Any, show: Show, again: Callable[[], Show] | None) -> None:
        self._pg = pygame
        self._show = show
        self._again = again
        self._over = not show.advance()
        self._paused = False
        self._speed = SPEEDS.index(1.0)
        self._owed = 0.0
        """Emulated frames that are due by the speed, in fractions."""
        self._target = 0
        """The tick that is looked for."""
        self._hint_until = time.perf_counter() + HINT_SECONDS
        width, height = pygame.display.get_desktop_sizes()[0]
        self._places = arrange_within(show.panels, width * 9 // 10, height * 8 // 10)
        self._places_for = (0, 0)
        self._window_size = self._places.size
        self._full_screen = False
        pygame.display.set_caption(" – ".join(panel.name for panel in show.panels))
        self._surface = pygame.display.set_mode(self._window_size, pygame.RESIZABLE)

    def run(self) -> None:
        """Show pictures on an absolute schedule until the spectator leaves."""
        due = time.perf_counter()
        skipped = 0
        while all(self._obey(event) for event in self._pg.event.get()):
            self._move()
            due += 1 / FPS
            late = time.perf_counter() - due
            if late > 0 and skipped < SKIPPED_PICTURES:  # the game keeps its pace, the picture catches up
                skipped += 1
                continue
            skipped = 0
            self._draw()
            wait = due - time.perf_counter()
            if wait > 0:
                time.sleep(wait)
            elif wait < -LATE_SECONDS:
                due = time.perf_counter()
            self._pg.display.flip()

    # -- what the spectator wants --------------------------------------------------------------------------------

    def _obey(self, event: Any) -> bool:
        """Do what a key says; False to leave."""
        pg = self._pg
        if event.type == pg.QUIT:
            return False
        if event.type == pg.KEYDOWN:
            match event.key:
                case pg.K_ESCAPE:
                    return False
                case pg.K_SPACE:
                    self._paused = not self._paused
                case pg.K_RIGHT:
                    self._target = max(self._target, self._show.ticks) + SKIP_FRAMES
                case pg.K_LEFT:
                    self._back_to(self._show.ticks - SKIP_FRAMES)
                case pg.K_HOME:
                    self._back_to(0)
                case pg.K_UP:
                    self._speed = min(self._speed + 1, len(SPEEDS) - 1)
                case pg.K_DOWN:
                    self._speed = max(self._speed - 1, 0)
                case pg.K_f:
                    self._toggle_full_screen()
        return True

    def _back_to(self, tick: int) -> None:
        if self._again is not None:
            self._show = self._again()
            self._target = max(tick, 1)
            self._over = not self._show.advance()

    def _toggle_full_screen(self) -> None:
        pg = self._pg
        self._full_screen = not self._full_screen
        if self._full_screen:
            self._window_size = self._surface.get_size()
            self._surface = pg.display.set_mode((0, 0), pg.FULLSCREEN)
        else:
            self._surface = pg.display.set_mode(self._window_size, pg.RESIZABLE)
        pg.mouse.set_visible(not self._full_screen)

    # -- what happens between two pictures -----------------------------------------------------------------------

    def _move(self) -> None:
        if self._show.ticks < self._target:
            stop = time.perf_counter() + SEEK_SECONDS
            while not self._over and self._show.ticks < self._target and time.perf_counter() < stop:
                self._over = not self._show.advance()
            return
        if self._paused or self._over:
            return
        self._owed += SPEEDS[self._speed]
        while self._owed >= 1 and not self._over:
            self._owed -= 1
            self._over = not self._show.advance()

    def _draw(self) -> None:
        surface = self._surface
        surface.fill((0, 0, 0))
        places = self._arranged(*surface.get_size())
        self._blit(compose(self._show.panels, places), *self._middle(places))
        if text := self._message():
            picture = caption(text, max(20, 10 * places.scale[1]))
            height, width, _ = picture.shape
            self._blit(picture, (surface.get_width() - width) // 2, surface.get_height() - 2 * height)

    def _message(self) -> str:
        if self._over:
            return "the end   left: back   Esc: leave" if self._again else "the end   Esc: leave"
        if self._show.ticks < self._target:
            return "looking for the place …"
        if self._paused:
            return "paused   space: go on"
        if SPEEDS[self._speed] != 1:
            return f"{SPEEDS[self._speed]:g} times the speed"
        return HINT if time.perf_counter() < self._hint_until else ""

    def _arranged(self, width: int, height: int) -> Arrangement:
        if self._places_for != (width, height):
            self._places_for = (width, height)
            self._places = arrange_within(self._show.panels, width, height)
        return self._places

    def _middle(self, places: Arrangement) -> tuple[int, int]:
        width, height = self._surface.get_size()
        return (width - places.size[0]) // 2, (height - places.size[1]) // 2

    def _blit(self, picture: Any, x: int, y: int) -> None:
        height, width, _ = picture.shape
        self._surface.blit(self._pg.image.frombuffer(picture, (width, height), "RGB"), (x, y))
