"""Pretended people: a script whose hand slips now and then plays under a person's name, through the real engine."""

from __future__ import annotations

import random
from pathlib import Path

from agents.load import load_player
from agents.player import Kind, PlayerInfo
from arena.engine.evaluate import play_seeds
from arena.scoreboard.publish import keep, publish
from arena.scoreboard.store import Scoreboard
from envs.games import find_game
from envs.rules import Rules
from envs.step import Step


class Pretender:
    """Does what a script does, but with probability `slips` per tenth of a second something else."""

    def __init__(self, name: str, rules: Rules, slips: float, script: str = "script:basic") -> None:
        self.info = PlayerInfo(name, Kind.HUMAN)
        self.slips = slips
        self._script = load_player(script, find_game(rules.game))
        self._rng = random.Random(0)
        self._actions: tuple[int, ...] = ()
        self._slipped: int | None = None

    def reset(self, *, seed: int, action_set: tuple[int, ...]) -> None:
        self._rng = random.Random(f"{self.info.name} {seed}")
        self._actions = action_set
        self._script.reset(seed=seed, action_set=action_set)

    def act(self, step: Step) -> int:
        meant = self._script.act(step)
        if step.t % 6 == 0:
            self._slipped = self._rng.choice(self._actions) if self._rng.random() < self.slips else None
        return meant if self._slipped is None else self._slipped

    def close(self) -> None:
        self._script.close()


def people_play(
    board: Scoreboard,
    folder: Path,
    rules: Rules,
    seeds: list[int],
    people: dict[str, float],
    script: str = "script:basic",
) -> None:
    """Let people play, record and book; `people` says how often each one's hand slips."""
    for name, slips in people.items():
        player = Pretender(name, rules, slips, script)
        paths = [keep(recording, folder) for recording in play_seeds(player, rules, seeds)]
        player.close()
        assert all(publication.new for publication in publish(paths, board, processes=1))
