"""Settings of algorithms as people write them in a TOML file, checked before anything is built from them.

Of which kind a setting is stands in the signatures of Stable-Baselines3; which numbers make sense is said here.
"""

from __future__ import annotations

import difflib
import inspect
import math
import typing
from collections.abc import Callable, Mapping
from typing import Any, Literal

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm

from envs.errors import AgentError, shown

_DECIDED = frozenset({"self", "policy", "env", "seed", "device", "_init_setup_model", "optimize_memory_usage"})
"""What the training script decides itself, besides everything that is neither a number nor true or false."""
_ABOVE_ZERO = frozenset(
    {"learning_rate", "clip_range", "clip_range_vf", "max_grad_norm", "target_kl", "adam_eps", "rms_prop_eps"}
    | {"temperature", "sharper", "soften", "reward_scale", "critic_learning_rate"}
)
_SHARES = frozenset(
    {"gamma", "gae_lambda", "critic_share", "exploration_initial_eps", "exploration_final_eps"}
    | {"steered", "steered_fraction", "prefixes"}
)
_SHARES_ABOVE_ZERO = frozenset({"tau", "exploration_fraction", "kl_fraction"})
_FROM_ZERO = frozenset({"learning_starts", "critic_steps", "opening", "verbose"})
_MOST_OF = {"envs": 4_096, "opening": 1_000}
_MOST = 10**9


def check_settings(settings: Mapping[str, Any], whose: str, *takers: Callable[..., Any], **more: Any) -> dict[str, Any]:
    """Return `settings`, with whole numbers as such where one was written as 1e5.

    Args:
        whose: what messages call them: "ppo".
        takers: the functions whose arguments they become.
        more: further settings, with `int`, `float`, `bool` or the `Literal` of their values.

    Raises:
        AgentError: one of them doesn't exist, is of the wrong kind or out of range; the sentence says what is expected.
    """
    kinds: dict[str, Any] = {}
    for taker in takers:
        hints = typing.get_type_hints(taker, localns={"VecEnv": object})  # SB3 names it for type checkers only
        kinds |= {name: kind for name, kind in hints.items() if name != "return"}
    kinds = {name: _members(kind) for name, kind in (kinds | more).items()}
    can_be_set = [name for name, kind in kinds.items() if name not in _DECIDED and kind & {int, float, bool, Literal}]
    checked = {}
    for name, value in settings.items():
        if name not in can_be_set:
            known = name in kinds or name in _DECIDED
            near = difflib.get_close_matches(name, can_be_set, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; it has {', '.join(sorted(can_be_set))}."
            raise AgentError(
                f"The settings give {whose} {_article(name)} {name!r}, which the training script decides itself: take "
                "it out, and change it in a copy of the script."
                if known
                else f"The settings give {whose} {_article(name)} {name!r}, which it does not have{hint}"
            )
        try:
            checked[name] = _one_of(more[name], value) if Literal in kinds[name] else _checked(name, value, kinds[name])
        except ValueError as error:
            raise AgentError(f"The settings give {whose} {name} = {shown(value)}; expected {error}.") from None
    return checked


def check_together(settings: Mapping[str, Any], whose: str, algorithm: type[BaseAlgorithm], *, plain: bool) -> None:
    """Raise AgentError if checked settings of `algorithm` contradict each other."""
    batch = value_of(settings, algorithm, "batch_size")
    if issubclass(algorithm, OffPolicyAlgorithm):
        room, what = value_of(settings, algorithm, "buffer_size"), "buffer_size"
    else:
        room, what = steps_per_update(settings, algorithm), "envs times n_steps"
    if batch is not None and batch > room:
        raise AgentError(f"The settings give {whose} a batch_size of {batch:,}, more than {what}, which is {room:,}.")
    if value_of(settings, algorithm, "normalize_advantage") and min(room, room if batch is None else batch) < 2:
        raise AgentError(f"The settings give {whose} one step to learn from at a time; expected two or more.")
    if issubclass(algorithm, OffPolicyAlgorithm) and settings.get("n_steps", 1) > 1 and not plain:
        raise AgentError(
            f"The settings give {whose} n_steps = {settings['n_steps']}, which the arena's replay buffer can't do; "
            "take it out, or add --plain for SB3's own."
        )
    if value_of(settings, algorithm, "use_rms_prop") and "adam_eps" in settings:
        raise AgentError(
            f"The settings give {whose} adam_eps, but use_rms_prop is on; set it to false, or take adam_eps out."
        )


def value_of(settings: Mapping[str, Any], algorithm: type[BaseAlgorithm], name: str) -> Any:
    """The setting `name`: as given, else what `algorithm` takes without it, else None."""
    parameter = inspect.signature(algorithm.__init__).parameters.get(name)
    return settings.get(name, None if parameter is None else parameter.default)


def schedule(value: Any) -> Any:
    """A number as it is; "linear 2.5e-4" as SB3's schedule from there to zero."""
    if isinstance(value, str):
        start = float(value.removeprefix("linear "))
        return lambda remaining: remaining * start
    return value


def falling(settings: Mapping[str, Any]) -> list[str]:
    """The names of the settings that fall to zero at the end of the run."""
    return [name for name, value in settings.items() if str(value).startswith("linear ")]


def steps_per_update(settings: Mapping[str, Any], algorithm: type[BaseAlgorithm]) -> int:
    """How many steps, of all games together, there are between two times of learning; a run has whole ones."""
    name = "train_freq" if issubclass(algorithm, OffPolicyAlgorithm) else "n_steps"
    return int(settings["envs"] * value_of(settings, algorithm, name))


def whole_updates(steps: int, done: int, update: int) -> int:
    """The least length of a run that is `steps` or more, has `done` behind it and goes on in updates of `update`."""
    return done + max(0, math.ceil((steps - done) / update)) * update


def _members(kind: Any) -> set[Any]:
    if typing.get_origin(kind) is Literal:
        return {Literal}
    return {typing.get_origin(member) or member for member in typing.get_args(kind) or (kind,)}


def _checked(name: str, value: Any, kind: set[Any]) -> Any:
    """Raises: ValueError with what is expected."""
    if kind & {bool}:
        if not isinstance(value, bool):
            raise ValueError("true or false")
        return value
    expected = _range(name, whole=int in kind)
    if Callable in kind and not isinstance(value, (int, float)):
        expected += ', or "linear" and such a number in quotes, as in "linear 2.5e-4"'
        number = _falling_from(value)
    else:
        number = value
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
        raise ValueError(expected)
    if int in kind:
        if number != int(number):
            raise ValueError(expected)
        number = int(number)
    if not _fits(name, number, whole=int in kind):
        raise ValueError(expected)
    return value if isinstance(value, str) else number


def _one_of(kind: Any, value: Any) -> Any:
    """Raises: ValueError with what is expected."""
    if value not in (values := typing.get_args(kind)):
        raise ValueError(f"one of {', '.join(values)}")
    return value


def _falling_from(value: Any) -> float | None:
    word, _, number = str(value).partition(" ")
    try:
        return float(number) if isinstance(value, str) and word == "linear" else None
    except ValueError:
        return None


def _fits(name: str, number: float, *, whole: bool) -> bool:
    if whole:
        low = 0 if name in _FROM_ZERO else 1
        return low <= number <= _MOST_OF.get(name, _MOST) or (name, number) == ("gradient_steps", -1)
    if name in _SHARES | _SHARES_ABOVE_ZERO:
        return 0 <= number <= 1 and (number > 0 or name in _SHARES)
    return number > 0 or (number == 0 and name not in _ABOVE_ZERO)


def _range(name: str, *, whole: bool) -> str:
    if whole:
        also = ", or -1 for as many as there were steps" * (name == "gradient_steps")
        return f"a whole number from {0 if name in _FROM_ZERO else 1} to {_MOST_OF.get(name, _MOST):,}{also}"
    if name in _SHARES | _SHARES_ABOVE_ZERO:
        return "a number from 0 to 1" if name in _SHARES else "a number above 0 and at most 1"
    return "a number above 0" if name in _ABOVE_ZERO else "a number from 0 on"


def _article(name: str) -> str:
    return "an" if name[:1] in "aeiou" else "a"
