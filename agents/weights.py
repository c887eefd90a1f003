"""Weights out of a file that somebody else made. Nothing in it is ever executed.

Two kinds of file are read:

- an agent package: a ZIP with `agent.toml` and `weights.safetensors` (a format that can only hold numbers);
- a Stable-Baselines3 zip: of its members only `policy.pth` is read, with `torch.load(weights_only=True)`. Its `data`
  holds pickles (cloudpickle), which run code when they are loaded; it is not looked at.
"""

from __future__ import annotations

import hashlib
import io
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from envs.errors import AgentError

MAX_FILE_BYTES = 256 * 2**20
MAX_WEIGHTS_BYTES = 64 * 2**20
MAX_TENSORS = 200
MAX_ELEMENTS = 16_000_000
"""Numbers in all tensors together: ten times SB3's NatureCNN."""

_DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64)


@dataclass(frozen=True, slots=True)
class Weights:
    """What was read."""

    tensors: dict[str, torch.Tensor]
    """Float32, by SB3's parameter names; shapes as they came."""
    settings: dict[str, Any]
    """`agent.toml` of a package; empty for an SB3 zip."""
    sha256: str
    """Of the whole file, in hexadecimal."""


def read_weights(path: Path) -> Weights:
    """Read the weights in `path`.

    Raises:
        AgentError: the file is not an agent, is too large, or holds anything but finite numbers.
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise AgentError(f"{path}: an agent has at most {MAX_FILE_BYTES >> 20} MiB; this file has {size >> 20}.")
        content = path.read_bytes()
    except OSError as error:
        raise AgentError(f"{path}: can't be read ({error.strerror}).") from None
    try:
        tensors, settings = _read(content)
    except AgentError as error:
        raise AgentError(f"{path}: {error}") from None
    except Exception as error:  # zipfile, torch and safetensors fail in many ways on bytes that somebody else chose
        raise AgentError(
            f"{path}: neither an agent package nor a Stable-Baselines3 zip ({type(error).__name__})."
        ) from None
    return Weights(tensors, settings, hashlib.sha256(content).hexdigest())


def _read(content: bytes) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [member.filename for member in archive.infolist()]
        if len(names) != len(set(names)):
            raise AgentError("two members of the zip have the same name.")
        if "weights.safetensors" in names and "agent.toml" in names:
            settings = tomllib.loads(_member(archive, "agent.toml", 64 * 1024).decode("utf-8"))
            tensors = safetensors.torch.load(_member(archive, "weights.safetensors", MAX_WEIGHTS_BYTES))
        elif "policy.pth" in names:
            settings = {}
            buffer = io.BytesIO(_member(archive, "policy.pth", MAX_WEIGHTS_BYTES))
            tensors = torch.load(buffer, map_location="cpu", weights_only=True)
        else:
            raise AgentError("the zip holds neither weights.safetensors with agent.toml nor policy.pth.")
    return _checked(tensors), settings


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    # Read at most one byte more than allowed: the size in a ZIP's directory is a claim.
    with archive.open(name) as member:
        content = member.read(limit + 1)
    if len(content) > limit:
        raise AgentError(f"{name} has more than {limit:,} bytes.")
    return content


def _checked(tensors: Any) -> dict[str, torch.Tensor]:
    if not isinstance(tensors, dict) or not 0 < len(tensors) <= MAX_TENSORS:
        raise AgentError(f"expected 1 to {MAX_TENSORS} named tensors.")
    total = 0
    for name, tensor in tensors.items():
        if not isinstance(name, str) or type(tensor) is not torch.Tensor:
            raise AgentError(f"expected named tensors; {str(name)[:60]!r} is a {type(tensor).__name__}.")
        if tensor.dtype not in _DTYPES or tensor.layout is not torch.strided:
            raise AgentError(f"{name[:60]!r} must be a dense tensor of floating-point numbers, not {tensor.dtype}.")
        total += tensor.numel()  # counts what the shape claims, not what the storage holds
        if total > MAX_ELEMENTS:
            raise AgentError(f"the network has more than {MAX_ELEMENTS:,} numbers.")
    checked = {name: tensor.to(torch.float32).contiguous() for name, tensor in tensors.items()}
    for name, tensor in checked.items():
        if not bool(torch.isfinite(tensor).all()):
            raise AgentError(f"{name[:60]!r} holds NaN or infinity.")
    return checked
