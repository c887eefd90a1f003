"""Files that a stranger might send as an agent, made to break what reads them.

Each of `ATTACKS` has the code with which it must be refused. Where a file carries a program, that would touch a file,
connect to a port and start a process: its canaries.
"""

from __future__ import annotations

import base64
import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from benchmarks.agent_files import (
    TOML,
    Members,
    onnx_model,
    onnx_package,
    package,
    sb3_zip,
    state_dict,
    tensors,
    torch_file,
    zip_of,
)

GIB = 2**30


@dataclass(frozen=True)
class Canary:
    """Where programs in the files show that they were run."""

    folder: Path
    port: int = 9

    @property
    def program(self) -> str:
        """Python that touches a file, connects to the port, and has a process touch another file."""
        return (
            "import pathlib, socket, subprocess, sys\n"
            f"pathlib.Path({str(self.folder / 'file')!r}).touch()\n"
            f"subprocess.run([sys.executable, '-c', 'import sys; open(sys.argv[1], chr(119))', "
            f"{str(self.folder / 'process')!r}])\n"
            f"socket.create_connection(('127.0.0.1', {self.port})).close()\n"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle of it runs the program when it is loaded."""
        return exec, (self.program,)


@dataclass(frozen=True)
class Attack:
    code: str
    """With which it must be refused."""
    make: Callable[[Path, Canary], None]
    """Writes it to a path."""


def _zipped(code: str, members: Callable[[Canary], Members], method: int = zipfile.ZIP_STORED) -> Attack:
    return Attack(code, lambda path, canary: _write(path, zip_of(members(canary), method)))


def _data(data: bytes, method: int = zipfile.ZIP_STORED) -> Attack:
    return _zipped("code-in-data", lambda canary: sb3_zip(data=data), method)


def _hidden(width: int) -> dict[str, np.ndarray]:
    """A hidden layer behind 8 features, before 4 actions."""
    shapes = {"mlp_extractor.policy_net.0": (width, 8), "action_net": (4, width)}
    return {f"{name}.weight": np.zeros(shape, np.float32) for name, shape in shapes.items()} | {
        f"{name}.bias": np.zeros(shape[0], np.float32) for name, shape in shapes.items()
    }


def _bytes(code: str, content: Callable[[Canary], bytes]) -> Attack:
    return Attack(code, lambda path, canary: _write(path, content(canary)))


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _settings(code: str, old: str, new: str) -> Attack:
    assert old in TOML
    return _zipped(code, lambda canary: package(TOML.replace(old, new)))


def _numbers(code: str, change: Callable[[dict[str, np.ndarray]], Any]) -> Attack:
    def members(canary: Canary) -> Members:
        changed = tensors()
        change(changed)
        return package(numbers=changed)

    return _zipped(code, members)


def _torch(code: str, change: Callable[[dict[str, Any]], Any]) -> Attack:
    def members(canary: Canary) -> Members:
        state = state_dict()
        change(state)
        return sb3_zip(torch_file(state))

    return _zipped(code, members)


def _onnx(code: str, change: Callable[[Any], Any], toml: str = "", **made: Any) -> Attack:
    def members(canary: Canary) -> Members:
        model = onnx_model(**made)
        change(model)
        return onnx_package(model, toml)

    return _zipped(code, members)


def _nothing(model: Any) -> None:
    pass


def _patched(content: bytes, *changes: tuple[bytes, int, bytes]) -> bytes:
    """Return a zip with bytes replaced at an offset from every signature."""
    patched = bytearray(content)
    for signature, offset, new in changes:
        at = patched.find(signature)
        while at >= 0:
            patched[at + offset : at + offset + len(new)] = new
            at = patched.find(signature, at + 4)
    return bytes(patched)


def _encrypted(canary: Canary) -> bytes:
    return _patched(zip_of(package()), (b"PK\x03\x04", 6, b"\x01\x00"), (b"PK\x01\x02", 8, b"\x01\x00"))


def _overlapping(canary: Canary) -> bytes:
    """A member within another one's bytes; the directory names both."""
    inner = zip_of({"weights.safetensors": safetensors.numpy.save(tensors())})
    inner_directory = _directory(inner)
    outer = zip_of({"agent.toml": TOML.encode() + b"# " + inner[:inner_directory]})
    directory = _directory(outer)
    entry = bytearray(inner[inner_directory:-22])
    entry[42:46] = struct.pack("<I", outer.index(b"PK\x03\x04", 4))
    entries = outer[directory:-22] + entry
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 2, 2, len(entries), directory, 0)
    return outer[:directory] + entries + end


def _directory(content: bytes) -> int:
    """Where a zip's directory begins."""
    return int(struct.unpack_from("<I", content, len(content) - 6)[0])


def _lying(canary: Canary) -> bytes:
    """A member of a gigabyte that claims to have a hundred bytes."""
    content = zip_of({"agent.toml": bytes(2**26)} | {"weights.safetensors": b""}, zipfile.ZIP_DEFLATED)
    small = struct.pack("<I", 100)
    return _patched(content, (b"PK\x03\x04", 22, small), (b"PK\x01\x02", 24, small))


def _link(canary: Canary) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo("agent.toml")
        entry.create_system = 3
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    return buffer.getvalue()


def _duplicates(canary: Canary) -> bytes:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in [*package().items(), ("agent.toml", b"")]:
                archive.writestr(name, content)
    return buffer.getvalue()


def _serialized(value: object) -> bytes:
    text = base64.b64encode(pickle.dumps(value)).decode()
    return json.dumps({"policy_class": {":type:": "<class 'type'>", ":serialized:": text}}).encode()


def _long_data(canary: Canary) -> Members:
    """Pickles that each are short enough, and together take half a minute to look through; packed they are tiny."""
    text = base64.b64encode(b"\x80\x04" + b"N0" * 149_000 + b"N.").decode()
    return sb3_zip(data=json.dumps({i: {":serialized:": text} for i in range(80)}).encode())


def _module(canary: Canary) -> Members:
    """A whole module instead of its tensors, as `torch.save(policy)` makes it."""
    import torch

    return sb3_zip(torch_file(torch.nn.Linear(2, 2)))


def _huge(path: Path, canary: Canary) -> None:
    with path.open("wb") as file:
        file.truncate(2 * GIB)  # a hole: it takes no space


def _deep(canary: Canary) -> Members:
    return package(TOML + "x = " + "[" * 900 + "]" * 900)


def _header(size: int, text: bytes = b"") -> bytes:
    return struct.pack("<Q", size) + text


def _external(model: Any) -> None:
    from onnx import TensorProto

    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")


def _node(model: Any, kind: str, **more: Any) -> None:
    from onnx import helper

    model.graph.node.append(helper.make_node(kind, ["logits"], ["more"], **more))


def _branch(model: Any) -> None:
    from onnx import helper

    _node(model, "If", then_branch=helper.make_graph([], "then", [], []))


def _function(model: Any) -> None:
    from onnx import helper

    model.functions.append(helper.make_function("mine", "F", ["x"], ["y"], [], [helper.make_opsetid("", 17)]))


def _many_nodes(model: Any) -> None:
    from onnx import helper

    model.graph.node.extend(helper.make_node("Relu", ["logits"], [f"r{i}"]) for i in range(3000))


def _claims(model: Any) -> None:
    model.graph.initializer[0].dims[0] = 10**12


def _raw_twice(canary: Canary) -> Members:
    content = onnx_model().SerializeToString()
    return onnx_package(content + content)  # protobuf: two messages one after the other are merged into one


def _tiny_messages(canary: Canary) -> Members:
    """Two bytes for each empty message; a parser makes an object of every one."""
    nodes = b"\x0a\x00" * 2**21
    length = len(nodes)
    varint = b""
    while length > 0x7F:
        varint, length = varint + bytes([length & 0x7F | 0x80]), length >> 7
    return onnx_package(b"\x08\x0a\x3a" + varint + bytes([length]) + nodes)


ATTACKS: dict[str, Attack] = {
    "code in data": _zipped("code-in-data", lambda canary: sb3_zip(data=pickle.dumps(canary))),
    "code in data, as SB3 writes it": _zipped("code-in-data", lambda canary: sb3_zip(data=_serialized(canary))),
    "data that takes long to read": _zipped("code-in-data", _long_data, zipfile.ZIP_DEFLATED),
    "data that is no JSON": _data(b'{"policy_kwargs": }'),
    "data in another alphabet": _data(b'{"policy_kwargs": "\xff"}'),
    "data that is a list in a table": _data(b'{"policy_kwargs": [{"normalize_images": false}]}'),
    "data that says a thing twice": _data(b'{"policy_kwargs": {"normalize_images": true, "normalize_images": false}}'),
    "data with a number of a million digits": _data(b'{"n_steps": ' + b"9" * 1_000_000 + b"}"),
    "data with a shape of a thousand digits": _data(
        b'{"observation_space": {"_shape": [' + b"9" * 1000 + b", 84, 84]}}"
    ),
    "data with a shape of texts": _data(b'{"observation_space": {"_shape": ["4", "84", "84"]}}'),
    "data with a shape that is not a number": _data(b'{"observation_space": {"_shape": [NaN, 84, 84]}}'),
    "deeply nested data": _data(b'{"policy_kwargs": ' + b"[" * 500_000 + b"]" * 500_000 + b"}"),
    "deeply nested tables in data": _data(b'{"a":' * 150_000 + b"1" + b"}" * 150_000),
    "data of ten million lists": _zipped(
        "member-too-large", lambda c: sb3_zip(data=b'{"a": [' + b"[]," * 10_000_000 + b"1]}"), zipfile.ZIP_DEFLATED
    ),
    "data of a million serialized nothings": _data(
        b"{" + b",".join(b'":serialized:": ""' for _ in range(1_000_000)) + b"}", zipfile.ZIP_DEFLATED
    ),
    "code in policy.pth": _zipped("code-in-weights", lambda c: sb3_zip(torch_file({"action_net.weight": c}))),
    "code in an old policy.pth": _zipped("weights-unreadable", lambda canary: sb3_zip(pickle.dumps(canary))),
    "a pickle instead of a zip": _bytes("not-an-agent", pickle.dumps),
    "a custom class": _zipped("code-in-weights", _module),
    "python in a zip": _zipped("holds-code", lambda c: package(player_dot_py=c.program.encode())),
    "python in a folder of a zip": _zipped("holds-code", lambda c: {**package(), "x/__init__.py": c.program.encode()}),
    "a python file": _bytes("holds-code", lambda canary: canary.program.encode()),
    "a shared library": _zipped("holds-code", lambda canary: package(ops_dot_so=b"\x7fELF")),
    "a program in front of the zip": _bytes("holds-code", lambda c: b"#!/bin/sh\nexit\n" + zip_of(package())),
    "bytes in front of the zip": _bytes("zip-damaged", lambda canary: b"P" + zip_of(package())),
    "bytes behind the zip": _bytes("zip-damaged", lambda canary: zip_of(package()) + b"more"),
    "a deflate bomb": _zipped(
        "zip-bomb", lambda canary: {**package(), "agent.toml": bytes(2**26)}, zipfile.ZIP_DEFLATED
    ),
    "a deflate bomb for weights": _zipped(
        "zip-bomb", lambda canary: {**package(), "weights.safetensors": bytes(2**27)}, zipfile.ZIP_DEFLATED
    ),
    "a bomb that lies about its size": _bytes("zip-damaged", _lying),
    "a bzip2 bomb": _zipped("zip-packing", lambda canary: package(TOML + "#" * 2**24), zipfile.ZIP_BZIP2),
    "an lzma bomb": _zipped("zip-packing", lambda canary: package(TOML + "#" * 2**22), zipfile.ZIP_LZMA),
    "overlapping members": _bytes("zip-overlap", _overlapping),
    "a name that leads out": _zipped("zip-member-name", lambda canary: {**package(), "../agent.toml": b""}),
    "an absolute name": _zipped("zip-member-name", lambda canary: {**package(), "/etc/passwd": b""}),
    "a Windows name": _zipped("zip-member-name", lambda canary: {**package(), "C:\\x.toml": b""}),
    "a name with a line break": _zipped("zip-member-name", lambda canary: {**package(), "a\nb": b""}),
    "duplicate members": _bytes("zip-duplicate", _duplicates),
    "members that differ in case": _zipped("zip-duplicate", lambda canary: {**package(), "Agent.TOML": b""}),
    "encrypted members": _bytes("zip-encrypted", _encrypted),
    "a link": _bytes("zip-link", _link),
    "a zip in a zip": _zipped("zip-nested", lambda canary: package(more_dot_zip=zip_of(package()))),
    "a zip for weights": _zipped("zip-nested", lambda c: {**package(), "weights.safetensors": zip_of(package())}),
    "a thousand members": _zipped("zip-too-many-members", lambda c: {**package()} | {str(i): b"" for i in range(1000)}),
    "a folder in the zip": _zipped("zip-folder-inside", lambda c: {f"mine/{n}": m for n, m in package().items()}),
    "an unknown member": _zipped("member-unknown", lambda canary: package(notes_dot_txt=b"hello")),
    "no weights": _zipped("member-missing", lambda canary: {"agent.toml": TOML.encode()}),
    "no settings": _zipped("member-missing", lambda canary: {"weights.safetensors": b""}),
    "an empty zip": _bytes("not-an-agent", lambda canary: zip_of({})),
    "a foreign zip": _zipped("not-an-agent", lambda canary: {"readme.txt": b"hello"}),
    "truncated": _bytes("zip-damaged", lambda canary: zip_of(package())[:-100]),
    "cut in half": _bytes("zip-damaged", lambda c: (lambda content: content[: len(content) // 2])(zip_of(package()))),
    "empty": _bytes("file-empty", lambda canary: b""),
    "two gigabytes": Attack("file-too-large", _huge),
    "a flipped byte": _bytes("zip-damaged", lambda canary: zip_of(package()).replace(b"breakout", b"breakouT")),
    "settings that are no text": _zipped("settings-unreadable", lambda c: {**package(), "agent.toml": b"\xfa\xfb"}),
    "a key of thirty thousand parts": _zipped("settings-unreadable", lambda c: package(".".join("a" * 30_000) + "=1")),
    "deeply nested settings": _zipped("settings-unreadable", _deep),
    "a number of ten thousand digits": _zipped(
        "settings-unreadable", lambda c: package(TOML + "stack = " + "9" * 10_000)
    ),
    "settings without a name": _settings("settings-wrong", 'name = "Tester"\n', ""),
    "an unknown setting": _settings("settings-wrong", "kind", "exec = 1\nkind"),
    "an unknown game": _settings("settings-wrong", "breakout", "quake"),
    "a python kind": _settings("settings-wrong", "sb3", "python"),
    "a name that reverses the page": _settings("settings-wrong", "Tester", "\u202etester"),
    "action code 18": _settings("settings-wrong", "[0, 1, 3, 4]", "[0, 1, 3, 18]"),
    "nineteen actions": _settings("settings-wrong", "[0, 1, 3, 4]", str(list(range(19)))),
    "a network with nineteen actions": _zipped(
        "actions-wrong", lambda canary: package(TOML.replace("action_set", "#"), tensors(actions=19))
    ),
    "actions of another game": _settings("actions-wrong", "[0, 1, 3, 4]", "[0, 1, 2, 5]"),
    "too few actions": _settings("actions-wrong", "[0, 1, 3, 4]", "[0, 1, 3]"),
    "the wrong stack": _zipped("stack-wrong", lambda canary: package(numbers=tensors(stack=3))),
    "another stack than it says": _settings("stack-wrong", "kind", "stack = 1\nkind"),
    "a plain zip with the wrong stack": _zipped(
        "stack-wrong", lambda canary: sb3_zip(torch_file(state_dict(tensors(stack=3))))
    ),
    "NaN": _numbers("weights-not-finite", lambda t: t["action_net.bias"].fill(np.nan)),
    "infinity": _numbers("weights-not-finite", lambda t: t["features_extractor.cnn.0.weight"].fill(np.inf)),
    "more than float32 holds": _numbers(
        "weights-not-finite", lambda t: t.update({"action_net.bias": np.full(4, 1e300)})
    ),
    "whole numbers": _numbers("weights-type", lambda t: t.update({"action_net.bias": np.zeros(4, np.int64)})),
    "a missing layer": _numbers("layer-missing", lambda t: t.pop("features_extractor.cnn.2.bias")),
    "an extra layer": _numbers("layer-unknown", lambda t: t.update({"backdoor.weight": np.zeros(3, np.float32)})),
    "half a hidden layer": _numbers(
        "layer-missing", lambda t: t.update({"mlp_extractor.policy_net.0.weight": np.zeros((8, 8), np.float32)})
    ),
    "a hidden layer that is too wide": _numbers("layer-shape", lambda t: t.update(_hidden(5000))),
    "a hidden layer of nothing": _numbers("layer-shape", lambda t: t.update(_hidden(0))),
    "a hidden layer of three dimensions": _numbers(
        "layer-shape", lambda t: t.update({"mlp_extractor.policy_net.0.weight": np.zeros((8, 8, 1), np.float32)})
    ),
    "a layer of another shape": _numbers(
        "layer-shape", lambda t: t.update({"features_extractor.cnn.0.bias": np.zeros(3, np.float32)})
    ),
    "another network": _zipped(
        "network-unknown", lambda c: package(numbers={"fc.weight": np.zeros((2, 2), np.float32)})
    ),
    "continuous actions": _numbers("network-unknown", lambda t: t.update({"log_std": np.zeros(4, np.float32)})),
    "too large a network": _numbers(
        "weights-too-large", lambda t: t.update({"x": np.zeros((16_000_001,), np.float16)})
    ),
    "no safetensors": _zipped(
        "weights-unreadable", lambda c: {**package(), "weights.safetensors": b"\x08" + bytes(20)}
    ),
    "a header of a terabyte": _zipped(
        "weights-too-large", lambda c: {**package(), "weights.safetensors": _header(2**40)}
    ),
    "a trillion numbers of stride 0": _torch(
        "weights-too-large", lambda s: s.update(x=s["action_net.bias"][:1].expand(10**12))
    ),
    "a thousand numbers of stride 0": _torch(
        "weights-stride", lambda s: s.update({"value_net.bias": s["value_net.bias"].clone().expand(1000)})
    ),
    "NaN in policy.pth": _torch("weights-not-finite", lambda s: s["action_net.bias"].fill_(float("nan"))),
    "whole numbers in policy.pth": _torch("weights-type", lambda s: s.update(x=s["action_net.bias"].long())),
    "a list in policy.pth": _torch("code-in-weights", lambda s: s.update(x=[1, 2])),
    "a number in policy.pth": _torch("weights-unreadable", lambda s: s.update(x=1)),
    "an empty policy.pth": _torch("weights-unreadable", lambda s: s.clear()),
    "a truncated policy.pth": _zipped("zip-damaged", lambda canary: sb3_zip(torch_file(state_dict())[:-100])),
    "a packed policy.pth": _zipped(
        "zip-packing", lambda c: sb3_zip(zip_of({"a/data.pkl": bytes(99)}, zipfile.ZIP_DEFLATED))
    ),
    "a foreign member in an SB3 zip": _zipped("member-unknown", lambda c: sb3_zip(**{"notes.txt": b""})),
    "ONNX without settings": _bytes("onnx-bare", lambda canary: onnx_model().SerializeToString()),
    "ONNX that is none": _zipped("onnx-unreadable", lambda canary: onnx_package(b"\x08\x0a garbage")),
    "ONNX twice": _zipped("onnx-unreadable", _raw_twice),
    "ONNX with two million messages": _zipped("onnx-unreadable", _tiny_messages),
    "ONNX with external data": _onnx("onnx-external-data", _external),
    "ONNX with a custom operator": _onnx("onnx-custom-operator", lambda m: _node(m, "Shell", domain="evil")),
    "ONNX with an unknown operator": _onnx("onnx-operator", lambda m: _node(m, "Shell")),
    "ONNX with a random operator": _onnx("onnx-operator", lambda m: _node(m, "RandomNormalLike")),
    "ONNX with a branch": _onnx("onnx-subgraph", _branch),
    "ONNX with a function": _onnx("onnx-subgraph", _function),
    "ONNX with three thousand operators": _onnx("onnx-too-large", _many_nodes),
    "ONNX that claims a trillion numbers": _onnx("onnx-too-large", _claims),
    "ONNX of the future": _onnx("onnx-version", _nothing, opset=99),
    "ONNX with NaN": _onnx("weights-not-finite", _nothing, weights=np.full((196, 4), np.nan, np.float32)),
    "ONNX with another input": _onnx("onnx-input", _nothing, shape=("batch", 3, 64, 64)),
    "ONNX with float pixels": _onnx("onnx-input", _nothing, kind=1),
    "ONNX with an unnamed output": _onnx("onnx-output", _nothing, toml='output_name = "values"\n'),
    "ONNX with nineteen actions": _onnx("actions-wrong", _nothing, actions=19),
    "ONNX with the wrong stack": _onnx("stack-wrong", _nothing, shape=("batch", 1, 84, 84)),
}


def attacks(folder: Path, canary: Canary | None = None) -> dict[str, Path]:
    """Write every attack into `folder`; return their paths by name.

    Args:
        canary: what is in those that hold code; one that writes into `folder` if not given.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for i, (name, attack) in enumerate(ATTACKS.items()):
        paths[name] = folder / f"attack-{i:03d}.zip"
        attack.make(paths[name], canary or Canary(folder))
    return paths
