"""Imports go one way: envs <- agents, recordings <- arena <- scripts."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ALLOWED = {
    "envs": {"envs"},
    "agents": {"agents", "envs"},
    "recordings": {"recordings", "envs"},
    "arena": {"arena", "agents", "recordings", "envs"},
    "scripts": {"scripts", "arena", "agents", "recordings", "envs"},
}
"""What the modules of each folder may import of the arena itself."""

SCRIPTS = {path.stem for path in (ROOT / "scripts").iterdir() if path.suffix == ".py" or path.is_dir()} - {
    "__pycache__"
}
"""A script is imported by its bare name."""

MODULES = [path for folder in ALLOWED for path in sorted((ROOT / folder).rglob("*.py"))]


def imported(tree: ast.AST, folder: str) -> Iterator[tuple[int, str]]:
    """Line and name of every module that is imported anywhere in the tree, also by name or for types only."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield node.lineno, alias.name
            case ast.ImportFrom(module=str(module), level=0):
                yield node.lineno, module
            case ast.ImportFrom(level=level) if level > 0:
                yield node.lineno, folder  # relative: of the same folder
            case ast.Call(func=func, args=[ast.Constant(value=str(module)), *_]):
                name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
                if name in ("import_module", "__import__", "run_module", "import_string"):
                    yield node.lineno, module


def wrong_imports(source: str, folder: str) -> list[str]:
    """What a module of `folder` with this text imports and must not."""
    found = []
    for line, module in imported(ast.parse(source), folder):
        top = module.split(".")[0]
        room = "scripts" if top in SCRIPTS else top
        if room in ALLOWED and room not in ALLOWED[folder]:
            found.append(f"line {line} imports {module}")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down_only(path: Path) -> None:
    assert wrong_imports(path.read_text(encoding="utf-8"), path.relative_to(ROOT).parts[0]) == []


@pytest.mark.parametrize(
    ("folder", "source"),
    [
        ("envs", "import agents.player"),
        ("envs", "from arena import cli"),
        ("agents", "from recordings.codec import Recording"),
        ("recordings", "def f():\n    from agents import player"),
        ("recordings", "if TYPE_CHECKING:\n    from arena.engine.match import Match"),
        ("arena", "from scripts import demo"),
        ("arena", "import bootstrap"),
        ("arena", "importlib.import_module('scripts.demo')"),
    ],
)
def test_a_wrong_import_is_found(folder: str, source: str) -> None:
    assert wrong_imports(source, folder) != []


def test_every_folder_has_modules() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in MODULES} == set(ALLOWED)
