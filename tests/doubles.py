"""Players for tests: they really play, through the real engine, and misbehave on request."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from agents.player import Kind, Player, PlayerInfo
from envs.step import Step


class Dice:
    """Draws an action every `hold` frames."""

    def __init__(self, name: str = "Dice", hold: int = 6) -> None:
        self.info = PlayerInfo(name, Kind.SCRIPT)
        self.hold = hold
        self.rng = random.Random(0)
        self.action_set: tuple[int, ...] = ()
        self.action = 0

    def reset(self, *, seed: int, action_set: tuple[int, ...]) -> None:
        self.rng = random.Random(seed)
        self.action_set = action_set

    def act(self, step: Step) -> int:
        if step.t % self.hold == 0:
            self.action = self.rng.choice(self.action_set)
        return self.action

    def close(self) -> None:
        """Nothing is held open."""


class Says(Dice):
    """Gives the listed answers one by one, then draws. An exception in the list is raised."""

    def __init__(self, *answers: Any, name: str = "Says") -> None:
        super().__init__(name)
        self.answers = answers

    def act(self, step: Step) -> Any:
        if step.t >= len(self.answers):
            return super().act(step)
        answer = self.answers[step.t]
        if isinstance(answer, BaseException):
            raise answer
        return answer


class WontStart(Dice):
    """Raises in `reset`, from the episode number `first` on (0 is the first one)."""

    def __init__(self, error: BaseException, first: int = 0) -> None:
        super().__init__("Won't start")
        self.error = error
        self.first = first
        self.episodes = 0

    def reset(self, *, seed: int, action_set: tuple[int, ...]) -> None:
        self.episodes += 1
        if self.episodes > self.first:
            raise self.error
        super().reset(seed=seed, action_set=action_set)


class Eyes:
    """A bot that decides from the picture; it counts how often it was asked for how many games."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error
        self.batches: list[int] = []


class Looker(Dice):
    """A `BatchPlayer` of an `Eyes`: its action follows from the picture, its own draws and its frame alone."""

    def __init__(self, bot: Eyes, name: str = "Looker") -> None:
        super().__init__(name)
        self.bot = bot

    def act(self, step: Step) -> int:
        return self.act_many([self], [step])[0]

    def another(self) -> Looker:
        return Looker(self.bot, self.info.name)

    def act_many(self, players: Sequence[Player], steps: Sequence[Step]) -> list[int]:
        assert all(isinstance(player, Looker) and player.bot is self.bot for player in players)
        self.bot.batches.append(len(players))
        if self.bot.error is not None and max(step.t for step in steps) >= 10:
            raise self.bot.error
        return [player._look(step) for player, step in zip(players, steps, strict=True) if isinstance(player, Looker)]

    def _look(self, step: Step) -> int:
        if step.t % 4 == 0:
            seen = int(step.grayscale()[::5, ::5].sum()) + self.rng.randrange(1000)
            self.action = self.action_set[seen % len(self.action_set)]
        return self.action
