"""Files made to use up memory or time are refused before they can."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from agents.weights import MAX_HEADER_BYTES, MAX_MEMBERS, MAX_WEIGHTS_BYTES, read_weights
from envs.errors import AgentError

TENSORS = {"head.weight": torch.arange(8.0).reshape(2, 4), "head.bias": torch.zeros(2)}


def torch_file(content: object, change: Callable[[str, bytes], bytes] = lambda name, data: data) -> bytes:
    """What `torch.save` writes for `content`, with its members changed and deflated."""
    saved, changed = io.BytesIO(), io.BytesIO()
    torch.save(content, saved)
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return changed.getvalue()


def agent(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def with_pickle(path: Path, pickle: bytes) -> Path:
    content = torch_file({"a": 1}, lambda name, data: pickle if name.endswith("/data.pkl") else data)
    return agent(path, {"policy.pth": content})


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_packages_and_policies_are_read(tmp_path: Path, compression: int) -> None:
    packed = agent(tmp_path / "a.zip", {"agent.toml": b'name = "A"', "weights.safetensors": save(TENSORS)}, compression)
    state = torch.nn.Sequential(torch.nn.Linear(4, 2)).state_dict()  # an OrderedDict with metadata, as SB3 saves it
    plain = agent(tmp_path / "b.zip", {"policy.pth": torch_file(state)}, compression)
    parameters = {name: torch.nn.Parameter(tensor) for name, tensor in TENSORS.items()}
    assert read_weights(packed).settings == {"name": "A"}
    assert all(torch.equal(read_weights(packed).tensors[name], tensor) for name, tensor in TENSORS.items())
    assert all(torch.equal(read_weights(plain).tensors[name], tensor) for name, tensor in state.items())
    with pytest.raises(AgentError, match="is a Parameter"):
        read_weights(agent(tmp_path / "c.zip", {"policy.pth": torch_file(parameters)}))


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_kilobyte_that_unpacks_to_a_gigabyte(tmp_path: Path, compression: int) -> None:
    path = agent(tmp_path / "a.zip", {"agent.toml": bytes(10**7), "weights.safetensors": b""}, compression)
    with pytest.raises(AgentError, match=r"agent\.toml must be stored or deflated"):
        read_weights(path)


def test_a_storage_that_unpacks_to_more_than_a_network_has(tmp_path: Path) -> None:
    def swell(name: str, data: bytes) -> bytes:
        return bytes(MAX_WEIGHTS_BYTES + 1) if name.endswith("/data/0") else data

    path = agent(tmp_path / "a.zip", {"policy.pth": torch_file({"a": torch.zeros(4)}, swell)})
    assert path.stat().st_size < 10**6
    with pytest.raises(AgentError, match="data/0 has more than"):
        read_weights(path)


def test_a_header_with_a_million_tensors(tmp_path: Path) -> None:
    header = b'"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    header = b"{" + header.ljust(MAX_HEADER_BYTES) + b"}"
    content = struct.pack("<Q", len(header)) + header
    with pytest.raises(AgentError, match="the header of weights"):
        read_weights(agent(tmp_path / "a.zip", {"agent.toml": b"", "weights.safetensors": content}))


def test_more_members_than_anybody_needs(tmp_path: Path) -> None:
    path = agent(tmp_path / "a.zip", {str(i): b"" for i in range(MAX_MEMBERS + 1)})
    with pytest.raises(AgentError, match="members"):
        read_weights(path)


def test_a_key_of_thirty_thousand_parts(tmp_path: Path) -> None:
    toml = ".".join("a" * 30_000).encode() + b" = 1"
    with pytest.raises(AgentError, match="dots"):
        read_weights(agent(tmp_path / "a.zip", {"agent.toml": toml, "weights.safetensors": save(TENSORS)}))


@pytest.mark.parametrize(
    "pickle",
    [
        b"\x80\x02}X\x01\0\0\0acbuiltins\nbytearray\nJ\0\0\0\x40\x85Rs.",
        b"\x80\x02})" + b"q\1h\1\x86" * 60 + b"K\1s.",
        b"\x80\x02})" + b"q\1q\2h\2\x86" * 60 + b"K\1s.",
        b"\x80\x02})" + b"r\1\1\0\0j\1\1\0\0\x86" * 60 + b"K\1s.",
    ],
    ids=["a gigabyte", "tuples of tuples", "remembered twice", "with long numbers"],
)
def test_a_pickle_that_asks_for_memory_or_time(tmp_path: Path, pickle: bytes) -> None:
    with pytest.raises(AgentError, match="more than torch writes"):
        read_weights(with_pickle(tmp_path / "a.zip", pickle))


def test_a_name_that_is_no_text_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="one has a int for a name"):
        read_weights(agent(tmp_path / "a.zip", {"policy.pth": torch_file({1: torch.zeros(1)})}))
