"""All that the hall reads stands in one file, and all of that table is used."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TABLE = tomllib.loads((ROOT / "arena" / "ui" / "strings.toml").read_text(encoding="utf-8"))["stage"]
MODULES = sorted((ROOT / "arena" / "stage").glob("*.py"))
MADE_UP = {f"key_{key}" for key in ("pause", "next", "back", "leave")} | {"champion", "champions"}
"""Keys that the code puts together."""


def keys() -> set[str]:
    """Every key that stands in the modules."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in MODULES]
    texts = [n.value for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Constant)]
    return {text.removeprefix("stage.") for text in texts if isinstance(text, str) and text.startswith("stage.")}


def calls() -> list[tuple[str, set[str]]]:
    """Every `text("stage.key", name=...)` with its names."""
    found = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "text" and node.args:
                match node.args[0]:
                    case ast.Constant(value=str(key)) if key.startswith("stage."):
                        found.append((key.removeprefix("stage."), {keyword.arg or "" for keyword in node.keywords}))
    return found


def test_every_text_is_used_and_there() -> None:
    assert sorted(set(TABLE) ^ (keys() - {"json", "", "key_"} | MADE_UP)) == []


@pytest.mark.parametrize(("key", "names"), calls())
def test_every_call_fills_in_what_its_text_asks_for(key: str, names: set[str]) -> None:
    assert set(re.findall(r"{(\w+)", TABLE[key])) == names


def test_there_are_texts() -> None:
    assert len(calls()) > 30
