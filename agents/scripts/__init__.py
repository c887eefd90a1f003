"""Players that follow a program and need no training. They look at the screen only, as a person does."""

from __future__ import annotations

from collections.abc import Callable

from agents.player import Player
from envs.errors import AgentError
from envs.games import Game

SCRIPTS = {
    "basic": "plays the game as well as a short program can",
    "steady": "the same, but decides as often as trained agents do, and calmly",
    "random": "draws an action every four frames",
    "noop": "does nothing",
}
"""The names behind `script:`, and what they do."""


def make_script(name: str, game: Game) -> Player:
    """Return the script player `name` for `game`.

    Raises:
        AgentError: there is no such script, or none for this game.
    """
    from agents.scripts.breakout import BreakoutScript, SteadyBreakoutScript
    from agents.scripts.maze import MsPacmanScript, PacmanScript, SteadyMsPacmanScript, SteadyPacmanScript
    from agents.scripts.simple import NoopScript, RandomScript
    from agents.scripts.space_invaders import SpaceInvadersScript, SteadySpaceInvadersScript

    basic: dict[str, Callable[[str], Player]] = {
        "breakout": BreakoutScript,
        "pacman": PacmanScript,
        "ms_pacman": MsPacmanScript,
        "space_invaders": SpaceInvadersScript,
    }
    steady: dict[str, Callable[[str], Player]] = {
        "breakout": SteadyBreakoutScript,
        "pacman": SteadyPacmanScript,
        "ms_pacman": SteadyMsPacmanScript,
        "space_invaders": SteadySpaceInvadersScript,
    }
    if name not in SCRIPTS:
        raise AgentError(f"There is no script {name!r}; expected one of {', '.join(SCRIPTS)}.")
    if name == "random":
        return RandomScript(name)
    if name == "noop":
        return NoopScript(name)
    if game.name not in basic:
        raise AgentError(f"script:{name} plays {', '.join(basic)}; for {game.title} there are script:random and :noop.")
    return (steady if name == "steady" else basic)[game.name](name)
