"""What all scripts share, and the two that know no game: `random` and `noop`."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from agents.player import Kind, PlayerInfo
from envs.games import ACTION_NAMES, NOOP
from envs.step import Step

NOOPS = (NOOP,)


def _plainer(name: str) -> list[str]:
    """Return an action and what may stand for it, best first: RIGHTFIRE, then RIGHT, then FIRE, then NOOP."""
    fire = name.endswith("FIRE") and name != "FIRE"
    steer = name.removesuffix("FIRE") if fire else name
    parts = [part for part in ("UP", "DOWN", "RIGHT", "LEFT") if part in steer and part != steer]
    return [name, steer, *parts, *(["FIRE"] if fire else []), "NOOP"]


def legal_codes(action_set: tuple[int, ...]) -> list[int]:
    """Return a table of 18 entries: for every ALE action code the nearest one in `action_set`."""
    table = []
    for name in ACTION_NAMES:
        codes = (ACTION_NAMES.index(plainer) for plainer in _plainer(name))
        table.append(next((code for code in codes if code in action_set), action_set[0]))
    return table


class Script(ABC):
    """A player that follows a program. A subclass says in `decide` what to do; all its draws come from `self.rng`.

    Before `reset`, `act` may not be called. Between episodes nothing is kept: `reset` calls `begin`, which sets up
    everything that `decide` remembers.
    """

    def __init__(self, name: str) -> None:
        self.info = PlayerInfo(name=f"script:{name}", kind=Kind.SCRIPT)
        self.rng = np.random.default_rng(0)
        self.action_set: tuple[int, ...] = NOOPS
        self._legal = legal_codes(NOOPS)

    def reset(self, *, seed: int, action_set: tuple[int, ...]) -> None:
        self.rng = np.random.default_rng(seed)
        self.action_set = action_set
        self._legal = legal_codes(action_set)
        self.begin()

    def act(self, step: Step) -> int:
        return self._legal[self.decide(step)]

    def close(self) -> None:  # noqa: B027 - nothing to do is right for every script
        """Nothing is held open."""

    @abstractmethod
    def begin(self) -> None:
        """Forget the last episode."""

    @abstractmethod
    def decide(self, step: Step) -> int:
        """Return the wished ALE action code (0-17) for this frame; `act` turns it into a legal one."""


class NoopScript(Script):
    """Does nothing: what a game gives to somebody who isn't there."""

    def begin(self) -> None: ...

    def decide(self, step: Step) -> int:
        return NOOP


class RandomScript(Script):
    """Draws one of the legal actions, all equally likely, and holds it for four frames: it decides as often as the
    agents do that are trained with frame skip 4."""

    HOLD = 4

    def begin(self) -> None:
        self._action = self.action_set[0]

    def act(self, step: Step) -> int:
        return self.decide(step)  # a drawn action is legal already

    def decide(self, step: Step) -> int:
        if step.t % self.HOLD == 0:
            self._action = self.action_set[int(self.rng.integers(len(self.action_set)))]
        return self._action
