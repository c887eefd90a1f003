"""Writing agent packages: a ZIP with `agent.toml` and `weights.safetensors`, in half precision.

The same weights and settings give the same bytes. `agents.weights` reads them back.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from agents.networks import playing_weights
from agents.preprocessing import FRAME_SKIP, NAME, STACK
from envs.games import Game
from envs.rules import named_rules

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a ZIP can hold; every member gets it."""


def pack_agent(
    path: Path, state: Mapping[str, torch.Tensor], game: Game, *, name: str, algo: str, about: Mapping[str, Any]
) -> None:
    """Write the agent whose SB3 `policy.state_dict()` is `state` to `path`, replacing what is there.

    Args:
        about: how it was trained: texts, numbers and tables of them; for people, nothing depends on it.

    Raises:
        AgentError: `state` is not that of an SB3 `CnnPolicy`.
        OSError: the file can't be written; what was there before is untouched.
    """
    settings: dict[str, Any] = {
        "name": name,
        "game": game.name,
        "algo": algo,
        "kind": "sb3",
        "preprocessing": NAME,
        "frame_skip": FRAME_SKIP,
        "stack": STACK,
        "action_set": list(named_rules(game).action_set),
    }
    members = {
        "agent.toml": _toml(settings | {"training": dict(about)}).encode(),
        "weights.safetensors": safetensors.torch.save(playing_weights(state)),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for member, content in members.items():
            entry = zipfile.ZipInfo(member, _EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(buffer.getvalue())
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _toml(table: Mapping[str, Any]) -> str:
    """Plain values first, then one level of tables."""
    lines = [f"{key} = {_value(value)}" for key, value in table.items() if not isinstance(value, dict)]
    for key, inner in table.items():
        if isinstance(inner, dict):
            lines += ["", f"[{key}]"] + [f"{name} = {_value(value)}" for name, value in inner.items()]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {_value(inner)}" for name, inner in value.items()) + "}"
    # JSON's texts, whole numbers, booleans and lists of these are TOML's as well.
    return repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=True)
