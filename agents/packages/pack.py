"""Making agent packages: of a plain SB3 zip, of an ONNX file, or of a package whose settings shall change."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.numpy

from agents.packages.limits import MAX_FILE_BYTES
from agents.packages.onnx_file import OnnxNetwork
from agents.packages.package import (
    ONNX,
    SETTINGS,
    WEIGHTS,
    AgentPackage,
    Sb3Network,
    admit,
    admit_bytes,
)
from agents.packages.refusals import AgentRefused
from agents.packages.settings import check_settings
from agents.packages.writing import toml, zipped
from envs.errors import AgentError
from envs.games import find_game
from envs.rules import named_rules

_ALGORITHMS = {"q_net.q_net": "dqn", "quantile_net.quantile_net": "qrdqn"}
"""What the last layer's name gives away; PPO and A2C call theirs the same."""
NATIVE = "ale-native-84"
_ONNX_OPTIONS = ("layout", "pixels", "output", "output_name")


def pack(source: Path, settings: Mapping[str, Any], onnx: Mapping[str, Any]) -> AgentPackage:
    """Return the package made of `source`, admitted as anybody would admit it.

    Args:
        source: an SB3 zip, an ONNX file, or a package (zip or folder).
        settings: lines of `agent.toml` that shall stand there; the others are kept, found out or left to their default.
        onnx: the same for its table `[onnx]`.

    Raises:
        Refused: the source isn't admitted, or the settings don't fit it.
        AgentError: something has to be said that can't be found out.
    """
    if _is_onnx(source):
        table = _onnx_table(source, settings, onnx)
        members = {ONNX: _read(source)}
    else:
        package = admit(source, settings.get("stack"))
        if onnx:
            _no_onnx_options(package, onnx)
        table = _kept(package, source) | dict(settings)
        if onnx:
            table["onnx"] = table.get("onnx", {}) | dict(onnx)
        members = _network(package)
        if package.settings is None and table.get("preprocessing", NATIVE) == NATIVE:
            table = _with_frame_skip(table)
    table = _with_games(table, settings.get("games"))
    if not table.keys() & {"game", "games"}:
        raise AgentError(f"{source}: say with --game which game it was trained for.")
    text = toml(_ordered(table)).encode()
    try:
        check_settings(table)
        return admit_bytes(zipped({SETTINGS: text, **members}), "the package", source.stem)
    except AgentRefused as refused:
        raise refused.at(str(source)) from None


def _with_frame_skip(table: dict[str, Any]) -> dict[str, Any]:
    """A plain SB3 zip that sees the arena's own way was trained with the game's own frame skip, if nobody says more."""
    skips = {find_game(name).frame_skip for name in table.get("games", ())}
    return ({"frame_skip": skips.pop()} if len(skips) == 1 else {}) | table


def _with_games(table: dict[str, Any], games: list[str] | None) -> dict[str, Any]:
    if not games:
        return table
    names = [find_game(name).name for name in games]
    rest = {key: value for key, value in table.items() if key not in ("game", "games")}
    return rest | ({"game": names[0]} if len(names) == 1 else {"games": names})


def _is_onnx(source: Path) -> bool:
    return source.suffix.lower() == ".onnx" and source.is_file()


def _read(source: Path) -> bytes:
    try:
        if source.stat().st_size > MAX_FILE_BYTES:
            raise AgentRefused("file-too-large", f"an agent has at most {MAX_FILE_BYTES >> 20} MiB", str(source))
        return source.read_bytes()
    except OSError as error:
        raise AgentRefused("file-unreadable", f"it can't be read ({error.strerror})", str(source)) from None


def _onnx_table(source: Path, settings: Mapping[str, Any], onnx: Mapping[str, Any]) -> dict[str, Any]:
    missing = [f"--{name}" for name in ("pixels", "output") if name not in onnx]
    missing += ["--game"] * ("games" not in settings)
    if missing:
        raise AgentError(
            f"{source}: an ONNX file doesn't say how it is to be used; say it with {', '.join(missing)} "
            "(arena agent pack --help explains)."
        )
    return {"name": source.stem[:32]} | dict(settings) | {"kind": "onnx", "onnx": dict(onnx)}


def _no_onnx_options(package: AgentPackage, onnx: Mapping[str, Any]) -> None:
    if package.kind != "onnx":
        told = ", ".join(f"--{name.replace('_', '-')}" for name in _ONNX_OPTIONS if name in onnx)
        raise AgentError(f"{told} can be said of an ONNX network; this is one of Stable-Baselines3.")


def _kept(package: AgentPackage, source: Path) -> dict[str, Any]:
    """What is known already."""
    if package.settings is not None:
        return package.settings.model_dump(exclude_unset=True)
    assert isinstance(package.network, Sb3Network)
    architecture = package.network.architecture
    table: dict[str, Any] = {"name": package.name, "kind": "sb3", "stack": architecture.stack}
    if architecture.head in _ALGORITHMS:
        table["algo"] = _ALGORITHMS[architecture.head]
    if package.action_set:
        table["action_set"] = list(package.action_set)
    said = package.network.settings.model_dump(exclude_defaults=True)
    if said:
        table["sb3"] = said
    return table


def _network(package: AgentPackage) -> dict[str, bytes]:
    if isinstance(package.network, OnnxNetwork):
        return {ONNX: package.network.content}
    layers = package.network.architecture.layers.values()
    wanted = sorted(f"{layer}.{part}" for layer in layers for part in ("weight", "bias"))
    return {WEIGHTS: safetensors.numpy.save({name: package.network.tensors[name] for name in wanted})}


def _ordered(table: Mapping[str, Any]) -> dict[str, Any]:
    """Names first; and what a reader would otherwise have to look up: the action set, where there is one game."""
    order = ("name", "author", "licence", "game", "games", "algo", "kind")
    ordered = {name: table[name] for name in order if name in table}
    ordered |= {name: value for name, value in table.items() if name not in order}
    if "action_set" not in ordered and "game" in ordered:
        ordered["action_set"] = list(named_rules(find_game(ordered["game"])).action_set)
    return ordered
