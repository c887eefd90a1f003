"""What all screens of the kiosk have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

from arena.kiosk.model import House, OpponentChoice
from arena.play.opponent_loading import LoadingOpponent
from arena.play.session import Round
from arena.ui import palette
from arena.ui.canvas import WIDTH, Canvas
from arena.ui.key_cap import key_cap
from arena.ui.palette import Colour
from arena.ui.strings import text
from arena.ui.window import Press, Stage
from envs.games import Game

MARGIN = 60
"""Units that stay free at the left and right of every screen."""
WARNING_SECONDS = 10
"""So long before a screen gives up it says so."""
DEAF_SECONDS = 2.0
"""After a game keys are ignored so long: who is still hammering the button shall not skip the score."""


class Command(Enum):
    """What a press means in a menu."""

    UP = auto()
    DOWN = auto()
    LEFT = auto()
    RIGHT = auto()
    GO = auto()
    BACK = auto()
    ERASE = auto()
    ORGANIZER = auto()
    OTHER = auto()


class Input(NamedTuple):
    command: Command
    text: str = ""
    """What was typed; on a screen that takes text it comes before the command."""


ORGANIZER_KEY = "f10"
_KEYS = {
    "return": Command.GO,
    "enter": Command.GO,
    "keypad enter": Command.GO,
    "space": Command.GO,
    "escape": Command.BACK,
    "backspace": Command.ERASE,
    "delete": Command.ERASE,
    "up": Command.UP,
    "down": Command.DOWN,
    "left": Command.LEFT,
    "right": Command.RIGHT,
    ORGANIZER_KEY: Command.ORGANIZER,
}
_PAD = {"a": Command.GO, "start": Command.GO, "b": Command.BACK, "back": Command.BACK, "x": Command.ERASE}


def input_of(press: Press) -> Input:
    """Return what `press` means in a menu. Keys mean what stands on them, whatever they are in a game; pads and sticks
    go by the person's bindings."""
    command = _KEYS.get(press.key) or _PAD.get(press.pad)
    if command is None and press.button is not None:
        command = {"FIRE": Command.GO}.get(press.button.name) or Command[press.button.name]
    return Input(command or Command.OTHER, press.text if press.text.isprintable() else "")


@dataclass
class Visit:
    """One guest, from choosing a game to the result."""

    game: Game
    choice: OpponentChoice | None = None
    """None: alone."""
    at_work: LoadingOpponent | None = None
    """The rival's process, from when it was chosen until the match is over."""
    name: str = ""
    rounds: list[Round] = field(default_factory=list)

    def wins(self) -> tuple[int, int]:
        """Return how many rounds the person and the rival have won."""
        winners = [played.winner for played in self.rounds]
        return winners.count(1), winners.count(-1)

    def end(self) -> None:
        """Let the rival's process go. May be called more than once."""
        if self.at_work is not None:
            self.at_work.close()
            self.at_work = None


class To(Enum):
    """The screens that others lead to; `arena.kiosk.flow` knows their classes."""

    ATTRACT = auto()
    CHOOSE_GAME = auto()
    CHOOSE_RIVAL = auto()
    ENTER_NAME = auto()
    CONSENT = auto()
    WARM_UP = auto()
    PRACTICE = auto()
    NEXT_ROUND = auto()
    PLAYING = auto()
    TROUBLE = auto()
    COUNTING = auto()
    RESULT = auto()


class Next:
    """A new screen that comes next.

    Args:
        to: which.
        arguments: what it is made of, besides the event and the time.
    """

    def __init__(self, to: To, **arguments: object) -> None:
        self.to = to
        self.arguments = arguments


class KioskScreen:
    """One screen: takes inputs, moves with time, draws itself. `handle`, `update` and `work` return what to show next,
    usually the screen itself. All times are seconds of one monotonic clock.

    Args:
        house: the event.
        now: when it is shown first.
    """

    typing = False
    """Whether letters are text here. Else they are ignored."""
    accent: Colour = palette.SKY
    pictures_per_second = 30

    def __init__(self, house: House, now: float) -> None:
        self.house = house
        self.since = now
        self.touched = now
        """When the last press came."""

    @property
    def idle_seconds(self) -> float:
        """Without a press for so long, `given_up` says what is next."""
        return self.house.settings.idle_seconds

    @property
    def deaf_seconds(self) -> float:
        """Presses in the first seconds are ignored."""
        return 0.0

    def handle(self, pressed: Input, now: float) -> KioskScreen | Next:
        """Take one press."""
        return self

    def update(self, now: float) -> KioskScreen | Next:
        """Let time go by."""
        return self

    def work(self, stage: Stage) -> KioskScreen | Next:
        """Do what takes long; called after this screen was drawn and shown at least once."""
        return self

    def given_up(self, now: float) -> KioskScreen | Next:
        """Return what comes after `idle_seconds` without a press."""
        return self

    def draw(self, canvas: Canvas, now: float) -> None:
        raise NotImplementedError

    # -- what screens share ------------------------------------------------------------------------------------------

    def header(self, canvas: Canvas, title: str, note: str = "") -> None:
        """Write the headline and, at the right, what it belongs to."""
        width = canvas.pixels(title, MARGIN, 44, 6, self.accent, room=760)
        if note:
            canvas.text(note, WIDTH - MARGIN, 44, 32, palette.QUIET, 1, WIDTH - 2 * MARGIN - width - 40)
        canvas.box(MARGIN, 104, WIDTH - 2 * MARGIN, 3, palette.LINE)
        canvas.box(MARGIN, 104, 120, 3, self.accent)

    def footer(self, canvas: Canvas, now: float, hints: Sequence[tuple[str, str]]) -> None:
        """Write which keys do what; shortly before the screen gives up, that it will."""
        left = self.idle_seconds - (now - self.touched)
        if left <= WARNING_SECONDS:
            canvas.text(text("kiosk.still_there", seconds=max(1, round(left))), WIDTH / 2, 657, 32, palette.YELLOW, 0.5)
            return
        x = float(MARGIN)
        for cap, meaning in hints:
            x += key_cap(canvas, cap, x, 652) + 14
            x += canvas.text(meaning, x, 660, 28, palette.QUIET) + 44


def menu_hints(arrows: str) -> list[tuple[str, str]]:
    """Return the hints of a screen on which something is chosen."""
    return [
        (arrows, text("kiosk.hint_choose")),
        (text("kiosk.cap_fire"), text("kiosk.hint_go")),
        ("ESC", text("kiosk.hint_back")),
    ]
