"""Every text that stands on a player's screen comes from `strings.toml`: one file to translate."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any


def text(key: str, **values: Any) -> str:
    """Return the text of `key` ("table.name") with `values` in its braces; KeyError for a key that isn't there."""
    table, _, name = key.partition(".")
    found: str = _texts()[table][name]
    return found.format(**values)


def has_text(key: str) -> bool:
    """Whether there is a text of `key`."""
    table, _, name = key.partition(".")
    return name in _texts().get(table, {})


@cache
def _texts() -> dict[str, dict[str, str]]:
    return tomllib.loads((Path(__file__).parent / "strings.toml").read_text(encoding="utf-8"))
