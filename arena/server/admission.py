"""What happens to an agent that was sent in: it is read, then played. The two functions are all that knows how."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from envs.games import find_game
from envs.rules import Rules
from recordings.recording import Recording


def admit(path: Path, rules: Rules) -> None:
    """Read an agent's file and check that it can play under `rules`; nothing of it is executed.

    Raises:
        AgentError: it can't be an agent, or not one for this game.
    """
    from agents.packages import Refused
    from agents.packages import admit as admit_file

    try:
        admit_file(path).check_game(find_game(rules.game))
    except Refused as refused:
        raise refused.at(path.name) from None


def play(path: Path, name: str, rules: Rules, seeds: Sequence[int]) -> Iterator[Recording]:
    """Yield the games of an admitted agent, under the name on the scoreboard that its owner gave it.

    Raises:
        AgentError: it can't be loaded.
    """
    from agents.packages import admit as admit_file
    from agents.player import PlayerInfo
    from agents.sandbox.player import cargo_of_package, guarded_player
    from arena.evaluate import play_seeds

    with closing(guarded_player(cargo_of_package(admit_file(path), find_game(rules.game)))) as player:
        player.info = PlayerInfo(name, player.info.kind, player.info.artifact_sha256)
        yield from play_seeds(player, rules, seeds)
