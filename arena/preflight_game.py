"""How the preflight lets an agent decide and play. The rest of it doesn't know where the agent runs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing

import numpy as np

from agents.load import player_of
from agents.network_player import NetworkPlayer
from agents.packages import AgentPackage
from arena.evaluate import play_seeds
from envs.games import Game, find_game
from envs.rules import Rules
from recordings.recording import Recording


def play_short(package: AgentPackage, rules: Rules, seeds: Sequence[int]) -> Iterator[Recording]:
    """Yield a recording of `package` for each of `seeds`, as the episodes end; a forfeit ends as FAILED.

    Raises:
        AgentError: the agent can't be loaded.
    """
    with closing(player_of(package, find_game(rules.game))) as player:
        yield from play_seeds(player, rules, seeds)


def decision_seconds(package: AgentPackage, game: Game, count: int) -> list[float]:
    """Return how long each of `count` single decisions took, in seconds.

    Raises:
        AgentError: the agent can't be loaded.
    """
    player = player_of(package, game)
    assert isinstance(player, NetworkPlayer)
    pictures = np.random.default_rng(0).integers(0, 256, (count, package.stack, 84, 84), np.uint8)
    seconds = []
    for picture in pictures:
        begin = time.perf_counter()
        player.bot.scores([picture])
        seconds.append(time.perf_counter() - begin)
    player.close()
    return seconds
