"""Agents written in Python: one file, run in the sandbox and nowhere else.

The file defines `make_player(game)`, which returns a `agents.player.Player`; its `info` is set here. It may use the
standard library, numpy, OpenCV, torch and what `agents` and `envs` offer, and what it reads must be in the file.
"""

from __future__ import annotations

from typing import Any

from agents.player import Kind, Player, PlayerInfo
from envs.errors import AgentError
from envs.games import Game

SUFFIX = ".py"


class PythonPlayer:
    """One game of a player made by the agent's own code, one at a time."""

    def __init__(self, inner: Player, name: str) -> None:
        self.info = PlayerInfo(name, Kind.BOT)
        self._inner = inner

    def reset(self, *, seed: int, action_set: tuple[int, ...]) -> None:
        self._inner.reset(seed=seed, action_set=action_set)

    def act(self, step: Any) -> int:
        return self._inner.act(step)

    def close(self) -> None:
        self._inner.close()


def python_player(source: bytes, name: str, game: Game) -> Player:
    """Run the agent's file and return its player. Only to be called where it can't do harm.

    Raises:
        AgentError: it has no `make_player`; or whatever its own code raises.
    """
    module: dict[str, Any] = {"__name__": "agent"}
    exec(compile(source, f"{name}{SUFFIX}", "exec"), module)
    make = module.get("make_player")
    if not callable(make):
        raise AgentError(f"{name}{SUFFIX} must define make_player(game); it doesn't.")
    return PythonPlayer(make(game), name)
