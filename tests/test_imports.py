"""Imports go one way: envs <- agents, recordings <- arena <- scripts; inside arena, as the law in `import_law` says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.import_law import (
    LAW,
    ROOT,
    Import,
    against_the_law,
    all_imports,
    circles,
    drawing,
    graph,
    imports_of,
    room_of,
)
from tests.import_law import (
    MODULES as PROJECT,
)

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


# -- inside arena ----------------------------------------------------------------------------------------------------

FUNCTION_IMPORTS = 113
"""So many imports stand inside functions at most. A lower number is better; a higher one needs a better reason."""


@pytest.fixture(scope="module")
def imports() -> list[Import]:
    return all_imports()


def test_packages_import_what_the_law_allows(imports: list[Import]) -> None:
    assert [found for found in imports if against_the_law(found)] == []


def test_modules_import_in_no_circle(imports: list[Import]) -> None:
    assert circles(graph(imports)) == []


def test_packages_import_in_no_circle(imports: list[Import]) -> None:
    rooms = {module: room_of(module) for module in PROJECT}
    del rooms["arena"]
    assert circles(graph([found for found in imports if found.target != "arena"], rooms)) == []


def test_the_law_has_no_circle_and_names_every_package() -> None:
    assert circles(LAW) == []
    packages = {path.parent.name for path in (ROOT / "arena").glob("*/__init__.py")}
    assert set(LAW) == packages - {"commands"}
    assert {module for module in PROJECT if module.count(".") == 1 and module.startswith("arena.")} == {
        "arena.cli",
        "arena.commands",
        *(f"arena.{room}" for room in LAW),
    }, "modules of arena live in packages; only cli.py stands alone"


def test_the_architecture_page_shows_the_law() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert drawing() in page, "put what `python tests/import_law.py` prints into docs/architecture.md"
    described = set(re.findall(r"^\| `([a-z]+)` \|", page, re.MULTILINE))
    assert described == {*LAW, "commands"}


@pytest.mark.parametrize("package", ["commands", *LAW])
def test_every_package_says_what_it_is_for(package: str) -> None:
    assert ast.get_docstring(ast.parse((ROOT / "arena" / package / "__init__.py").read_text(encoding="utf-8")))


def test_few_imports_stand_inside_functions(imports: list[Import]) -> None:
    assert len([found for found in imports if found.in_function and not found.for_types]) <= FUNCTION_IMPORTS


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("arena.server.web.site", "from arena.kiosk import settings"),
        ("arena.stats.verdicts", "def f():\n    from arena.engine.seeds import draw"),
        ("arena.engine.match", "if TYPE_CHECKING:\n    from arena.event.folder import Event"),
        ("arena.ui.window", "importlib.import_module('arena.play.view')"),
        ("arena.kiosk.app", "from arena.commands import tables"),
        ("arena.commands.play", "import arena.cli"),
    ],
)
def test_an_arrow_against_the_law_is_found(module: str, source: str) -> None:
    assert any(against_the_law(found) for found in imports_of(module, source))


def test_circles_are_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "f": {"g"}, "g": {"f"}}) == [
        ["a", "b", "c"],
        ["f", "g"],
    ]
    assert circles({"a": {"b", "c"}, "b": {"c"}}) == []
