"""Games in which an agent learns from a teacher: the agent plays, the teacher says what it would do.

`LessonEnv` is an SB3 `VecEnv` like `envs.training.TrainingEnv`: the same observations, rewards and ends, as many
frames per step, but no opening frames. It runs on the arena's own environment, frame by frame, because its teachers are
players of the arena.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from agents.networks.preprocessing import SIDE, STACK, PreprocessingSpec, Preprocessor, preprocessing_for
from agents.player import Player
from envs.environment import ArenaEnv
from envs.games import FIRE, find_game
from envs.rules import Rules
from envs.step import End

ASK_TEACHER = -1
"""The action that leaves a step to the teacher."""


@runtime_checkable
class Explains(Protocol):
    """A teacher that can also say what its last answer was made from."""

    def notes(self) -> np.ndarray:
        """Return float32 (k,), each from 0 to 1, or NaN where it can't tell: always the same k things."""

    def stake(self) -> float:
        """Return how much an error costs now, as a multiple of what it costs in a quiet moment; 1 or more."""


class Lesson:
    """One game, with a teacher that watches every frame and is asked whenever the agent decides."""

    def __init__(self, rules: Rules, teacher: Player, spec: PreprocessingSpec) -> None:
        self._env = ArenaEnv(rules, obs_type="ram")
        self._teacher = teacher
        self.explains = isinstance(teacher, Explains)
        self.notes, self.stake = np.zeros(0, np.float32), 1.0
        self._preprocessor = Preprocessor(spec)
        self._frame_skip = spec.frame_skip
        self._codes = rules.action_set
        self._fires = self._env.game.fires

    def begin(self, seeds: np.random.Generator) -> None:
        """Start a new game; its seed, and the teacher's, are the generator's next."""
        self._step = self._env.start(int(seeds.integers(2**31)))
        self._teacher.reset(seed=int(seeds.integers(2**31)), action_set=self._codes)
        self._preprocessor.reset()
        self.score, self.decisions = 0.0, 0
        self._look()

    @property
    def observation(self) -> np.ndarray:
        """uint8 (4, 84, 84)."""
        return self._preprocessor.observation

    @property
    def end(self) -> End | None:
        return self._step.end

    def play(self, action: int) -> tuple[float, bool]:
        """Hold an action (index into the action set, or `ASK_TEACHER`) until the next decision; return the points
        and whether a life was lost."""
        code = self.answer if action == ASK_TEACHER else self._codes[action]
        if self._fires and self._preprocessor.starting:
            code = FIRE
        points, lives = 0.0, self._step.lives
        for _ in range(self._frame_skip):
            self._step = self._env.advance(code)
            points += self._step.reward
            if self._step.end is not None:
                break
            self._look()
        self.score += points
        self.decisions += 1
        return points, self._step.lives < lives

    def _look(self) -> None:
        answer = self._teacher.act(self._step)
        if self._preprocessor.feed(self._step):
            self.answer = answer
            """ALE action code: what the teacher would do now."""
            if self.explains:
                assert isinstance(self._teacher, Explains)
                self.notes, self.stake = self._teacher.notes(), self._teacher.stake()


class LessonEnv(VecEnv):
    """One game for each of `teachers`, stepped together under `rules`.

    Observations are uint8 (n, 4, 84, 84). Actions are indices into `rules.action_set`, or `ASK_TEACHER`.

    Args:
        seed: of the first reset; all games of the run follow from it.
        frame_skip: emulated frames per step, 1 or more; the game's own if not given.
    """

    def __init__(
        self, rules: Rules, teachers: Sequence[Player], *, seed: int = 0, frame_skip: int | None = None
    ) -> None:
        self.rules = rules
        self._teachers = teachers
        spec = preprocessing_for(find_game(rules.game), frame_skip)
        self._games = [Lesson(rules, teacher, spec) for teacher in teachers]
        self._actions = np.zeros(len(teachers), np.int64)
        self._began = time.time()
        super().__init__(
            len(teachers), spaces.Box(0, 255, (STACK, SIDE, SIDE), np.uint8), spaces.Discrete(len(rules.action_set))
        )
        self.seed(seed)

    @property
    def answers(self) -> np.ndarray:
        """int64 (n,): for the observations returned last, the actions (indices) that the teachers would take."""
        return np.array([self.rules.action_set.index(game.answer) for game in self._games], np.int64)

    @property
    def notes(self) -> np.ndarray:
        """float32 (n, k): what the teachers made their answers from; k is 0 if they don't explain themselves."""
        return np.stack([game.notes for game in self._games])

    @property
    def stakes(self) -> np.ndarray:
        """float32 (n,): how much an error costs now; 1 for all if the teachers don't explain themselves."""
        return np.array([game.stake for game in self._games], np.float32)

    @property
    def decisions(self) -> np.ndarray:
        """int64 (n,): decisions of each game so far."""
        return np.array([game.decisions for game in self._games], np.int64)

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Say from which seed all games follow that begin with the next `reset`. Without one, it is random."""
        parent = np.random.SeedSequence(seed)
        self._generators = [np.random.default_rng(child) for child in parent.spawn(self.num_envs)]
        return [seed] * self.num_envs

    def reset(self) -> VecEnvObs:
        for game, generator in zip(self._games, self._generators, strict=True):
            game.begin(generator)
        return np.stack([game.observation for game in self._games])

    def step_async(self, actions: np.ndarray) -> None:
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        rewards = np.zeros(self.num_envs, np.float32)
        done = np.zeros(self.num_envs, bool)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for i, (game, action) in enumerate(zip(self._games, self._actions, strict=True)):
            points, lost = game.play(int(action))
            rewards[i] = np.sign(points)
            done[i] = lost or game.end is not None
            if done[i]:
                infos[i]["terminal_observation"] = game.observation
                infos[i]["TimeLimit.truncated"] = game.end is End.TRUNCATED
            if game.end is not None:
                infos[i]["episode"] = {"r": game.score, "l": game.decisions, "t": round(time.time() - self._began, 6)}
                game.begin(self._generators[i])
        return np.stack([game.observation for game in self._games]), rewards, done, infos

    def close(self) -> None:
        for teacher in self._teachers:
            teacher.close()

    # -- what else SB3 asks of a VecEnv ------------------------------------------------------------------------------

    def get_attr(self, attr_name: str, indices: int | Iterable[int] | None = None) -> list[Any]:
        value = None if attr_name == "render_mode" else getattr(self, attr_name)
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: int | Iterable[int] | None = None) -> None:
        raise AttributeError(f"The games of a LessonEnv share their settings; {attr_name!r} can't be set for some.")

    def env_method(
        self, method_name: str, *args: Any, indices: int | Iterable[int] | None = None, **kwargs: Any
    ) -> list[Any]:
        raise AttributeError(f"The games of a LessonEnv have no method {method_name!r} of their own.")

    def env_is_wrapped(self, wrapper_class: type, indices: int | Iterable[int] | None = None) -> list[bool]:
        from stable_baselines3.common.monitor import Monitor

        return [issubclass(wrapper_class, Monitor) for _ in self._get_indices(indices)]
