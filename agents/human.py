"""A person as a player. What the person holds down comes from outside (`Hands`): here it becomes an action."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from agents.player import Kind, PlayerInfo
from envs.games import ACTION_NAMES, NOOP
from envs.names import check_name
from envs.step import Step


class Button(StrEnum):
    """What an Atari joystick has."""

    UP = "up"
    DOWN = "down"
    LEFT = "left"
    RIGHT = "right"
    FIRE = "fire"


_VERTICAL = (Button.UP, Button.DOWN)
_HORIZONTAL = (Button.LEFT, Button.RIGHT)
FIRE_FRAMES = 4
"""In a game whose action set has no FIRE together with a direction, a new press of FIRE wins for so many frames, then
the direction does. (Four, because sticky actions may swallow one of them; FIRE must get through.)"""


class Hands(Protocol):
    """Where a person's wishes come from."""

    def next(self, step: Step) -> Sequence[Button]:
        """Wait until the frame after `step` is due, and return what is held down then, the oldest press first.

        Raises:
            PlayerQuit: the person leaves the game.
        """


def action_of(held: Sequence[Button], action_set: Sequence[int], *, fire_first: bool = True) -> int:
    """Return the ALE action code of `action_set` that comes nearest to the held buttons.

    Of two opposite directions the one pressed last counts, and so does the last one where the game has no diagonals.

    Args:
        held: the oldest press first.
        action_set: ALE action codes (0-17).
        fire_first: whether FIRE or the direction goes where the game doesn't have both together.
    """
    vertical = next((b for b in reversed(held) if b in _VERTICAL), None)
    horizontal = next((b for b in reversed(held) if b in _HORIZONTAL), None)
    newest = next((b for b in reversed(held) if b is not Button.FIRE), None)
    both = [b.name for b in (vertical, horizontal) if b is not None]
    oldest = [name for name in both if newest is not None and name != newest.name]
    # From the whole wish to its parts: both directions, the newest, the other (a game may know no up and down).
    directions = ["".join(both), newest.name if newest else "", *oldest]
    fire = Button.FIRE in held
    wishes = [f"{d}FIRE" for d in directions] if fire else []
    parts = [d for d in directions if d]
    wishes = [w for w in wishes if w != "FIRE"] + (["FIRE", *parts] if fire and fire_first else parts)
    if fire:
        wishes.append("FIRE")
    for wish in wishes:
        code = _CODES.get(wish)
        if code is not None and code in action_set:
            return code
    return NOOP if NOOP in action_set else action_set[0]


_CODES = {name: code for code, name in enumerate(ACTION_NAMES)}


class HumanPlayer:
    """The person in front of the window.

    Args:
        name: 1 to 32 characters.
        hands: what the person holds down, frame by frame.

    Raises:
        PlayerNameError: `name` can't be a name.
    """

    def __init__(self, name: str, hands: Hands) -> None:
        self.info = PlayerInfo(check_name(name), Kind.HUMAN)
        self._hands = hands
        self._action_set: tuple[int, ...] = ()
        self._fire_for = 0
        """Frames for which FIRE has been held."""

    def reset(self, *, seed: int, action_set: tuple[int, ...]) -> None:
        self._action_set = action_set
        self._fire_for = 0

    def act(self, step: Step) -> int:
        held = self._hands.next(step)
        self._fire_for = self._fire_for + 1 if Button.FIRE in held else 0
        return action_of(held, self._action_set, fire_first=self._fire_for <= FIRE_FRAMES)

    def close(self) -> None:
        """Nothing is held open."""
