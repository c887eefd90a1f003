"""Weights out of a file that somebody else made. Nothing in it is ever executed.

Two kinds of file are read:

- an agent package: a ZIP with `agent.toml` and `weights.safetensors` (a format that can only hold numbers);
- a Stable-Baselines3 zip: of its members only `policy.pth` is read, with `torch.load(weights_only=True)`. Its `data`
  holds pickles (cloudpickle), which run code when they are loaded; it is not looked at.
"""

from __future__ import annotations

import hashlib
import io
import pickletools
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
MAX_MEMBERS = 10_000
"""Of the zip, and of the zips within it together: Python makes an object of each before anything can be looked at."""
MAX_HEADER_BYTES = 256 * 1024
"""The names and shapes of the tensors, and the pickle that a `policy.pth` keeps them in."""
MAX_SETTINGS_BYTES = 64 * 1024
MAX_DOTS = 1000
"""Dots in `agent.toml`: reading a key of thirty thousand parts (`a.a.a...`) takes gigabytes."""
MAX_TENSORS = 200
MAX_ELEMENTS = 16_000_000
"""Numbers in all tensors together: ten times SB3's NatureCNN."""

_GLOBALS = {
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
    *(f"torch {kind}Storage" for kind in ("Float", "Half", "BFloat16", "Double", "Long")),
}
"""All that the pickle of a table of tensors names."""

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
    if content.count(b"PK\x01\x02") > MAX_MEMBERS:
        raise AgentError(f"the zip has more than {MAX_MEMBERS:,} members.")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [member.filename for member in archive.infolist()]
        if len(names) != len(set(names)):
            raise AgentError("two members of the zip have the same name.")
        if "weights.safetensors" in names and "agent.toml" in names:
            settings = _settings(_member(archive, "agent.toml", MAX_SETTINGS_BYTES))
            tensors = _safetensors(_member(archive, "weights.safetensors", MAX_WEIGHTS_BYTES))
        elif "policy.pth" in names:
            settings = {}
            tensors = _torch_tensors(_member(archive, "policy.pth", MAX_WEIGHTS_BYTES))
        else:
            raise AgentError("the zip holds neither weights.safetensors with agent.toml nor policy.pth.")
    return _checked(tensors), settings


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    # Of the packed kinds only deflate can be unpacked bit by bit: a kilobyte of bzip2 is a gigabyte at once.
    if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise AgentError(f"{name} must be stored or deflated; it was packed otherwise.")
    # Read at most one byte more than allowed: the size in a ZIP's directory is a claim.
    with archive.open(name) as member:
        content = member.read(limit + 1)
    if len(content) > limit:
        raise AgentError(f"{name} has more than {limit:,} bytes.")
    return content


def _settings(content: bytes) -> dict[str, Any]:
    text = content.decode("utf-8")
    if text.count(".") > MAX_DOTS:
        raise AgentError(f"agent.toml has more than {MAX_DOTS:,} dots.")
    return tomllib.loads(text)


def _safetensors(content: bytes) -> dict[str, torch.Tensor]:
    # The file begins with the length of its header, and every tensor named there becomes an object.
    if int.from_bytes(content[:8], "little") > MAX_HEADER_BYTES:
        raise AgentError(f"the header of weights.safetensors has more than {MAX_HEADER_BYTES:,} bytes.")
    return safetensors.torch.load(content)


def _torch_tensors(content: bytes) -> Any:
    """Return what torch has saved in a `policy.pth`, which is itself a zip: `data.pkl` and the storages of the tensors.

    Torch unpacks whatever its zip's directory claims. So it gets another zip, made of what was unpacked here.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {}
        room = MAX_WEIGHTS_BYTES
        for name in archive.namelist():
            members[name] = _member(archive, name, min(room, MAX_HEADER_BYTES) if name.endswith("/data.pkl") else room)
            room -= len(members[name])
    for name, member in members.items():
        if name.endswith("/data.pkl"):
            _check_pickle(member)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    buffer.seek(0)
    return torch.load(buffer, map_location="cpu", weights_only=True)


def _check_pickle(content: bytes) -> None:
    """Let pass what torch writes for a table of tensors, no more. What else `weights_only=True` allows can't run code,
    but it can ask for any amount of memory (a bytearray) or time (forty tuples, each holding the last one twice, take
    years to hash)."""
    top, tuples = "", set[object]()
    for opcode, argument, _ in pickletools.genops(content):
        name = opcode.name
        if name.endswith("PUT"):
            (tuples.add if "TUPLE" in top else tuples.discard)(argument)
            continue  # what was on top still is
        if (name == "GLOBAL" and argument not in _GLOBALS) or (name.endswith("GET") and argument in tuples):
            raise AgentError("policy.pth holds more than torch writes for named tensors; save the policy's state_dict.")
        top = name


def _checked(tensors: Any) -> dict[str, torch.Tensor]:
    if not isinstance(tensors, dict) or not 0 < len(tensors) <= MAX_TENSORS:
        raise AgentError(f"expected 1 to {MAX_TENSORS} named tensors.")
    total = 0
    for name, tensor in tensors.items():
        if not isinstance(name, str):  # and not shown: who knows how long its text is
            raise AgentError(f"expected named tensors; one has a {type(name).__name__} for a name.")
        if type(tensor) is not torch.Tensor:
            raise AgentError(f"expected named tensors; {name[:60]!r} is a {type(tensor).__name__}.")
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
