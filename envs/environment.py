"""The game under the arena's rules, one emulated frame at a time.

`ArenaEnv` is an ordinary Gymnasium environment (registered as `Arena/Breakout-v1` and so on) and at the same time what
the match engine runs: `start` and `advance` do the same as `reset` and `step`, but speak in `Step`s and ALE action
codes and compute no picture that nobody asked for.
"""

from __future__ import annotations

import operator
from typing import Any, Literal, get_args

import ale_py
import gymnasium
import numpy as np
from ale_py.env import AtariEnv
from gymnasium.utils import EzPickle

from envs.errors import IllegalAction, OptionError, RomError, SeedError, StaleStep, shown
from envs.games import ACTION_NAMES, FPS, Game, find_game
from envs.roms import rom_sha256
from envs.rules import Rules, check_switches, named_rules
from envs.step import End, Step
from envs.window import GameWindow

ObsType = Literal["rgb", "grayscale", "ram"]
RenderMode = Literal["human", "rgb_array"] | None

SEED_LIMIT = 2**53
"""Seeds are whole numbers from 0 up to but not including this one: every JSON reader keeps them exact."""

RAM_BYTES = 128
SOUND_SAMPLES = 512
SOUND_HZ = 30_720


def ale_seed_of(seed: int) -> int:
    """Return what ALE's `random_seed` is set to for an environment seed, as gymnasium's `AtariEnv` maps it: the second
    word of `SeedSequence(seed)`, read as a signed 32-bit number.

    Raises:
        SeedError: `seed` is not a whole number in range, or is the rare one that ALE would read as "use the clock".
    """
    if type(seed) is not int or not 0 <= seed < SEED_LIMIT:
        raise SeedError(f"A seed must be a whole number (int) from 0 to {SEED_LIMIT - 1}; what came is {shown(seed)}.")
    ale_seed = int(np.random.SeedSequence(seed).generate_state(n_words=2)[1].astype(np.int32))
    if ale_seed == -1:
        raise SeedError(f"Seed {seed} would make the emulator read the wall clock; take another one.")
    return ale_seed


class Pictures:
    """What there is to see and hear in one episode, of the frame at which the emulator stands."""

    __slots__ = ("_ale", "_kept", "t")

    def __init__(self, ale: ale_py.ALEInterface) -> None:
        self._ale = ale
        self._kept: dict[str, np.ndarray] = {}
        self.t = 0

    def move_to(self, t: int) -> None:
        self.t = t
        if self._kept:
            self._kept = {}

    def screen_of(self, step: Step) -> np.ndarray:
        return self._picture(step, "screen")

    def grayscale_of(self, step: Step) -> np.ndarray:
        return self._picture(step, "grayscale")

    def sound_of(self, step: Step) -> np.ndarray:
        return self._picture(step, "sound")

    def read_ram_of(self, step: Step, into: np.ndarray) -> None:
        if step.t != self.t:
            raise self._stale(step)
        self._ale.getRAM(into)

    def _picture(self, step: Step, what: str) -> np.ndarray:
        if step.t != self.t:
            raise self._stale(step)
        picture = self._kept.get(what)
        if picture is None:
            ale = self._ale
            read = {"screen": ale.getScreenRGB, "grayscale": ale.getScreenGrayscale, "sound": ale.getAudio}[what]
            picture = self._kept[what] = read()
            picture.flags.writeable = False
        return picture

    def _stale(self, step: Step) -> StaleStep:
        at = "in another episode" if self.t == _GONE else f"at frame {self.t}"
        return StaleStep(f"The picture of frame {step.t} is gone, the emulator stands {at}; ask before the next act.")


_GONE = -1
"""Where the pictures of an episode stand when the emulator has begun another one."""


class ArenaEnv(gymnasium.Env[np.ndarray, np.integer[Any]], EzPickle):
    """One game under `rules`, built on ale-py's `ALE/<Game>-v5` at frame skip 1.

    Args:
        rules: what is played.
        obs_type: what `reset` and `step` return: `rgb` uint8 (height, width, 3), `grayscale` uint8 (height, width),
            or `ram` uint8 (128,), as in ale-py.
        render_mode: None; `rgb_array`: `render()` returns the RGB picture; or `human`: a window shows every frame, at
            the console's speed.

    The Gymnasium actions 0 to n-1 stand for `rules.action_set` in its order. A copy, and what comes back from a pickle,
    is a new environment of the same making, before its first episode.

    Raises:
        UnknownGame, RomError, RulesError: the rules name a game, ROM, mode or difficulty that isn't there.
        OptionError: see `obs_type` and `render_mode`.
    """

    metadata = {"render_modes": ["human", "rgb_array"], "render_fps": round(FPS)}  # Gymnasium wants an int

    def __init__(
        self,
        rules: Rules,
        obs_type: ObsType = "rgb",
        render_mode: RenderMode = None,
    ) -> None:
        _check_option("obs_type", obs_type, get_args(ObsType))
        _check_option("render_mode", render_mode, (None, "human", "rgb_array"))
        EzPickle.__init__(self, rules, obs_type, render_mode)
        game = find_game(rules.game)
        _check_rom(game, rules)
        check_switches(rules)
        gymnasium.register_envs(ale_py)
        inner = gymnasium.make(
            game.ale_id,
            mode=rules.mode,
            difficulty=rules.difficulty,
            obs_type=obs_type,
            frameskip=1,
            repeat_action_probability=rules.sticky,
            full_action_space=True,
            max_num_frames_per_episode=0,  # the arena counts the frames itself
            disable_env_checker=True,
        ).unwrapped
        assert isinstance(inner, AtariEnv)
        self._inner = inner
        self.ale = inner.ale
        """The emulator, for wrappers that look at it. What is set in it holds for this environment alone."""
        self.ale.setBool("sound_obs", True)  # takes effect with the next load; the emulation is the same
        self._allowed = frozenset(rules.action_set)
        self._frameskip = 1  # where Gymnasium's AtariPreprocessing looks
        self._latest: Step | None = None
        self._window: GameWindow | None = None
        self._pictures = Pictures(self.ale)
        self.rules = rules
        self.game = game
        self.ale_seed: int | None = None
        """What ALE's `random_seed` was set to for the running episode."""
        self.obs_type = obs_type
        self.render_mode = render_mode
        self.observation_space = inner.observation_space
        self.action_space = gymnasium.spaces.Discrete(len(rules.action_set))

    # -- the engine's side ---------------------------------------------------------------------------------------

    def start(self, seed: int) -> Step:
        """Begin the episode of `seed`: load the ROM, set mode and difficulty, reset. Never from a snapshot.

        Raises:
            SeedError: see `ale_seed_of`.
            RomError: the ROM file has gone or changed meanwhile (the emulator would end the process).
        """
        self.ale_seed = ale_seed_of(seed)
        _check_rom(self.game, self.rules)
        self._inner.reset(seed=seed)
        self._pictures.move_to(_GONE)
        self._pictures = Pictures(self.ale)
        self._latest = step = Step(0, 0.0, self.ale.lives(), None, self._pictures)
        return step

    def advance(self, code: int) -> Step:
        """Emulate one frame with the ALE action `code`.

        Raises:
            IllegalAction: `code` is not in the rules' action set, or the episode has not begun or is over.
        """
        latest = self._latest
        if latest is None or latest.end is not None:
            raise IllegalAction("The episode is over or has not begun; start one before the next action.")
        if type(code) is not int:  # True, 1.0 and numpy's numbers would pass the next test, and fail later
            raise IllegalAction(f"An action is an int; what came is a {type(code).__name__}.")
        if code not in self._allowed:
            raise IllegalAction(f"Action {code} is not in the action set {self.rules.action_set} of {self.game.title}.")
        ale = self.ale
        reward = ale.act(code)
        t = latest.t + 1
        end = None
        if ale.game_over(with_truncation=False):
            end = End.TERMINATED
        elif t >= self.rules.max_frames:
            end = End.TRUNCATED
        self._pictures.move_to(t)
        self._latest = step = Step(t, float(reward), ale.lives(), end, self._pictures)
        return step

    # -- Gymnasium's side ----------------------------------------------------------------------------------------

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode. Without a seed one is drawn from the environment's own generator, so that two episodes
        differ; `info["seed"]` tells it. `info` holds `lives`, `frame`, `seed` and `ale_seed`."""
        if seed is not None:
            ale_seed_of(seed)  # before gymnasium says it in other words
        super().reset(seed=seed, options=options)
        if seed is None:
            seed = int(self.np_random.integers(SEED_LIMIT))
        step = self.start(seed)
        self._show(step)
        return self._observation(step), self._info(step) | {"seed": seed, "ale_seed": self.ale_seed}

    def step(self, action: np.integer[Any] | int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Emulate one frame with the action `rules.action_set[action]`."""
        actions = self.rules.action_set
        try:
            index = operator.index(action)
        except TypeError:
            index = -1
        if not 0 <= index < len(actions):
            raise IllegalAction(
                f"An action of {self.game.title} is a whole number from 0 to {len(actions) - 1}; "
                f"what came is {shown(action)}."
            )
        step = self.advance(actions[index])
        self._show(step)
        return (
            self._observation(step),
            step.reward,
            step.end is End.TERMINATED,
            step.end is End.TRUNCATED,
            self._info(step),
        )

    def render(self) -> np.ndarray | None:
        """Return the picture of the running episode, uint8 (height, width, 3); with `human` it is in the window, and
        nothing is returned.

        Raises:
            OptionError: the environment was made without a `render_mode`.
            IllegalAction: no episode has begun.
        """
        if self.render_mode is None:
            raise OptionError(
                'This environment was made without a render_mode; make it with render_mode="rgb_array" or "human".'
            )
        if self._latest is None:
            raise IllegalAction("There is no picture before the first episode; call reset first.")
        return self._latest.screen() if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Close the window, if there is one. A new episode opens it again."""
        if self._window is not None:
            self._window.close()
        self._window = self._latest = None

    def get_action_meanings(self) -> list[str]:
        """Return ALE's name of each action, in the order of the actions."""
        return [ACTION_NAMES[code] for code in self.rules.action_set]

    def get_keys_to_action(self) -> dict[tuple[str, ...], int]:
        """Return the keys of each action, as `gymnasium.utils.play` wants them: w, a, s, d, and space for fire."""
        keys = self._inner.get_keys_to_action()  # of all 18 codes
        return {pressed: self.rules.action_set.index(code) for pressed, code in keys.items() if code in self._allowed}

    def _show(self, step: Step) -> None:
        if self.render_mode == "human":
            screen = step.screen()
            if self._window is None:
                self._window = GameWindow(self.game.title, screen.shape[1], screen.shape[0])
            self._window.show(screen)

    def _observation(self, step: Step) -> np.ndarray:
        match self.obs_type:
            case "ram":
                return self.ale.getRAM()
            case "grayscale":
                return step.grayscale().copy()
            case _:
                return step.screen().copy()

    def _info(self, step: Step) -> dict[str, Any]:
        return {"lives": step.lives, "frame": step.t}


def _check_rom(game: Game, rules: Rules) -> None:
    if (found := rom_sha256(game)) != rules.rom_sha256:
        raise RomError(
            f"These rules were made for another ROM of {game.title}: they name SHA-256 {rules.rom_sha256[:16]}…, "
            f"the file here has {found[:16]}…."
        )


def _check_option(name: str, value: object, allowed: tuple[str | None, ...]) -> None:
    if not (value is None or isinstance(value, str)) or value not in allowed:
        raise OptionError(f"{name} must be {' or '.join(map(repr, allowed))}; what came is {shown(value)}.")


def make_env(
    game: str,
    rules: str = "5min",
    obs_type: ObsType = "rgb",
    render_mode: RenderMode = None,
    **unknown: object,
) -> ArenaEnv:
    """Entry point of the registered environments: `gymnasium.make("envs:Arena/Breakout-v1", rules="30min")`.

    Raises:
        OptionError: there is no such option; frame skip, stickiness, mode and so on are what the rules say.
    """
    if unknown:
        raise OptionError(
            f"The arena's environments have no option {', '.join(unknown)}, but rules, obs_type and render_mode; "
            "one step is one emulated frame, and the rules decide the rest."
        )
    return ArenaEnv(named_rules(game, rules), obs_type=obs_type, render_mode=render_mode)


vars(make_env)["metadata"] = ArenaEnv.metadata  # where gymnasium.make looks for the render modes of a function
