"""Reading protobuf messages of strangers: only fields that a schema names, each counted before it becomes an object.

A library's parser makes an object of every message first, a hundred bytes for each two in the file, and would take a
field of which the schema says that it is there once from the last of several. Here both are refused.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agents.packages.limits import MAX_FIELDS

Schema = dict[int, "Field"]
Message = dict[str, Any]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_TEXT = 1000
_MAX_DEPTH = 20


class Malformed(Exception):
    """The message is cut short, or is not what the schema says."""


@dataclass(frozen=True, slots=True)
class Field:
    """What a field number stands for.

    `kind` is one of "int", "float", "text", "bytes" (a view of the file), "skip", "refuse", or the schema of a message.
    """

    name: str
    kind: str | Schema
    repeated: bool = False


class Budget:
    """How many fields may still be read."""

    def __init__(self, fields: int = MAX_FIELDS) -> None:
        self._left = fields

    def spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Malformed(f"it has more than {MAX_FIELDS:,} fields")


def read_message(content: memoryview, schema: Schema, budget: Budget, depth: int = 0) -> Message:
    """Return the fields of a message by name: lists for repeated ones; single ones only if they are there.

    Raises:
        Malformed: there is a field that the schema doesn't know or refuses, twice what should be there once, or the
            message is damaged.
    """
    if depth > _MAX_DEPTH:
        raise Malformed("its messages are nested too deeply")
    message: Message = {field.name: [] for field in schema.values() if field.repeated}
    for number, wire, value in _fields(content):
        budget.spend()
        field = schema.get(number)
        if field is None or field.kind == "refuse":
            raise Malformed(f"it has a field that no player needs ({field.name if field else number})")
        if field.kind == "skip":
            continue
        values = _values(field, wire, value, budget, depth)
        if field.repeated:
            message[field.name] += values
        elif field.name in message or len(values) != 1:
            raise Malformed(f"{field.name} must be there once")
        else:
            message[field.name] = values[0]
    return message


def _values(field: Field, wire: int, value: Any, budget: Budget, depth: int) -> list[Any]:
    match field.kind:
        case "int" if wire == _VARINT:
            return [_signed(value)]
        case "int" if wire == _BYTES and field.repeated:
            return list(_packed(value, budget))
        case "float" if wire == _FIXED32:
            return [struct.unpack("<f", value)[0]]
        case "float" if wire == _BYTES and field.repeated and len(value) % 4 == 0 and len(value) <= 4 * _MAX_TEXT:
            return list(struct.unpack(f"<{len(value) // 4}f", value))
        case "text" if wire == _BYTES and len(value) <= _MAX_TEXT:
            try:
                return [bytes(value).decode("utf-8")]
            except UnicodeDecodeError:
                raise Malformed(f"{field.name} is no text") from None
        case "bytes" if wire == _BYTES:
            return [value]
        case dict() as schema if wire == _BYTES:
            return [read_message(value, schema, budget, depth + 1)]
    raise Malformed(f"{field.name} is too long or of another kind")


def _fields(content: memoryview) -> Iterator[tuple[int, int, Any]]:
    """Yield number, wire type and value of each field."""
    at = 0
    while at < len(content):
        key, at = _varint(content, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value: Any
            value, at = _varint(content, at)
        else:
            if wire == _BYTES:
                length, at = _varint(content, at)
            elif wire in (_FIXED32, _FIXED64):
                length = 4 if wire == _FIXED32 else 8
            else:
                raise Malformed(f"it has a field of kind {wire}")
            if length > len(content) - at:
                raise Malformed("it is cut short")
            value = content[at : at + length]
            at += length
        yield number, wire, value


def _packed(content: memoryview, budget: Budget) -> Iterator[int]:
    at = 0
    while at < len(content):
        budget.spend()
        value, at = _varint(content, at)
        yield _signed(value)


def _varint(content: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(content):
            raise Malformed("it is cut short")
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (2**64 - 1), at
    raise Malformed("it has a number of more than ten bytes")


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value
