"""Players that need no training."""

from agents.player import Player
from agents.scripts.breakout import BreakoutScript
from agents.scripts.simple import NoopScript, RandomScript
from agents.scripts.space_invaders import SpaceInvadersScript
from envs.errors import AgentError
from envs.games import Game

SCRIPTS = ("basic", "random", "noop")


def make_script(name: str, game: Game) -> Player:
    if name == "random":
        return RandomScript("random")
    if name == "noop":
        return NoopScript("noop")
    if name == "basic" and game.name == "breakout":
        return BreakoutScript("basic")
    if name == "basic" and game.name == "space_invaders":
        return SpaceInvadersScript("basic")
    if name == "basic" and game.name == "pacman":
        return RandomScript("basic")
    raise AgentError(f"no script {name}")
