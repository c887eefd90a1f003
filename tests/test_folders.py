"""Where somebody works doesn't matter: a folder of theirs that is called like one of ours is never taken for it, or is
named in one sentence; and the arena works from a wheel as it does from its checkout."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from urllib.request import urlopen

import pytest

from arena.processes import child
from tests.readme_environment import ReadmeEnvironment, shows_a_window

ROOT = Path(__file__).parent.parent
PACKAGES = ("envs", "agents", "recordings", "arena")
SOURCES = ("pyproject.toml", "README.md", "LICENSE", *PACKAGES)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of what git has, made as pip makes it."""
    folder = tmp_path_factory.mktemp("wheel")
    archive = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", *SOURCES], capture_output=True, check=True)
    for name in archive.stdout.decode().strip("\0").split("\0"):
        if (ROOT / name).is_file():  # else it has just been moved
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "source" / name).write_bytes((ROOT / name).read_bytes())
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", folder, folder / "source"], check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, readme_environment: ReadmeEnvironment) -> Path:
    """The wheel's content, in a folder that comes before the checkout on Python's path."""
    folder = wheel.parent / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_a_wheel_holds_everything_that_git_has(wheel: Path) -> None:
    tracked = subprocess.run(["git", "-C", ROOT, "ls-files", *PACKAGES], capture_output=True, text=True, check=True)
    with zipfile.ZipFile(wheel) as archive:
        missing = {name for name in tracked.stdout.splitlines() if (ROOT / name).is_file()} - {*archive.namelist()}
    assert missing == set()


def test_a_wheel_serves_plays_and_evaluates(
    installed: Path, readme_environment: ReadmeEnvironment, tmp_path: Path
) -> None:
    environment = readme_environment.variables(tmp_path) | {"PYTHONPATH": str(installed)}

    def arena(*words: str) -> str:
        done = subprocess.run(
            [readme_environment.bin / "arena", *words], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    where = [readme_environment.python, "-c", "import arena; print(arena.__file__)"]
    place = subprocess.run(where, cwd=tmp_path, env=environment, capture_output=True, text=True).stdout
    assert Path(place.strip()).is_relative_to(installed)
    played = arena("match", "space_invaders", "--player", "script:random", "--player", "script:noop", "--seeds", "1")
    assert "2 of 2 recordings" in played
    assert "Human-normalized" in arena("evaluate", "breakout-quick", "--game", "breakout", "--seeds", "1", "--sandbox")
    serve = [readme_environment.bin / "arena", "serve", "--port", "0"]
    with subprocess.Popen(serve, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = re.search(r"http://\S+", server.stdout.readline())
            assert address
            for page in ("", "live", "static/web.css", "standings"):
                with urlopen(address[0] + page) as answer:
                    assert answer.status == 200
        finally:
            server.terminate()


# -- other folders of our names ----------------------------------------------------------------------------------------


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    """A folder of somebody who has their own `arena`, which does no good."""
    for name in PACKAGES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('a strange package')\n")
    return tmp_path


def test_children_are_not_taken_in_by_the_current_folder(
    strange: Path, readme_environment: ReadmeEnvironment, display: str
) -> None:
    """The watchdog starts the stage's process, the evaluation's are spawned, the sandbox's is walled off."""
    environment = readme_environment.variables(strange) | {"DISPLAY": display}
    arena = str(readme_environment.bin / "arena")

    def run(*words: str) -> None:
        done = subprocess.run([arena, *words], cwd=strange, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    run("event", "init")
    run("evaluate", "script:noop", "--game", "space_invaders", "--seeds", "2", "--processes", "2", "--sandbox")
    code = f"from arena.processes.child import *; p = start({child.ARENA!r}, ['scoreboard'], dict(os.environ), -3); "
    code += "said = p.stdout.read(); end(p); assert 'script:noop' in said; assert p.returncode == 0"
    follows = [readme_environment.python, "-P", "-c", code]
    subprocess.run(follows, cwd=strange, env=environment, check=True)
    for words in (["stage"], ["kiosk", "--size", "1280x720"]):
        process = subprocess.Popen([arena, *words], cwd=strange, env=environment, stderr=subprocess.PIPE, text=True)
        while not shows_a_window(environment):
            time.sleep(0.05)
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
        process.terminate()
        _, errors = process.communicate()
        assert process.returncode in (0, 130), errors
        assert "strange" not in errors


@pytest.mark.parametrize("name", ["envs", "agents", "recordings"])
@pytest.mark.parametrize("regular", [True, False], ids=["package", "folder"])
def test_a_folder_beside_a_script_that_is_called_like_ours_is_named(
    name: str, regular: bool, tmp_path: Path, readme_environment: ReadmeEnvironment
) -> None:
    (tmp_path / name).mkdir()
    if regular:
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "mine.py").write_text("from arena.engine.evaluate import play_seeds\n")
    environment = readme_environment.variables(tmp_path)
    line = [readme_environment.python, tmp_path / "mine.py"]
    done = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True)
    sentence = done.stderr.splitlines()[-1]
    assert sentence.startswith(f"ImportError: {tmp_path / name} stands in the way of the arena's own package")
    assert "rename it" in sentence


def test_other_folders_beside_a_script_do_not_matter(tmp_path: Path, readme_environment: ReadmeEnvironment) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "mine.py").write_text("import arena, envs, agents, recordings\n")
    line = [readme_environment.python, tmp_path / "mine.py"]
    subprocess.run(line, cwd=tmp_path, env=readme_environment.variables(tmp_path), check=True)
