"""Fast training environments: many games at once in ale-py's own threads, under the arena's rules.

`TrainingEnv` is a Stable-Baselines3 `VecEnv` over `ale_py.vector_env.AtariVectorEnv`. What an agent sees here is, pixel
for pixel, what `agents.networks.preprocessing.Preprocessor` makes of the arena's own environment for the same ALE seed
and actions (without opening frames). What differs from SB3's `make_atari_env`:

- stickiness and length come from the rules, and one step is four emulated frames, in Pac-Man three;
- a game opens with 0 to 3 frames of doing nothing, not with up to 30 (see `OPENING`);
- the picture is ALE's luminance, the maximum of the last two frames, then shrunk (SB3 shrinks OpenCV's luminance);
- rewards are clipped to their sign for learning, or scaled, by choice; `info["episode"]["r"]` holds the score of the
  whole game in the game's own points;
- a lost life is reported as `done`, as SB3 does, but nothing is reset and no frame is played for it: the game goes on
  where it is, and the stacked pictures stay. (ale-py's own `episodic_life` starts a new game instead.)
- in games that start with FIRE, the first two actions after a reset or a lost life are replaced by FIRE, which is what
  the arena's player for such agents does too. (Two, because sticky actions swallow one of four frames with
  probability 0.25**4: one lost life in 256 would leave an agent that never learned to fire waiting for ever.)
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from envs.errors import RulesError
from envs.games import FIRE, find_game
from envs.rules import Rules, check_switches, named_rules

OPENING = 3
"""Most frames of doing nothing before the first observation of a training game; each number up to it is as likely.

The arena's games have no such frames, and most learning needs none where actions stick. Breakout does: which of its
four serves comes depends on the frame of FIRE, modulo four. An agent that decides at every fourth frame and fires at
once meets the same serve up to three times out of four, and learns to stand where that one comes down.
"""
STACK = 4
"""Pictures per observation, the newest last."""
SIDE = 84
"""Height and width of a picture."""
FIRE_STEPS = 2
"""Steps for which FIRE is pressed after a reset or a lost life, in games that start with it."""


def training_seeds(seed: int, count: int) -> np.ndarray:
    """Return `count` different ALE seeds, int64 (count,), each from 0 to 2**31-1: ale-py's vector environment takes a
    negative one for "leave the seed as it is"."""
    rng = np.random.default_rng(seed)
    seeds = np.unique(rng.integers(0, 2**31, size=count + 16))
    return rng.permutation(seeds)[:count]


class TrainingEnv(VecEnv):
    """`num_envs` games under `rules`, stepped together.

    Observations are uint8 (num_envs, 4, 84, 84), channels first, as SB3's `CnnPolicy` takes them without a wrapper.
    Actions are indices into `rules.action_set`.

    Args:
        rules: what is played.
        num_envs: how many games.
        seed: of the first reset; two environments with the same seed and actions give the same observations.
        threads: emulator threads; 0 means one per core.
        lives_end: report a lost life as the end of an episode (the game goes on all the same).
        opening: most frames of doing nothing before the first observation of a game; 0 for games as the arena has them.
        frame_skip: emulated frames per step, 1 or more; the game's own if not given.
        reward_scale: points that make a reward of 1; None clips rewards to their sign.

    Raises:
        RulesError: the rules ask for what ale-py's vector environment can't do: a mode, a difficulty or an action set
            other than the game's default.
        ValueError: no game is asked for, or `reward_scale` is not above 0.
    """

    def __init__(
        self,
        rules: Rules,
        num_envs: int,
        *,
        seed: int = 0,
        threads: int = 0,
        lives_end: bool = True,
        opening: int = OPENING,
        frame_skip: int | None = None,
        reward_scale: float | None = None,
    ) -> None:
        from ale_py.vector_env import AtariVectorEnv

        check_switches(rules)
        if num_envs < 1:  # ale-py would end the process
            raise ValueError(f"expected one game or more to play at once, not {num_envs}")
        if reward_scale is not None and not 0 < reward_scale < float("inf"):
            raise ValueError(f"expected a reward_scale above 0, in points, not {reward_scale}")
        default = named_rules(rules.game)
        full = rules.action_set == tuple(range(18))
        if (rules.mode, rules.difficulty) != (default.mode, default.difficulty) or not (
            full or rules.action_set == default.action_set
        ):
            raise RulesError(
                f"Training runs {rules.game} with mode {default.mode}, difficulty {default.difficulty} and the action "
                f"set {default.action_set} or all 18; these rules ask for mode {rules.mode}, difficulty "
                f"{rules.difficulty} and {rules.action_set}."
            )
        self.rules = rules
        self.game = find_game(rules.game)
        self._lives_end = lives_end
        self._reward_scale = reward_scale
        self._fire = rules.action_set.index(FIRE) if self.game.fires else None
        self._native = AtariVectorEnv(
            rules.game,
            num_envs,
            num_threads=threads,
            max_num_frames_per_episode=rules.max_frames,
            repeat_action_probability=rules.sticky,
            full_action_space=full,
            autoreset_mode=AutoresetMode.SAME_STEP,
            img_height=SIDE,
            img_width=SIDE,
            stack_num=STACK,
            frameskip=frame_skip or self.game.frame_skip,
            noop_max=opening + 1,  # the number is drawn below this
            use_fire_reset=False,
            reward_clipping=False,
        )
        self._next_seeds: np.ndarray | None = training_seeds(seed, num_envs)
        self._began = time.time()
        self._returns = np.zeros(num_envs)
        self._lengths = np.zeros(num_envs, dtype=np.int64)
        self._lives = np.zeros(num_envs, dtype=np.int32)
        self._fire_steps = np.zeros(num_envs, dtype=np.int64)
        super().__init__(
            num_envs,
            spaces.Box(0, 255, (STACK, SIDE, SIDE), np.uint8),
            spaces.Discrete(len(rules.action_set)),
        )

    # -- playing ---------------------------------------------------------------------------------------------------

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Give the next `reset` its ALE seeds, made from `seed`; return them. Without `seed`, a random one is used."""
        if seed is None:
            seed = int(np.random.SeedSequence().generate_state(1)[0])
        self._next_seeds = training_seeds(seed, self.num_envs)
        return [int(s) for s in self._next_seeds]

    def reset(self) -> VecEnvObs:
        """Start `num_envs` new games. Without a `seed` before it, the emulators' own sticky draws simply go on, as they
        do when a game ends."""
        obs: np.ndarray
        obs, info = self._native.reset(seed=self._next_seeds)
        self._next_seeds = None
        self._returns[:] = 0
        self._lengths[:] = 0
        self._lives = info["lives"]
        self._fire_steps[:] = FIRE_STEPS
        return obs

    def step_async(self, actions: np.ndarray) -> None:
        if self._fire is not None:
            actions = np.where(self._fire_steps > 0, self._fire, actions)
            self._fire_steps -= 1
        self._native.send(actions)

    def step_wait(self) -> VecEnvStepReturn:
        obs, rewards, terminated, truncated, info = self._native.recv()
        over = terminated | truncated
        lost = (info["lives"] < self._lives) & ~over
        self._returns += rewards
        self._lengths += 1
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for i in np.flatnonzero(over):
            infos[i]["episode"] = {
                "r": float(self._returns[i]),
                "l": int(self._lengths[i]),
                "t": round(time.time() - self._began, 6),
            }
            infos[i]["terminal_observation"] = info["final_obs"][i]
            infos[i]["TimeLimit.truncated"] = bool(truncated[i] and not terminated[i])
        self._returns[over] = 0
        self._lengths[over] = 0
        self._lives = info["lives"]
        self._fire_steps[over | lost] = FIRE_STEPS
        done = over
        if self._lives_end:
            done = over | lost
            for i in np.flatnonzero(lost):
                infos[i]["terminal_observation"] = obs[i]
                infos[i]["TimeLimit.truncated"] = False
        scaled = np.sign(rewards) if self._reward_scale is None else rewards / self._reward_scale
        return obs, scaled.astype(np.float32), done, infos

    def close(self) -> None:
        """Nothing is held but memory; the emulator's threads end with the object."""

    # -- what else SB3 asks of a VecEnv ------------------------------------------------------------------------------

    def get_attr(self, attr_name: str, indices: int | Iterable[int] | None = None) -> list[Any]:
        value = None if attr_name == "render_mode" else getattr(self, attr_name)
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: int | Iterable[int] | None = None) -> None:
        raise AttributeError(f"The games of a TrainingEnv share their settings; {attr_name!r} can't be set for some.")

    def env_method(
        self,
        method_name: str,
        *args: Any,
        indices: int | Iterable[int] | None = None,
        **kwargs: Any,
    ) -> list[Any]:
        raise AttributeError(f"The games of a TrainingEnv have no method {method_name!r} of their own.")

    def env_is_wrapped(self, wrapper_class: type, indices: int | Iterable[int] | None = None) -> list[bool]:
        """True for `Monitor`: `info["episode"]` is filled as it would."""
        return [issubclass(wrapper_class, Monitor) for _ in self._get_indices(indices)]
