"""A player whose hands are slow: what it decides reaches the game some frames later.

People react to what they see in 200 to 400 ms; a bot that answers in the same frame has an advantage that has nothing
to do with how well it plays. The classes 0, 100, 200 and 350 ms show what is left of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from agents.player import BatchPlayer, Player
from envs.errors import AgentError
from envs.games import FPS, NOOP
from envs.step import Step

DELAYS_MS = (0, 100, 200, 350)
"""The classes, in milliseconds."""


def delay_frames(milliseconds: int) -> int:
    """Return how many emulated frames that is, to the nearest: 100 ms are 6, 200 are 12, 350 are 21."""
    return round(milliseconds * FPS / 1000)


def delayed(player: Player, milliseconds: int) -> Player:
    """Return `player` with its actions `milliseconds` late; at 0 it is the player itself.

    Its name says so, because its results are a class of their own.

    Raises:
        AgentError: that is none of the classes.
    """
    if milliseconds not in DELAYS_MS:
        raise AgentError(f"The delay must be one of {', '.join(map(str, DELAYS_MS))} ms, not {milliseconds}.")
    if milliseconds == 0:
        return player
    if isinstance(player, BatchPlayer):
        return DelayedBatchPlayer(player, milliseconds, _SlowHands(player.bot))
    return DelayedPlayer(player, milliseconds)


def delayed_name(name: str, milliseconds: int) -> str:
    """Return what a player is called in a class: `breakout-taught, 200 ms`, at most 32 characters."""
    label = f", {milliseconds} ms" if milliseconds else ""
    return name[: 32 - len(label)].rstrip() + label


def is_delayed(name: str) -> bool:
    """Return whether a player's name is one that `delayed_name` gives to a class above 0 ms."""
    return any(name.endswith(f", {milliseconds} ms") for milliseconds in DELAYS_MS[1:])


class _SlowHands:
    """What delayed players of one bot share. It keeps them apart from undelayed ones of the same bot."""

    def __init__(self, bot: object) -> None:
        self.bot = bot


class DelayedPlayer:
    """Does nothing for the first frames of a game, and then what `inner` decided so many frames ago."""

    def __init__(self, inner: Player, milliseconds: int) -> None:
        self.info = replace(inner.info, name=delayed_name(inner.info.name, milliseconds))
        self.inner = inner
        self._milliseconds = milliseconds
        self._coming: deque[int] = deque()

    def reset(self, *, seed: int, action_set: tuple[int, ...]) -> None:
        idle = NOOP if NOOP in action_set else action_set[0]
        self._coming = deque([idle] * delay_frames(self._milliseconds))
        self.inner.reset(seed=seed, action_set=action_set)

    def act(self, step: Step) -> int:
        return self.late(self.inner.act(step))

    def late(self, action: int) -> int:
        """Take what was decided now and return what reaches the game now."""
        self._coming.append(action)
        return self._coming.popleft()

    def close(self) -> None:
        self.inner.close()


class DelayedBatchPlayer(DelayedPlayer):
    """The same for a bot that decides for many games at once."""

    def __init__(self, inner: BatchPlayer, milliseconds: int, bot: _SlowHands) -> None:
        super().__init__(inner, milliseconds)
        self.bot = bot

    def another(self) -> DelayedBatchPlayer:
        return DelayedBatchPlayer(cast(BatchPlayer, self.inner).another(), self._milliseconds, self.bot)

    def act_many(self, players: Sequence[DelayedPlayer], steps: Sequence[Step]) -> list[int]:
        decided = cast(BatchPlayer, self.inner).act_many([player.inner for player in players], steps)
        return [player.late(action) for player, action in zip(players, decided, strict=True)]
