"""What a spectator sees of running games: who plays, score, lives, clock and the picture. No window and no file here;
`arena.window` and `arena.video` show what this module draws.

A `Show` follows the turns of a match and keeps one `Panel` per lane up to date. `arrange` finds places for the panels
in whole-pixel scaling, `status_bar` draws the line above a picture, `compose` puts everything together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from agents.replay import ReplayPlayer
from arena.match import Lane, Turn, play_lanes
from envs.environment import SOUND_SAMPLES, ArenaEnv
from envs.errors import ArenaError
from envs.games import FPS, PIXEL_WIDTH, find_game
from envs.rules import Rules
from envs.step import End, Step
from recordings.recording import Recording

BAR_HEIGHT = 16
"""Height of the status bar in emulated lines."""

END_WORDS = {
    End.TERMINATED: "game over",
    End.TRUNCATED: "time is up",
    End.QUIT: "left the game",
    End.FAILED: "forfeited",
}

SILENCE = np.full(SOUND_SAMPLES, 128, np.uint8)
SILENCE.flags.writeable = False
"""The sound of a frame in which nothing sounds."""


class Panel:
    """What is shown of one lane.

    Args:
        name: who plays.
        rules: what is played.
        recorded_end: for a replay, how the recorded game ended: a replay that runs out of actions only says QUIT.
    """

    def __init__(self, name: str, rules: Rules, recorded_end: End | None = None) -> None:
        self.name = name
        self.title = find_game(rules.game).title
        self.max_frames = rules.max_frames
        self.recorded_end = recorded_end
        self.seed = 0
        self.score = 0
        self.step: Step | None = None
        self.moved = False
        """Whether the last turn emulated a frame."""
        self.lead = 0
        """Points by which this one of two games is ahead; 0 for the other, for equal ones, and for any other number."""

    def take(self, turn: Turn) -> None:
        """Follow one turn of the lane."""
        if turn.step.t == 0:
            self.seed, self.score = turn.seed, 0
        self.step = turn.step
        self.score += int(turn.step.reward) if turn.action is not None else 0
        self.moved = turn.action is not None

    @property
    def running(self) -> bool:
        return self.step is not None and self.step.end is None

    @property
    def note(self) -> str:
        """How the game ended, and by how much it leads; empty if there is nothing to say."""
        notes = [f"leads by {self.lead:,}"] if self.lead else []
        if self.step is not None and (end := self.step.end) is not None:
            notes.append(END_WORDS[self.recorded_end if end is End.QUIT and self.recorded_end else end])
        return " · ".join(notes)

    @property
    def details(self) -> str:
        t, lives = (self.step.t, self.step.lives) if self.step else (0, 0)
        clock = f"{clock_of(t)} of {clock_of(self.max_frames)}"
        return f"{self.title} · seed {self.seed} · {lives} {'life' if lives == 1 else 'lives'} · {clock}"

    def picture(self) -> np.ndarray:
        """The game's picture: uint8 (height, 160, 3), RGB. For a lane that has moved on it is gone (`StaleStep`)."""
        assert self.step is not None
        return self.step.screen()

    def sound(self) -> np.ndarray:
        """The sound of the last frame: uint8 (512,); silence (128) where no frame was emulated."""
        return self.step.sound() if self.step is not None and self.moved else SILENCE


class Show:
    """A match as a spectator follows it, one emulated frame of all running games at a time.

    Args:
        turns: as `play_lanes` or `Match.play` yield them, perhaps through an observer.
        panels: one per lane, in order.
    """

    def __init__(self, turns: Iterator[Turn], panels: Sequence[Panel]) -> None:
        self.panels = tuple(panels)
        self.ticks = 0
        """Times that `advance` has moved on."""
        self._turns = turns

    def advance(self) -> bool:
        """Let every running game emulate one frame (a game that begins anew is at frame 1 then); False when all games
        are over, and nothing has changed."""
        last: int | None = None
        for turn in self._turns:
            opening = turn.step.t == 0 and turn.step.end is None
            if not opening and last is None:  # this round has one turn for each game that runs now
                last = max(i for i, panel in enumerate(self.panels) if panel.running)
                for panel in self.panels:
                    panel.moved = False
            self.panels[turn.lane].take(turn)
            if turn.lane == last and not opening:
                self.ticks += 1
                self._compare()
                return True
        for panel in self.panels:
            panel.moved = False
        return False

    def _compare(self) -> None:
        """Note who of two in the same game leads."""
        if len(self.panels) == 2 and self.panels[0].title == self.panels[1].title:
            first, second = self.panels
            first.lead = max(0, first.score - second.score)
            second.lead = max(0, second.score - first.score)


def replay(recordings: Sequence[Recording]) -> Show:
    """Return the show of one recording, or of two side by side, replayed by fresh emulators.

    Raises:
        ArenaError: none, or more than two recordings.
        UnknownGame, RomError, RulesError: what was recorded can't be played here.
    """
    if not 1 <= len(recordings) <= 2:
        raise ArenaError(f"One recording can be shown, or two side by side; {len(recordings)} came.")
    lanes = [
        Lane(ArenaEnv(r.rules, obs_type="ram"), ReplayPlayer(r.player.name, r.actions), iter((r.seed,)))
        for r in recordings
    ]
    return Show(play_lanes(lanes), [Panel(r.player.name, r.rules, r.end) for r in recordings])


def clock_of(frames: int) -> str:
    """Return the time that `frames` emulated frames take, as minutes and seconds: `1:05`."""
    minutes, seconds = divmod(int(frames / FPS), 60)
    return f"{minutes}:{seconds:02d}"


# -- places ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rect:
    """A place in pixels, from the top left corner."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Where things stand. `size` is (width, height); both are even, as video wants it."""

    size: tuple[int, int]
    scale: tuple[int, int]
    """Pixels across and down for one emulated pixel."""
    bars: tuple[Rect, ...]
    pictures: tuple[Rect, ...]


def arrange(panels: Sequence[Panel], lines: int) -> Arrangement:
    """Return the places of `panels` beside each other, at `lines` pixels per emulated line.

    One emulated pixel becomes a whole number of pixels both ways, nearest to the shape that a television gave it.
    """
    across = round(lines * PIXEL_WIDTH)
    shapes = [panel.picture().shape for panel in panels]
    bar, gap = BAR_HEIGHT * lines, 4 * lines
    tallest = max(shape[0] for shape in shapes) * lines
    bars, pictures, x = [], [], 0
    for height, width, _ in shapes:
        bars.append(Rect(x, 0, width * across, bar))
        pictures.append(Rect(x, bar + (tallest - height * lines) // 2, width * across, height * lines))
        x += width * across + gap
    size = (x - gap + (x - gap) % 2, bar + tallest + (bar + tallest) % 2)
    return Arrangement(size, (across, lines), tuple(bars), tuple(pictures))


def arrange_within(panels: Sequence[Panel], width: int, height: int) -> Arrangement:
    """Return the largest arrangement that fits into `width` x `height` pixels, or the smallest there is."""
    best = arrange(panels, 1)
    for lines in range(2, height // BAR_HEIGHT + 2):
        larger = arrange(panels, lines)
        if larger.size[0] > width or larger.size[1] > height:
            break
        best = larger
    return best


# -- drawing -----------------------------------------------------------------------------------------------------------

BACKGROUND = 17
"""Grey around the games, for red, green and blue."""
_BRIGHT = (242, 244, 246)
_QUIET = (168, 176, 186)
_SCORE = (240, 228, 66)


def compose(panels: Sequence[Panel], places: Arrangement, pictures: Sequence[np.ndarray] | None = None) -> np.ndarray:
    """Return the whole picture: uint8 (height, width, 3), RGB, of `places.size`.

    Args:
        pictures: what to show instead of the panels' own pictures, each uint8 (height, 160, 3).
    """
    import cv2

    width, height = places.size
    canvas = np.full((height, width, 3), BACKGROUND, np.uint8)
    shown = pictures if pictures is not None else [panel.picture() for panel in panels]
    for panel, picture, bar, place in zip(panels, shown, places.bars, places.pictures, strict=True):
        _within(canvas, bar)[:] = status_bar(panel, bar.width, bar.height)
        size = (place.width, place.height)
        cv2.resize(picture, size, dst=_within(canvas, place), interpolation=cv2.INTER_NEAREST)
    return canvas


def _within(canvas: np.ndarray, place: Rect) -> np.ndarray:
    return canvas[place.y : place.y + place.height, place.x : place.x + place.width]


def status_bar(panel: Panel, width: int, height: int) -> np.ndarray:
    """Return the line above a game: name and score, below them what is played: uint8 (height, width, 3), read-only."""
    return _bar(panel.name, panel.details, f"{panel.score:,}", panel.note, width, height)


@lru_cache(maxsize=32)
def _bar(name: str, details: str, score: str, note: str, width: int, height: int) -> np.ndarray:
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (width, height), (BACKGROUND,) * 3)
    draw = ImageDraw.Draw(image)
    large, small = _font(round(height * 0.46)), _font(round(height * 0.31))
    margin, top, below = round(height * 0.2), round(height * 0.46), round(height * 0.88)
    right = width - margin
    draw.text((right, top), score, _SCORE, large, "rs")
    draw.text((right, below), note, _BRIGHT, small, "rs")
    room = right - 2 * margin - draw.textlength(score, large)
    draw.text((margin, top), shortened(name, large, room), _BRIGHT, large, "ls")
    room = right - 2 * margin - draw.textlength(note, small)
    draw.text((margin, below), shortened(details, small, room), _QUIET, small, "ls")
    bar = np.asarray(image)
    bar.flags.writeable = False
    return bar


def shortened(text: str, font: Any, room: float) -> str:
    """Return `text`, cut with an ellipsis where it is wider than `room` pixels in the pillow font `font`."""
    if font.getlength(text) <= room:
        return text
    while text and font.getlength(text + "…") > room:
        text = text[:-1]
    return text.rstrip() + "…"


def caption(text: str, height: int) -> np.ndarray:
    """Return `text` on dark ground as a picture of `height` pixels: uint8 (height, width, 3)."""
    from PIL import Image, ImageDraw

    font = _font(round(height * 0.6))
    width = round(font.getlength(text)) + height
    image = Image.new("RGB", (width, height), (BACKGROUND,) * 3)
    ImageDraw.Draw(image).text((height / 2, height * 0.5), text, _BRIGHT, font, "lm")
    return np.asarray(image)


@cache
def _font(size: int) -> Any:
    """The font that comes with pygame-ce: one look on every machine, with Latin, Greek and Cyrillic letters."""
    from importlib.util import find_spec

    from PIL import ImageFont

    spec = find_spec("pygame")
    assert spec is not None
    assert spec.origin is not None
    return ImageFont.truetype(Path(spec.origin).parent / "freesansbold.ttf", size)
