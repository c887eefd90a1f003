"""The settings of a training run, as they stand in a file like `scripts/train.toml`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from stable_baselines3.common.base_class import BaseAlgorithm

from agents.packages.architecture import EXTRACTORS
from agents.training.cloning import imitate
from agents.training.hyperparameters import check_settings
from agents.training.kickstart import Kickstart
from envs.errors import AgentError, UnknownGame
from envs.games import Game, find_game
from envs.text_files import read_toml

GAMES_SETTINGS: dict[str, type] = {"reward_scale": float, "opening": int}
"""Those that `TrainingEnv` is given."""
STEPS = 2_000_000
"""Length of a run of a game for which the file says none."""
_AFTER_IMITATION = "a2c"
"""The algorithm that has settings of its own after it; ppo has those of `Kickstart`."""


@dataclass(frozen=True, slots=True)
class Config:
    """A file's sections: `algorithms` by name, `GAME.ALGORITHM`, `kickstart`, `imitation`, `steps`."""

    algorithms: Mapping[str, type[BaseAlgorithm]]
    sections: dict[str, Any]

    def settings(self, algo: str, game: Game, *, kickstart: bool) -> dict[str, Any]:
        """The settings of `algo` for `game`: what it is given in general, then for the game; then, if it goes on from a
        policy, what that changes.

        Raises:
            AgentError: one of them can't be used.
        """
        known: dict[str, Any] = {"envs": int, "adam_eps": float, "extractor": Literal[tuple(EXTRACTORS)]}
        known |= GAMES_SETTINGS if algo != "dagger" else {}
        takers: list[Callable[..., Any]] = [self.algorithms[algo].__init__]
        settings = {"envs": 8} | self._checked(algo, game, takers, known)
        if kickstart and algo == "ppo":
            settings |= self._checked("kickstart", game, [*takers, Kickstart.__init__], known | {"soften": float})
        elif kickstart and algo == "dagger":  # it can play already, so the teacher need not show it how at first
            settings |= {"soften": settings.get("sharper", 1.0), "steered_fraction": 0.0, "learning_starts": 10_000}
        elif kickstart and algo == _AFTER_IMITATION:
            after = self.sections.get("imitation", {}).get(algo, {})
            settings |= check_settings(after, f"imitation.{algo}", *takers, **known)
        return settings

    def imitation(self) -> dict[str, Any]:
        """How recordings are imitated, without what changes for the algorithm afterwards.

        Raises:
            AgentError: a setting can't be used.
        """
        settings = dict(self.sections.get("imitation", {}))
        settings.pop(_AFTER_IMITATION, None)
        return check_settings(settings, "imitation", imitate)

    def steps(self, game: Game) -> int:
        """The length of a run if nobody says another.

        Raises:
            AgentError: it is no number of steps, or that of a game that doesn't exist.
        """
        lengths = self.sections.get("steps", {})
        games = {name: int for name in lengths if _is_game(name)} or {game.name: int}
        return int(check_settings(lengths, "steps", **games).get(game.name, STEPS))

    def _checked(
        self, name: str, game: Game, takers: list[Callable[..., Any]], known: dict[str, Any]
    ) -> dict[str, Any]:
        settings: dict[str, Any] = {}
        for where, section in ((name, self.sections), (f"{game.name}.{name}", self.sections.get(game.name, {}))):
            settings |= check_settings(section.get(name, {}), where, *takers, **known)
        return settings


def read_config(path: Path, algorithms: Mapping[str, type[BaseAlgorithm]]) -> Config:
    """Read a file of settings; they are checked when they are asked for.

    Raises:
        ArenaError: it can't be read, or has a section of something that doesn't exist.
    """
    sections = read_toml(path)
    learners = {*algorithms, "kickstart"}
    _check_tables(path, sections, lambda name: name in {*learners, "imitation", "steps"} or _is_game(name))
    for game in filter(_is_game, sections):
        _check_tables(
            path,
            {f"{game}.{name}": table for name, table in sections[game].items()},
            lambda name: name.partition(".")[2] in learners,
        )
    imitation = sections.get("imitation", {})
    after = {f"imitation.{name}": imitation[name] for name in imitation.keys() & {_AFTER_IMITATION}}
    _check_tables(path, after, lambda _: True)
    return Config(algorithms, sections)


def _check_tables(path: Path, tables: Mapping[str, Any], known: Callable[[str], bool]) -> None:
    for name, table in tables.items():
        if not known(name):
            raise AgentError(f"The settings in {path} have a {name!r}, which names no game and no algorithm.")
        if not isinstance(table, dict):
            raise AgentError(f"The settings in {path} have a value for {name}; expected a section of settings.")


def _is_game(name: str) -> bool:
    try:
        return find_game(name).name == name
    except UnknownGame:
        return False
