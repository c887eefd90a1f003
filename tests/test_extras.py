"""What needs an extra that isn't installed says so in one sentence, with the command that brings it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from arena import cli
from envs.extras import EXTRAS, install_command, require

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MISSING = "import sys; sys.modules.update(dict.fromkeys(sys.argv.pop(1).split(','))); import runpy; "
SCRIPT = MISSING + "del sys.argv[0]; sys.path[0] = 'scripts'; runpy.run_path(sys.argv[0], None, '__main__')"


@pytest.fixture
def event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An event folder, and nothing of the extras."""
    assert cli.main(["event", "init", "--event", str(tmp_path)]) == 0
    for name in EXTRAS:
        for loaded in [m for m in sys.modules if m.partition(".")[0] == name]:
            monkeypatch.delitem(sys.modules, loaded)
        monkeypatch.setitem(sys.modules, name, None)  # from now on an import of it fails
    return tmp_path


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        ("serve --event EVENT", "server"),
        ("report --event EVENT", "report"),
        ("tournament ladder --event EVENT", "report"),
        ("dataset EVENT/data --event EVENT", "dataset"),
        ("evaluate script:random --game breakout --seeds 1 --cluster tcp://127.0.0.1:9 --event EVENT", "cluster"),
        ("scoreboard --db postgresql+psycopg://ada@127.0.0.1:9/arena --event EVENT", "postgres"),
        ("demo --full --event EVENT/demo", "train,server,report,dataset"),
    ],
)
def test_a_command_names_the_extra_and_how_to_get_it(
    words: str, extra: str, event: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words.replace("EVENT", str(event)).split()) == 2
    said = capsys.readouterr().err
    assert f'-m pip install "atari-arena[{extra}]"' in said
    assert said.count("\n") == 1
    assert not (event / "demo").exists(), "nothing is begun that can't be ended"


@pytest.mark.parametrize(
    ("command", "missing"),
    [("train.py breakout --steps 64 --out RUN", "tensorboard"), ("tune.py breakout --out RUN", "optuna")],
)
def test_a_script_names_the_extra_and_how_to_get_it(command: str, missing: str, tmp_path: Path) -> None:
    words = command.replace("RUN", str(tmp_path / "run")).split()
    line = [sys.executable, "-c", SCRIPT, missing, f"scripts/{words[0]}", *words[1:]]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode in (1, 2)
    assert done.stderr.splitlines()[-1].endswith(install_command("train"))
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_an_import_that_fails_anywhere_is_explained() -> None:
    line = [
        sys.executable,
        "-c",
        MISSING
        + "from arena import cli; from arena.commands import demo; demo.run = lambda event: __import__('choix'); ",
    ]
    line[-1] += "sys.exit(cli.main(['demo']))"
    done = subprocess.run([*line, "choix"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"arena: This needs choix, which is not installed; get it with: {install_command('report')}\n"


def test_what_is_there_is_not_missed() -> None:
    require("This", *EXTRAS)
    require("This")


def test_every_library_is_in_the_extra_that_is_named() -> None:
    """And every library of an extra that isn't only for developing is known."""
    inside = {
        extra: {canonicalize_name(Requirement(line).name) for line in lines}
        for extra, lines in PROJECT["optional-dependencies"].items()
    }
    packages = packages_distributions()
    for module, extra in EXTRAS.items():
        names = {canonicalize_name(name) for name in packages[module]}
        assert names & inside[extra] or module in ("starlette", "h5py"), module
    known = {canonicalize_name(name) for module in EXTRAS for name in packages[module]}
    assert {name for extra, names in inside.items() if extra != "dev" for name in names} <= known
