"""The window that a person plays on, with everything that is plugged in: keyboard, pads, sound.

What every screen of it shares is done here: full screen, resizing, sound on and off, pads that come and go, its
closing. Screens draw on `surface`, ask `poll` what was pressed, and `show` the result.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, NamedTuple

from agents.human import Button
from arena.ui.controls import Controls, Held, load_controls, save_controls
from arena.ui.display import opened_pygame
from arena.ui.pads import Pads
from arena.ui.palette import GROUND, TEXT
from arena.ui.sound import VOLUME_STEP, Speaker, open_speaker
from arena.ui.strings import text
from envs.errors import ArenaError

TOAST_SECONDS = 2.0
SMALLEST = (640, 480)
_LOUDER = ("+", "=", "keypad +", "[+]")
_SOFTER = ("-", "keypad -", "[-]")


class Press(NamedTuple):
    """One press of a key or of a pad's button, as a menu wants it."""

    button: Button | None
    """What it is by the person's settings; on a pad or joystick the stick's directions, too."""
    text: str = ""
    """The character that a key typed, such as "a"; empty for keys without one and for pads."""
    key: str = ""
    """pygame's name of the key, such as "return" or "f1"; empty for pads."""
    pad: str = ""
    """The source of a pad's button without its first word, such as "a" or "start"; empty for keys."""
    source: str = ""
    """What was pressed, as `arena.ui.controls` names it."""


class Stage:
    """One open window. Make it with `open_stage`."""

    def __init__(self, pygame: Any, controls: Controls, title: str, size: tuple[int, int] | None) -> None:
        self.pygame = pygame
        self.closed = False
        """Whether the window was closed; every loop must look."""
        self.resized = True
        """Whether everything has to be drawn again; who does so sets it to False."""
        self.shown = 0
        """Pictures shown so far: who watches over this process sees that it goes on."""
        self.last_input = time.monotonic()
        """When something was pressed or released last."""
        self._controls = controls
        self._changed = False
        self._fonts: dict[int, Any] = {}
        self._texts: dict[tuple[str, int, tuple[int, int, int]], Any] = {}
        self._toast = ("", 0.0)
        width, height = pygame.display.get_desktop_sizes()[0]
        self._window_size = size or (max(SMALLEST[0], width * 9 // 10), max(SMALLEST[1], height * 8 // 10))
        self._window_place = (0, 0)
        self.full_screen = False
        self.keeps_size = False
        """Whether F11 does nothing, so that a guest finds no way to what lies behind."""
        self.display = 0
        """Which of the machine's displays the whole screen means, 0 for the first."""
        pygame.display.set_caption(title)
        pygame.display.set_mode(self._window_size, pygame.RESIZABLE)
        self.held = Held(controls)
        """What is held down, for the game."""
        self.pads_state = Pads(pygame)
        self.speaker: Speaker = open_speaker(pygame, controls.volume, controls.muted)

    # -- what is there ---------------------------------------------------------------------------------------------

    @property
    def surface(self) -> Any:
        """Where to draw. Another one after a change of size: ask for every picture."""
        return self.pygame.display.get_surface()

    @property
    def pads(self) -> tuple[str, ...]:
        """Names of the connected pads."""
        return self.pads_state.names

    @property
    def controls(self) -> Controls:
        return self._controls

    @controls.setter
    def controls(self, controls: Controls) -> None:
        self._controls = controls
        self._changed = True
        self.held = Held(controls)

    @property
    def toast(self) -> str:
        """A line that tells of what was just changed; empty after two seconds."""
        words, until = self._toast
        return words if time.monotonic() < until else ""

    def say(self, words: str) -> None:
        """Set `toast`."""
        self._toast = (words, time.monotonic() + TOAST_SECONDS)

    # -- what was pressed ------------------------------------------------------------------------------------------

    def poll(self) -> list[Press]:
        """Return what was pressed since the last call, and do what M, plus and minus, F11 and the window want."""
        return [press for press in self._presses() if not self._is_hot(press)]

    def poll_text(self) -> list[Press]:
        """Like `poll`, for a person who is typing: M, plus and minus are characters here."""
        return [press for press in self._presses() if not self._is_full_screen_key(press)]

    def _presses(self) -> Iterator[Press]:
        pg = self.pygame
        for event in pg.event.get():
            kind = event.type
            if kind == pg.QUIT:
                self.closed = True
            elif kind in (pg.KEYDOWN, pg.KEYUP):
                yield from self._key(event, kind == pg.KEYDOWN)
            elif kind in (pg.VIDEORESIZE, pg.WINDOWEXPOSED, pg.WINDOWRESTORED, pg.WINDOWSHOWN):
                self.resized = True
            elif kind == pg.WINDOWFOCUSLOST:
                self.held.clear()
            else:
                for source, pressed in self.pads_state.take(event):
                    button = self.held.take(source, pressed)
                    self.last_input = time.monotonic()
                    if pressed:
                        yield Press(button, pad=source.partition(" ")[2], source=source)
        self._tell_pads()

    def _key(self, event: Any, pressed: bool) -> Iterator[Press]:
        name = self.pygame.key.name(event.key)
        button = self.held.take(name, pressed)
        self.last_input = time.monotonic()
        if pressed:
            typed = getattr(event, "unicode", "")
            yield Press(button, typed if typed.isprintable() else "", name, source=name)

    def _tell_pads(self) -> None:
        pads = self.pads_state
        while pads.plugged:
            self.say(text("play.pad_there", name=pads.plugged.pop()))

    def _is_hot(self, press: Press) -> bool:
        if press.key == "m":
            self._set_sound(self.speaker.volume, not self.speaker.muted)
        elif press.key in _LOUDER or press.text == "+":
            self._set_sound(min(100, self.speaker.volume + VOLUME_STEP), False)
        elif press.key in _SOFTER or press.text == "-":
            self._set_sound(max(0, self.speaker.volume - VOLUME_STEP), False)
        else:
            return self._is_full_screen_key(press)
        return True

    def _is_full_screen_key(self, press: Press) -> bool:
        if press.key == "f11" and not self.keeps_size:
            self.toggle_full_screen()
        return press.key == "f11"

    def _set_sound(self, volume: int, muted: bool) -> None:
        self.speaker.volume, self.speaker.muted = volume, muted
        self._controls = replace(self._controls, volume=volume, muted=muted)
        self._changed = True
        if not self.speaker.works:
            self.say(text("play.no_sound"))
        else:
            self.say(text("play.muted") if muted else text("play.volume", n=volume))

    def toggle_full_screen(self) -> None:
        """Change between a window and the whole screen."""
        pg = self.pygame
        self.full_screen = not self.full_screen
        if self.full_screen:
            self._window_size, self._window_place = self.surface.get_size(), pg.display.get_window_position()
            if self.display == 0:
                pg.display.set_window_position((0, 0))  # where no window manager runs, nobody else moves it there
            pg.display.set_mode((0, 0), pg.FULLSCREEN, display=self.display)
        else:
            pg.display.set_mode(self._window_size, pg.RESIZABLE)
            pg.display.set_window_position(self._window_place)
        pg.mouse.set_visible(not self.full_screen)
        self.resized = True

    # -- drawing ---------------------------------------------------------------------------------------------------

    def font(self, pixels: int) -> Any:
        """Return the font with lines of about so many pixels."""
        pixels = max(8, pixels)
        if pixels not in self._fonts:
            self._fonts[pixels] = self.pygame.font.Font(None, pixels)
        return self._fonts[pixels]

    def text_surface(self, words: str, pixels: int, colour: tuple[int, int, int] = TEXT) -> Any:
        """Return `words` as a picture. It is kept for the next time: don't draw on it."""
        key = (words, pixels, colour)
        if key not in self._texts:
            if len(self._texts) > 256:
                self._texts.clear()
            self._texts[key] = self.font(pixels).render(words, True, colour)
        return self._texts[key]

    def write(
        self,
        words: str,
        place: tuple[int, int],
        pixels: int,
        colour: tuple[int, int, int] = TEXT,
        anchor: str = "center",
        room: int | None = None,
    ) -> Any:
        """Write a line and return where it stands now (a pygame.Rect).

        Args:
            words: the text.
            place: where `anchor` goes.
            pixels: height of the line.
            colour: red, green, blue.
            anchor: name of a point of a pygame.Rect: "center", "midleft", "topright" ...
            room: pixels across; what is longer is cut with an ellipsis.
        """
        if room is not None:
            words = self._cut(words, pixels, room)
        picture = self.text_surface(words, pixels, colour)
        rect = picture.get_rect(**{anchor: place})
        self.surface.blit(picture, rect)
        return rect

    def _cut(self, words: str, pixels: int, room: int) -> str:
        font = self.font(pixels)
        if font.size(words)[0] <= room:
            return words
        while words and font.size(words + "…")[0] > room:
            words = words[:-1]
        return words.rstrip() + "…"

    def clear(self) -> None:
        """Fill the window with the background's colour."""
        self.surface.fill(GROUND)

    def show(self) -> None:
        """Bring what was drawn to the screen. Doesn't wait."""
        self.pygame.display.flip()
        self.shown += 1

    def close(self) -> None:
        """Let go of pads and sound, and keep changed settings as far as they can be kept."""
        self.pads_state.close()
        self.speaker.close()
        if self._changed:
            with suppress(ArenaError):
                save_controls(self._controls)


@contextmanager
def open_stage(
    title: str,
    *,
    full_screen: bool = False,
    controls: Controls | None = None,
    size: tuple[int, int] | None = None,
) -> Iterator[Stage]:
    """Open a window, with sound and pads where there are any; close it at the end.

    Args:
        title: of the window.
        full_screen: begin with the whole screen.
        controls: None for the settings of this user.
        size: of the window in pixels; None for most of the screen.

    Raises:
        ArenaError: there is no display, or pygame-ce is missing.
        EventError: the settings can't be used.
    """
    controls = controls or load_controls()
    with opened_pygame() as pygame:
        from pygame._sdl2 import controller

        pygame.font.init()
        pygame.joystick.init()
        controller.init()
        stage = Stage(pygame, controls, title, size)
        try:
            if full_screen:
                stage.toggle_full_screen()
            yield stage
        finally:
            stage.close()
            controller.quit()
            pygame.joystick.quit()
            pygame.font.quit()


def read_size(text: str) -> tuple[int, int] | None:
    """Return a window's size that is written as 1280x720; None for an empty text."""
    width, _, height = text.partition("x")
    return (int(width), int(height)) if text else None
