"""All that a guest reads stands in one file, and all of that file is used."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from arena.kiosk.screens.consent import Question
from arena.kiosk.screens.name import WORDS
from arena.ui import palette, strings

ROOT = Path(__file__).parents[3]
TABLE = tomllib.loads((ROOT / "arena" / "ui" / "strings.toml").read_text(encoding="utf-8"))["kiosk"]
MODULES = sorted((ROOT / "arena" / "kiosk").rglob("*.py"))

MADE_UP = (
    *(f"key_{word}" for word in WORDS),
    *(f"how_{game}" for game in palette.GAME_COLOURS),
    *(name + end for question in Question.__subclasses__() for name in question.answers for end in ("", "_how")),
)
"""Keys that the code puts together."""


def literals() -> set[str]:
    """Every text in the kiosk's modules that could be a key."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in MODULES]
    texts = [n.value for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Constant)]
    return {text.removeprefix("kiosk.") for text in texts if isinstance(text, str)}


def calls() -> list[tuple[str, set[str]]]:
    """Every `text("kiosk.key", name=...)` with its names."""
    found = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "text" and node.args:
                match node.args[0]:
                    case ast.Constant(value=str(key)) if key.startswith("kiosk."):
                        found.append((key.removeprefix("kiosk."), {keyword.arg or "" for keyword in node.keywords}))
    return found


def test_every_text_is_used() -> None:
    assert sorted(set(TABLE) - literals() - set(MADE_UP)) == []


def test_every_text_that_is_put_together_is_there() -> None:
    assert sorted(set(MADE_UP) - set(TABLE)) == []


@pytest.mark.parametrize(("key", "names"), calls())
def test_every_call_names_a_text_and_fills_in_what_it_asks_for(key: str, names: set[str]) -> None:
    assert key in TABLE
    assert set(re.findall(r"{(\w+)", TABLE[key])) == names


def test_a_text_that_is_not_there_is_a_mistake() -> None:
    assert len(calls()) > 40
    with pytest.raises(KeyError):
        strings.text("kiosk.no_such_text")
    assert not strings.has_text("kiosk.no_such_text")
