"""The documentation tells the truth: it describes every command and option, its commands are valid, its links lead
somewhere.

A command is a line that begins with four or more spaces and `arena `. Each is parsed as the command line would parse
it. Those that look at something (`scoreboard`, `verify`, `doctor`) are run as they stand, in a folder with a small
event; of those that play, the ones with nothing but scripts are run with `--seeds 1` in place of their own.
"""

from __future__ import annotations

import re
import shlex
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer

from arena import cli

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND_LINE = ROOT / "docs" / "command-line.md"
GROUP: Any = typer.main.get_command(cli.app)


def commands_in(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if re.match(r" {4,}arena ", line)]


def links_in(text: str) -> list[str]:
    """Targets of relative links, without the place in the page."""
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target.split("#")[0] for target in targets if not re.match(r"[a-z]+:|#", target)]


def leaves(group: Any, before: str = "") -> dict[str, Any]:
    """Return every command by its name, those of groups as `agent check`."""
    found: dict[str, Any] = {}
    context = group.make_context("arena", [], resilient_parsing=True)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found |= leaves(command, f"{before}{name} ") if hasattr(command, "commands") else {before + name: command}
    return found


LEAVES = leaves(GROUP)


def parted(words: list[str]) -> tuple[str, list[str]]:
    """Return the name of the command in `words` (what follows `arena`), and its arguments."""
    count = next((count for count in (2, 1) if " ".join(words[:count]) in LEAVES), 1)
    return " ".join(words[:count]), words[count:]


COMMANDS = sorted({command for page in PAGES for command in commands_in(page.read_text(encoding="utf-8"))})


def plays_cheaply(command: str) -> bool:
    words = shlex.split(command)[1:]
    agents = [words[1]] if words[0] == "evaluate" else [b for a, b in pairwise(words) if a == "--player"]
    return words[0] in ("match", "evaluate") and "--watch" not in words and all(a.startswith("script:") for a in agents)


LOOKING = [command for command in COMMANDS if command.split()[1] in ("scoreboard", "verify", "doctor")]
PLAYING = sorted({re.sub(r" --seeds \d+", "", command) for command in COMMANDS if plays_cheaply(command)})


def section(name: str) -> str:
    """Return what docs/command-line.md says about a command."""
    text = COMMAND_LINE.read_text(encoding="utf-8")
    found = re.search(rf"^## `arena {name}`.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"docs/command-line.md has no section `arena {name}`"
    return found.group()


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_every_command_and_option_is_described(name: str) -> None:
    text = section(name)
    options = [option for parameter in LEAVES[name].params for option in parameter.opts if option.startswith("--")]
    missing = [option for option in options if f"`{option}" not in text]
    assert missing == []
    described = set(re.findall(r"^\| `(--[a-z0-9-]+)", text, re.MULTILINE))
    assert described == set(options)
    assert commands_in(text), "an example is missing"


def test_nothing_else_is_described() -> None:
    text = COMMAND_LINE.read_text(encoding="utf-8")
    assert set(re.findall(r"^## `arena ([a-z -]+)`", text, re.MULTILINE)) == set(LEAVES)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_in_the_documentation_are_valid(command: str) -> None:
    name, words = parted(shlex.split(command)[1:])
    assert name in LEAVES, f"there is no arena {name}"
    try:
        LEAVES[name].make_context(f"arena {name}", words)
    except typer.Exit:  # --help
        pass
    except typer.TyperException as error:
        pytest.fail(f"{command}: {error}")


def test_a_wrong_command_would_be_found() -> None:
    with pytest.raises(typer.TyperException):
        LEAVES["match"].make_context("arena match", ["breakout", "--players", "script:random"])


@pytest.fixture(scope="module")
def small_event(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    command = ["evaluate", "script:random", "--game", "breakout", "--seeds", "1", "--event", str(folder / "event")]
    assert cli.main(command) == 0
    return folder


@pytest.mark.parametrize("command", [*LOOKING, *(f"{command} --seeds 1" for command in PLAYING)])
def test_commands_in_the_documentation_do_what_they_should(
    command: str, small_event: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(small_event, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ARENA_EVENT", raising=False)
    assert cli.main(shlex.split(command)[1:]) == 0
    assert capsys.readouterr().out


def test_what_is_run_is_not_nothing() -> None:
    assert {command.split()[1] for command in LOOKING} == {"scoreboard", "verify", "doctor"}
    assert {command.split()[1] for command in PLAYING} == {"match", "evaluate"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    missing = [link for link in links_in(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert missing == []


def test_links_are_found() -> None:
    assert links_in("[a](b.md#c) [d](https://e) ![f](g/h.png) [i](#j)") == ["b.md", "g/h.png"]
