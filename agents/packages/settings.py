"""`agent.toml`: what an agent's maker says about it. docs/agent-package.md describes every line."""

from __future__ import annotations

import tomllib
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from agents.packages.architecture import ACTIVATIONS
from agents.packages.limits import MAX_BRACKETS, MAX_DOTS
from agents.packages.refusals import AgentRefused
from envs.errors import ArenaError, shown, tidy
from envs.games import find_game
from envs.names import check_name
from envs.text_files import decode_text

MAX_WRONG = 10
"""Mistakes that are named at once."""


def _name(text: str) -> str:
    try:
        return check_name(text)
    except ArenaError as error:
        raise ValueError(str(error)) from None


def _game(text: str) -> str:
    try:
        return find_game(text).name
    except ArenaError as error:
        raise ValueError(str(error)) from None


def _distinct(codes: list[Any]) -> list[Any]:
    if len(set(codes)) != len(codes):
        raise ValueError("something stands there twice")
    return codes


_PlainText = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
_GameName = Annotated[str, Field(max_length=64), AfterValidator(_game)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class OnnxSettings(_Table):
    """The table `[onnx]`: how the network is fed and what it answers."""

    layout: Literal["nchw", "nhwc"] = "nchw"
    pixels: Literal["uint8", "float", "unit"] = "uint8"
    """Bytes, float32 from 0 to 255, or float32 from 0 to 1."""
    output: Literal["logits", "probabilities", "values", "actions"] = "logits"
    """From logits and probabilities an action is drawn; of values the largest is taken; `actions` are decided already,
    whole numbers from 0 on."""
    output_name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Which of the network's outputs it is; not needed where there is one."""


class Sb3Settings(_Table):
    """The table `[sb3]`: what the weights don't tell of a network of Stable-Baselines3."""

    pixels: Literal["unit", "raw"] = "unit"
    """0 to 1, as SB3 scales them itself, or 0 to 255 (`normalize_images=False` on bytes)."""
    activation: Literal[ACTIVATIONS] | None = None  # type: ignore[valid-type]
    """Between hidden layers; SB3's own if not given: Tanh for PPO and A2C, ReLU for DQN and QR-DQN."""


class PackageSettings(_Table):
    """All of `agent.toml`, checked."""

    name: Annotated[str, AfterValidator(_name)]
    kind: Literal["sb3", "onnx"]
    author: Annotated[str, AfterValidator(_name)] | None = None
    game: _GameName | None = None
    games: Annotated[list[_GameName], Field(min_length=1, max_length=32), AfterValidator(_distinct)] | None = None
    algo: _PlainText = ""
    preprocessing: Literal["ale-native-84", "sb3-wrappers-84"] = "ale-native-84"
    frame_skip: Annotated[int, Field(ge=1, le=12)] = 4
    stack: Annotated[int, Field(ge=1, le=8)] = 4
    action_set: (
        Annotated[
            list[Annotated[int, Field(ge=0, le=17)]], Field(min_length=1, max_length=18), AfterValidator(_distinct)
        ]
        | None
    ) = None
    licence: _PlainText = ""
    training: Annotated[dict[str, Any], Field(max_length=100)] = {}
    sb3: Sb3Settings | None = None
    onnx: OnnxSettings | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> PackageSettings:
        if (self.game is None) == (self.games is None):
            raise ValueError("it takes either `game` or `games`")
        if self.onnx is not None and self.kind != "onnx":
            raise ValueError('the table [onnx] is for kind = "onnx"')
        if self.sb3 is not None and self.kind != "sb3":
            raise ValueError('the table [sb3] is for kind = "sb3"')
        return self

    @property
    def all_games(self) -> tuple[str, ...]:
        return tuple(self.games or [self.game or ""])


def read_settings(content: bytes) -> PackageSettings:
    """Return the settings in the text of an `agent.toml`.

    Raises:
        Refused: it is no TOML, or something in it is wrong or unknown; all mistakes are named at once.
    """
    table: dict[str, Any] = {}
    unreadable = ""
    try:
        text = decode_text(content)
    except ValueError as error:
        raise AgentRefused("settings-unreadable", f"agent.toml is no text: {error}") from None
    try:
        if text.count(".") > MAX_DOTS or text.count("[") + text.count("{") > MAX_BRACKETS:
            unreadable = f"agent.toml has more than {MAX_DOTS:,} dots or brackets"
        else:
            table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        unreadable = f"agent.toml is no TOML: {tidy(error, 120)}"
    except (ValueError, RecursionError):
        unreadable = "agent.toml has a number that is too long, or is nested too deeply"
    if unreadable:
        # Raised only here: Dask pickles an error with what was being handled, and can't with a RecursionError's frames.
        raise AgentRefused("settings-unreadable", unreadable)
    return check_settings(table)


def check_settings(table: dict[str, Any]) -> PackageSettings:
    """Return the settings in `table`.

    Raises:
        Refused: something is missing, unknown or wrong.
    """
    try:
        return PackageSettings.model_validate(table)
    except (ValidationError, RecursionError) as error:
        wrong = _mistakes(error)
    raise AgentRefused("settings-wrong", "agent.toml can't be used: " + wrong)  # out here for the reason given above


def _mistakes(error: ValidationError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    details = error.errors(include_url=False)
    told = [_mistake(detail) for detail in details[:MAX_WRONG]]
    return "; ".join(told) + (f"; and {len(details) - MAX_WRONG} more" if len(details) > MAX_WRONG else "")


def _mistake(detail: Any) -> str:
    place = ".".join(str(part) for part in detail["loc"] if isinstance(part, str) and "-" not in part)
    where = f"`{tidy(place, 60)}`"
    match detail["type"]:
        case "missing":
            return f"{where} is missing"
        case "extra_forbidden":
            tables: dict[str, type[_Table]] = {"onnx": OnnxSettings, "sb3": Sb3Settings}
            table = tables.get(place.split(".")[0], PackageSettings) if "." in place else PackageSettings
            known = ", ".join(table.model_fields)
            return f"{where} is not known; known are {known}"
        case "value_error" if not place:
            return tidy(detail["msg"].removeprefix("Value error, "))
        case "value_error":
            return f"{where}: {tidy(detail['msg'].removeprefix('Value error, ')).rstrip('.')}"
        case "too_long" | "string_too_long" | "too_short" | "string_too_short" as kind:
            bound = "at most" if kind.endswith("long") else "at least"
            most = detail["ctx"].get("max_length", detail["ctx"].get("min_length"))
            return f"{where} must have {bound} {most} {'characters' if kind.startswith('s') else 'entries'}"
        case "string_pattern_mismatch":
            return f"{where} must be one line of text"
        case _:
            wanted = tidy(detail["msg"]).replace("Input should be", "must be").removeprefix("Value error, ")
            return f"{where} {wanted}, not {shown(detail['input'])}"
