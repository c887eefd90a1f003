"""The bytes of an agent package: the same members give the same bytes."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from datetime import date, time
from typing import Any

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a ZIP can hold; every member gets it."""


def zipped(members: Mapping[str, bytes]) -> bytes:
    """Return the zip with these members, stored."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for member, content in members.items():
            entry = zipfile.ZipInfo(member, _EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def toml(table: Mapping[str, Any]) -> str:
    """Return `table` as TOML: plain values first, then one level of tables."""
    lines = [f"{key} = {_value(value)}" for key, value in table.items() if not isinstance(value, dict)]
    for key, inner in table.items():
        if isinstance(inner, dict):
            lines += ["", f"[{key}]"] + [f"{_key(name)} = {_value(value)}" for name, value in inner.items()]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    plain = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if plain else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(name)} = {_value(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(inner) for inner in value) + "]"
    if isinstance(value, (date, time)):
        return value.isoformat()
    # JSON's whole numbers and booleans are TOML's as well, and its texts but for one character.
    return repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
