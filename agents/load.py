"""From what a person types to a player: `script:basic`, a house bot's name, or the path of an agent's file."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from agents.player import Player
from envs.errors import AgentError, shown
from envs.games import Game

if TYPE_CHECKING:
    from agents.networks.player import NetworkPlayer
    from agents.packages import AgentPackage

ZOO = Path(__file__).parent / "zoo"
"""Where the house bots live."""

SCRIPT_PREFIX = "script:"


def house_bots(game: Game | None = None) -> list[str]:
    """Return the names of the house bots (for `game`, or all), sorted."""
    stems = sorted(path.stem for path in ZOO.glob("*.zip"))
    return [stem for stem in stems if game is None or stem.startswith(f"{game.name}-")]


class StrengthLevel(StrEnum):
    """What a guest chooses, weakest first."""

    EASY = "easy"
    HARD = "hard"
    BOSS = "boss"


def by_strength(game: Game) -> dict[StrengthLevel, str]:
    """Return the names of the house bots of `game` that a guest can choose from, weakest first, as `zoo/strengths.toml`
    has them. A game may lack some, and games besides the event's have none."""
    named = tomllib.loads((ZOO / "strengths.toml").read_text(encoding="utf-8")).get(game.name, {})
    return {strength: named[strength] for strength in StrengthLevel if strength in named}


def load_player(agent: str, game: Game) -> Player:
    """Return a player of `game`.

    Args:
        agent: `script:NAME`, the name of a house bot, or the path of an agent package (zip or folder) or SB3 zip.

    Raises:
        AgentError: there is no such agent, or it can't play this game; the message says what there is.
    """
    if agent.startswith(SCRIPT_PREFIX):
        from agents.scripts import make_script

        return make_script(agent.removeprefix(SCRIPT_PREFIX), game)
    path = find_agent_file(agent)
    from agents.packages import admit

    return player_of(admit(path), game, str(path))


def player_of(package: AgentPackage, game: Game, where: str = "") -> NetworkPlayer:
    """Return a player of an admitted agent, in this process: its network is built here, by torch or onnxruntime.

    Args:
        where: what messages call it; its name if not given.

    Raises:
        AgentError: it can't play this game, or not at all.
    """
    from agents.packages import AgentRefused

    try:
        package.check_game(game)
        if package.kind == "onnx":
            from agents.networks.onnx import onnx_player

            return onnx_player(package, game)
        from agents.networks.sb3 import sb3_player  # imports torch

        return sb3_player(package, game)
    except AgentRefused as refused:
        raise refused.at(where or package.name) from None


def find_agent_file(agent: str) -> Path:
    """Return the file of a house bot's name, or what lies at a path, whether it is an agent or not.

    Raises:
        AgentError: there is nothing.
    """
    if agent.startswith(SCRIPT_PREFIX):
        raise AgentError(f"{shown(agent)} is one of the arena's own scripts and has no file.")
    bot = ZOO / f"{agent}.zip"
    path = Path(agent)
    with suppress(OSError):  # a name that is too long
        if "/" not in agent and "\\" not in agent and bot.is_file():
            return bot
        if agent and _is_there(path):
            return path
    from agents.scripts import SCRIPTS

    known = [*house_bots(), *(SCRIPT_PREFIX + name for name in SCRIPTS)]
    raise AgentError(f"There is no agent {shown(agent)}: expected the path of a file, or one of {', '.join(known)}.")


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:  # who reads it says so
        return True
