"""Writing agent packages: a ZIP with `agent.toml` and `weights.safetensors`, in half precision.

The same weights and settings give the same bytes. `agents.packages` reads them back.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from agents.networks.preprocessing import NAME, STACK
from agents.networks.torch_networks import playing_weights
from agents.packages.writing import toml, zipped
from envs.games import Game
from envs.rules import named_rules


def pack_agent(
    path: Path,
    state: Mapping[str, torch.Tensor],
    game: Game,
    *,
    name: str,
    algo: str,
    about: Mapping[str, Any],
    frame_skip: int | None = None,
) -> None:
    """Write the agent whose SB3 `policy.state_dict()` is `state` to `path`, replacing what is there.

    Args:
        about: how it was trained: texts, numbers and tables of them; for people, nothing depends on it.
        frame_skip: frames per decision; the game's own if not given.

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
        "frame_skip": frame_skip or game.frame_skip,
        "stack": STACK,
        "action_set": list(named_rules(game).action_set),
    }
    members = {
        "agent.toml": toml(settings | {"training": dict(about)}).encode(),
        "weights.safetensors": safetensors.torch.save(playing_weights(state)),
    }
    write_package(path, zipped(members))


def write_package(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that either all of it is there or what was there before.

    Raises:
        OSError: it can't be written.
    """
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
