"""The tensors in a file that `torch.save` wrote, without torch.

The file is a zip: `data.pkl`, a pickle that says which tensor has which name, shape and storage, and the storages'
numbers as they lie in memory. A pickle is a program. The one that torch writes for named tensors uses a few operations,
and `_Reader` can do only these: it builds texts, whole numbers, tuples, tables and descriptions of tensors. It imports
nothing and calls nothing; a name that it doesn't know ends it.
"""

from __future__ import annotations

import math
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.packages.archive import Archive
from agents.packages.limits import (
    MAX_DIMENSIONS,
    MAX_HEADER_BYTES,
    MAX_TENSOR_MEMBERS,
    MAX_TENSORS,
    MAX_WEIGHTS_BYTES,
)
from agents.packages.refusals import AgentRefused
from agents.packages.tensors import Tensors, as_float32, check_sizes, wrong_type

_STORAGES = {
    "torch FloatStorage": "<f4",
    "torch HalfStorage": "<f2",
    "torch DoubleStorage": "<f8",
    "torch BFloat16Storage": "<u2",
}
_OTHER_STORAGES = {f"torch {kind}Storage" for kind in ("Long", "Int", "Short", "Char", "Byte", "Bool")}
_TABLE = "collections OrderedDict"
_TENSOR = "torch._utils _rebuild_tensor_v2"
_KNOWN = {_TABLE, _TENSOR, *_STORAGES, *_OTHER_STORAGES}


@dataclass(frozen=True, slots=True)
class _Name:
    """Something of Python that the pickle names."""

    text: str


@dataclass(frozen=True, slots=True)
class _Storage:
    kind: str
    key: str
    count: int


@dataclass(frozen=True, slots=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_torch_file(content: bytes) -> Tensors:
    """Return the named tensors that `torch.save(module.state_dict(), file)` wrote.

    Raises:
        Refused: the file holds anything else, or is damaged, or too large.
    """
    if content[:4] != b"PK\x03\x04":
        raise AgentRefused(
            "weights-unreadable",
            "policy.pth is not a file of torch 1.6 or newer",
            hint="load it and save it again with a newer torch: PPO.load(FILE).save(NEW)",
        )
    archive = Archive(content, MAX_TENSOR_MEMBERS, stored_only=True)
    tops = {name.split("/")[0] for name in archive.names}
    top = tops.pop()
    if tops or f"{top}/data.pkl" not in archive.names:
        raise AgentRefused("weights-unreadable", "policy.pth has no data.pkl, which torch writes")
    if f"{top}/byteorder" in archive.names and archive.read(f"{top}/byteorder", 16) != b"little":
        raise AgentRefused("weights-unreadable", "policy.pth was written by a machine with another order of bytes")
    table = _Reader().read(archive.read(f"{top}/data.pkl", MAX_HEADER_BYTES))
    check_sizes((name, tensor.shape) for name, tensor in table.items())
    storages: dict[str, np.ndarray] = {}
    tensors = {}
    for name, tensor in table.items():
        if tensor.storage.kind not in _STORAGES:
            raise wrong_type(name, tensor.storage.kind.removeprefix("torch ").removesuffix("Storage"))
        key = tensor.storage.key
        if key not in storages:
            storages[key] = _numbers(archive, f"{top}/data/{key}", tensor.storage)
        tensors[name] = as_float32(name, _view(name, tensor, storages[key]))
    return tensors


def _numbers(archive: Archive, member: str, storage: _Storage) -> np.ndarray:
    if member not in archive.names:
        raise AgentRefused("weights-unreadable", f"policy.pth lacks the storage {member!r}")
    content = archive.read(member, MAX_WEIGHTS_BYTES)
    numbers = np.dtype(_STORAGES[storage.kind])
    if len(content) != storage.count * numbers.itemsize:
        raise AgentRefused("weights-unreadable", f"the storage {member!r} has not the size that policy.pth says")
    return np.frombuffer(content, numbers)


def _view(name: str, tensor: _Tensor, numbers: np.ndarray) -> np.ndarray:
    """Return the tensor within its storage, of which it may use each number once."""
    last = tensor.offset + sum((size - 1) * step for size, step in zip(tensor.shape, tensor.strides, strict=True))
    if 0 in tensor.shape:
        return np.zeros(tensor.shape, np.float32)
    if math.prod(tensor.shape) > len(numbers) or last >= len(numbers):
        raise AgentRefused("weights-stride", f"{name!r} claims more numbers than its storage of {len(numbers):,} has")
    strides = tuple(step * numbers.itemsize for step in tensor.strides)
    return np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, strides, writeable=False)


class _Reader:
    """Does what a pickle of named tensors asks for, and nothing else."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def read(self, pickle: bytes) -> dict[str, _Tensor]:
        """Return the table that `pickle` describes.

        Raises:
            Refused: it describes anything else.
        """
        try:
            for opcode, argument, _ in pickletools.genops(pickle):
                self._do(opcode.name, argument)
            (table,) = self._stack
        except AgentRefused:
            raise
        except Exception as error:  # a stack that runs empty, a text cut short, ...
            raise AgentRefused(
                "weights-unreadable", f"policy.pth's data.pkl is damaged ({type(error).__name__})"
            ) from None
        if type(table) is not dict or len(table) > MAX_TENSORS:
            raise AgentRefused(
                "weights-unreadable", f"policy.pth must hold a table of at most {MAX_TENSORS} named tensors"
            )
        for name, tensor in table.items():
            if type(tensor) is not _Tensor:
                raise AgentRefused(
                    "weights-unreadable", f"policy.pth must hold named tensors; {name[:60]!r} is something else"
                )
        return table

    def _do(self, opcode: str, argument: Any) -> None:
        stack = self._stack
        if opcode in _VALUES:
            stack.append(argument if opcode not in _CONSTANTS else _CONSTANTS[opcode]())
        elif opcode in ("BINPUT", "LONG_BINPUT"):
            self._memo[argument] = stack[-1]
        elif opcode in ("BINGET", "LONG_BINGET"):
            stack.append(self._memo[argument])
        elif opcode == "MARK":
            self._marks.append(len(stack))
        elif opcode in _TUPLES:
            stack.append(tuple(self._pop(_TUPLES[opcode])))
        elif opcode == "TUPLE":
            stack.append(tuple(self._since_mark()))
        elif opcode == "SETITEM":
            self._set(self._pop(2))
        elif opcode == "SETITEMS":
            self._set(self._since_mark())
        elif opcode == "GLOBAL":
            if argument not in _KNOWN:
                raise _code(f"names {argument[:60]!a}")
            stack.append(_Name(argument))
        elif opcode == "BINPERSID":
            stack.append(_storage(stack.pop()))
        elif opcode == "REDUCE":
            function, arguments = self._pop(2)
            stack.append(_made(function, arguments))
        elif opcode == "BUILD":
            target, _attributes = self._pop(2)  # the table's `_metadata`: versions of layers
            if type(target) is not dict:
                raise _code("sets attributes")
            stack.append(target)
        elif opcode not in ("PROTO", "FRAME", "STOP"):
            raise _code(f"does {opcode}")

    def _pop(self, count: int) -> list[Any]:
        if len(self._stack) - (self._marks[-1] if self._marks else 0) < count:
            raise IndexError
        values = self._stack[len(self._stack) - count :]
        del self._stack[len(self._stack) - count :]
        return values

    def _since_mark(self) -> list[Any]:
        start = self._marks.pop()
        values = self._stack[start:]
        del self._stack[start:]
        return values

    def _set(self, pairs: list[Any]) -> None:
        table = self._stack[-1]
        if type(table) is not dict or len(pairs) % 2:
            raise _code("fills something that is no table")
        for name, value in zip(pairs[::2], pairs[1::2], strict=True):
            if type(name) is not str:  # and not shown: who knows how long its text is
                raise AgentRefused(
                    "weights-unreadable",
                    f"policy.pth must hold named tensors; one has a {type(name).__name__} for a name",
                )
            table[name] = value


_CONSTANTS: dict[str, Callable[[], Any]] = {
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "NONE": lambda: None,
}
_VALUES = {"BINUNICODE", "SHORT_BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", *_CONSTANTS}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def _code(what: str) -> AgentRefused:
    return AgentRefused(
        "code-in-weights", f"policy.pth holds more than torch writes for named tensors: its data.pkl {what}"
    )


def _storage(value: Any) -> _Storage:
    match value:
        case ("storage", _Name(text=kind), str(key), str(), int(count)) if count >= 0 and kind not in (_TABLE, _TENSOR):
            return _Storage(kind, key, count)
    raise _code("names a storage in another way")


def _made(function: Any, arguments: Any) -> Any:
    match function, arguments:
        case _Name(text=name), () if name == _TABLE:
            return {}
        case _Name(text=name), (_Storage() as storage, int(offset), tuple(shape), tuple(strides), *_) if (
            name == _TENSOR
        ):
            numbers = (offset, *shape, *strides)
            if len(shape) != len(strides) or len(shape) > MAX_DIMENSIONS:
                raise _code("gives a tensor a shape that doesn't go with its strides")
            if not all(type(number) is int and 0 <= number < 2**48 for number in numbers):
                raise _code("gives a tensor sizes that are no counts")
            return _Tensor(storage, offset, shape, strides)
    raise _code("calls something")
