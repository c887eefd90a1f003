"""From what a person types to a player: `script:basic`, a house bot's name, or the path of an agent's file."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from agents.player import Player
from envs.errors import AgentError, shown
from envs.games import Game

ZOO = Path(__file__).parent / "zoo"
"""Where the house bots live."""

SCRIPT_PREFIX = "script:"


def house_bots(game: Game | None = None) -> list[str]:
    """Return the names of the house bots (for `game`, or all), sorted."""
    stems = sorted(path.stem for path in ZOO.glob("*.zip"))
    return [stem for stem in stems if game is None or stem.startswith(f"{game.name}-")]


def load_player(agent: str, game: Game) -> Player:
    """Return a player of `game`.

    Args:
        agent: `script:NAME`, the name of a house bot, or the path of an agent package or SB3 zip.

    Raises:
        AgentError: there is no such agent, or it can't play this game; the message says what there is.
    """
    if agent.startswith(SCRIPT_PREFIX):
        from agents.scripts import make_script

        return make_script(agent.removeprefix(SCRIPT_PREFIX), game)
    path = find_agent_file(agent)
    from agents.sb3 import load_sb3_player  # imports torch

    return load_sb3_player(path, game)


def find_agent_file(agent: str) -> Path:
    """Return the file of a house bot's name or a path.

    Raises:
        AgentError: there is no such file.
    """
    bot = ZOO / f"{agent}.zip"
    path = Path(agent)
    with suppress(OSError):  # a name that is too long, a folder that may not be looked into
        if "/" not in agent and "\\" not in agent and bot.is_file():
            return bot
        if path.is_file():
            return path
    from agents.scripts import SCRIPTS

    known = [*house_bots(), *(SCRIPT_PREFIX + name for name in SCRIPTS)]
    raise AgentError(f"There is no agent {shown(agent)}: expected the path of a file, or one of {', '.join(known)}.")
