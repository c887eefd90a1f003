"""What happens to an agent that was sent in: it is read, then played in the sandbox. The two functions are all that
knows how."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from agents.packages import admit as read
from agents.sandbox.player import sandboxed_player
from arena.engine.evaluate import play_seeds
from envs.games import find_game
from envs.rules import Rules
from recordings.recording import Recording


def admit(path: Path, rules: Rules) -> None:
    """Read an agent's file and check that it can play under `rules`; nothing of it is executed.

    Raises:
        AgentError: it can't be an agent, or not one for this game.
    """
    read(path).check_game(find_game(rules.game))


def play(path: Path, name: str, rules: Rules, seeds: Sequence[int]) -> Iterator[Recording]:
    """Yield the games of an admitted agent, under the name on the scoreboard that its owner gave it. It plays in the
    sandbox, and nowhere where none works.

    Raises:
        AgentError: it can't be loaded, or no sandbox works here.
    """
    with closing(sandboxed_player(str(path), find_game(rules.game))) as player:
        for recording in play_seeds(player, rules, seeds):
            named = recording.player.model_copy(update={"name": name})
            yield recording.model_copy(update={"player": named})
