"""Which package may import which, and what the modules really import: read from their text, nothing is run.

`python tests/import_law.py` prints the drawing for docs/architecture.md.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
FOLDERS = ("envs", "agents", "recordings", "arena")

EVERYBODY = {"envs", "agents", "recordings", "processes", "stats"}
"""What each package of `arena` but `processes` and `stats` may import without being named."""

LAW: dict[str, set[str]] = {
    "processes": set(),
    "stats": set(),
    "engine": set(),
    "scoreboard": {"engine"},
    "ui": {"engine"},
    "html": {"scoreboard"},
    "event": {"scoreboard", "engine"},
    "diagnostics": {"engine"},
    "tournament": {"event", "scoreboard", "engine"},
    "client": {"event", "scoreboard", "engine"},
    "archive": {"tournament", "client", "event", "scoreboard", "engine"},
    "play": {"client", "ui", "diagnostics", "engine"},
    "report": {"tournament", "html", "event", "ui", "scoreboard", "engine"},
    "server": {"tournament", "html", "event", "ui", "scoreboard", "engine"},
    "kiosk": {"play", "client", "event", "ui", "scoreboard", "engine"},
    "stage": {"tournament", "ui", "event", "scoreboard", "engine"},
    "rehearsal": {"tournament", "client", "event", "scoreboard", "engine"},
}
"""What each package of `arena` may import of it. `commands` may import all of them; nobody imports `commands`."""


class Import(NamedTuple):
    importer: str
    line: int
    target: str
    """Another module of the project, or the name of a library's module."""
    in_function: bool
    for_types: bool
    """It stands under TYPE_CHECKING, and is never run."""


def module_of(path: Path, root: Path = ROOT) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))}


def room_of(module: str) -> str:
    """Return the package that a module belongs to: `kiosk` for `arena.kiosk.screens.name`, `envs` for `envs.rules`."""
    first, *rest = module.split(".")
    return rest[0] if first == "arena" and rest else first


def imports_of(module: str, source: str, modules: Collection[str] = MODULES) -> Iterator[Import]:
    """Yield everything that a module imports, also inside functions, for types only, or by name."""
    tree = ast.parse(source)
    in_function: set[ast.AST] = set()
    for_types: set[ast.AST] = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                in_function |= set(ast.walk(node))
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), body=body):
                for_types |= {inner for statement in body for inner in ast.walk(statement)}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                targets = [alias.name for alias in names]
            case ast.ImportFrom(module=str(source_module), names=names, level=0):
                full = [f"{source_module}.{alias.name}" for alias in names]
                targets = [name if name in modules else source_module for name in full]
            case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(name)), *_]):
                targets = [name]
            case _:
                continue
        for target in dict.fromkeys(targets):
            yield Import(module, node.lineno, target, node in in_function, node in for_types)


def all_imports() -> list[Import]:
    """Return the imports of every module of the project."""
    return [found for module, path in MODULES.items() for found in imports_of(module, path.read_text(encoding="utf-8"))]


def against_the_law(found: Import) -> bool:
    """Whether a module of `arena` imports a package that it must not know."""
    here, there = room_of(found.importer), room_of(found.target)
    if not found.importer.startswith("arena.") or found.target.split(".")[0] not in FOLDERS or here == there:
        return False
    if here in ("cli", "commands"):
        return there == "cli"
    if here in ("processes", "stats"):
        return found.target.startswith("arena")
    return there not in EVERYBODY | LAW[here]


def circles(edges: Mapping[str, Collection[str]]) -> list[list[str]]:
    """Return the strongly connected parts of a graph that have more than one member (Tarjan's algorithm)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in sorted(edges.get(node, ())):
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            at = stack.index(node)
            part, stack[at:] = sorted(stack[at:]), []
            if len(part) > 1:
                found.append(part)

    for node in sorted(edges):
        if node not in index:
            visit(node)
    return found


def graph(imports: Collection[Import], of: Mapping[str, str] | None = None) -> dict[str, set[str]]:
    """Return what imports what: modules, or their packages if `of` says which one each belongs to."""
    edges: dict[str, set[str]] = defaultdict(set)
    for found in imports:
        if found.target in MODULES:
            here, there = (found.importer, found.target) if of is None else (of[found.importer], of[found.target])
            if here != there:
                edges[here].add(there)
    return edges


def drawing() -> str:
    """Return the law as a Mermaid flowchart. An arrow that follows from others is left out, and so is what everybody
    may import."""
    lines = ["flowchart TD", '    cli --> commands["commands (may import all below)"]']
    reach: dict[str, set[str]] = {}

    def reached(room: str) -> set[str]:
        if room not in reach:
            reach[room] = LAW[room].union(*(reached(inner) for inner in LAW[room]))
        return reach[room]

    imported = {room for rooms in LAW.values() for room in rooms}
    lines += [f"    commands --> {room}" for room in LAW if room not in imported and LAW[room]]
    for room, allowed in LAW.items():
        direct = allowed - set[str]().union(*(reached(inner) for inner in allowed))
        lines += [f"    {room} --> {inner}" for inner in LAW if inner in direct]
    return "\n".join(lines)


if __name__ == "__main__":
    print(drawing())
