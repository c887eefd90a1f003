"""A player that does what a recording says."""

from __future__ import annotations

from agents.player import Kind, PlayerInfo, PlayerQuit
from envs.step import Step


class ReplayPlayer:
    """Plays the given actions and leaves when they are used up.

    Args:
        name: as in the recording.
        actions: one ALE action code per emulated frame.
    """

    def __init__(self, name: str, actions: bytes) -> None:
        self.info = PlayerInfo(name, Kind.REPLAY)
        self._actions = actions

    def reset(self, *, seed: int, action_set: tuple[int, ...]) -> None:
        pass

    def act(self, step: Step) -> int:
        if step.t < len(self._actions):
            return self._actions[step.t]
        raise PlayerQuit

    def close(self) -> None:
        pass
