"""The set-up, run for real: the true scripts, `venv` and pip, on a small checkout with a package index of its own.

The small project is called `toy`, installs a program `arena` that prints its arguments, and depends on a torch that
weighs nothing. Its index and the index of CPU builds are folders; no network is used.
"""

from __future__ import annotations

import ast
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"
LINUX = sys.platform == "linux"

BACKEND = '''
"""A build backend without dependencies, which stops half-way as long as there is a file `hang`."""
import pathlib, time, zipfile

NAME = "toy-1.0-py3-none-any.whl"
METADATA = "Metadata-Version: 2.1\\nName: toy\\nVersion: 1.0\\nRequires-Dist: torch\\nProvides-Extra: dev\\n"
METADATA += "Requires-Dist: tool; extra == 'dev'\\n"
METADATA += "Provides-Extra: train\\nRequires-Dist: curves; extra == 'train'\\n"

def prepare_metadata_for_build_editable(directory, config_settings=None):
    folder = pathlib.Path(directory, "toy-1.0.dist-info")
    folder.mkdir()
    (folder / "METADATA").write_text(METADATA)
    return folder.name

def build_editable(directory, config_settings=None, metadata_directory=None):
    while pathlib.Path("hang").exists():
        pathlib.Path("hanging").touch()
        time.sleep(0.05)
    with zipfile.ZipFile(pathlib.Path(directory, NAME), "w") as wheel:
        wheel.writestr("toy.py", "import sys\\ndef main(): print('arena got', *sys.argv[1:]); sys.exit(7)\\n")
        wheel.writestr("toy-1.0.dist-info/METADATA", METADATA)
        wheel.writestr("toy-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("toy-1.0.dist-info/entry_points.txt", "[console_scripts]\\narena = toy:main\\n")
        wheel.writestr("toy-1.0.dist-info/RECORD", "")
    return NAME
'''


class Toy:
    """A small checkout and the indexes it is installed from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "a checkout"  # with a space
        self.venv = self.root / ".venv"
        (self.root / "scripts").mkdir(parents=True)
        for script in SCRIPTS.glob("*.py"):
            shutil.copy(script, self.root / "scripts")
        (self.root / "backend.py").write_text(BACKEND)
        (self.root / "pyproject.toml").write_text(
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
            '[project.optional-dependencies]\ndev = ["tool"]\ntrain = ["curves"]\n'
        )
        self.environment = {
            "PIP_INDEX_URL": (self.folder / "index").as_uri(),
            "ARENA_TORCH_INDEX": (self.folder / "cpu").as_uri(),
            "PIP_CONFIG_FILE": os.devnull,
            "HOME": str(self.folder),
            **{name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TEMP", "USERPROFILE") if name in os.environ},
        }
        self.pin("torch==2.13.0", "setuptools==84.2.1", "tool==1.0", "curves==1.0")
        self.publish("index", "torch", "2.13.0", "cuda")
        self.publish("index", "setuptools", "84.2.1")
        self.publish("index", "tool", "1.0")
        self.publish("index", "curves", "1.0")
        self.publish("cpu", "torch", "2.13.0+cpu")

    def pin(self, *lines: str) -> None:
        (self.root / "constraints.txt").write_text("\n".join(lines) + "\n")

    def pins(self) -> list[str]:
        return (self.root / "constraints.txt").read_text().splitlines()

    def publish(self, index: str, name: str, version: str, says: str = "") -> None:
        """Put a wheel into an index, with one module that is called like the package."""
        folder = self.folder / index / name
        folder.mkdir(parents=True, exist_ok=True)
        file = f"{name}-{version}-py3-none-any.whl"
        info = f"{name}-{version}.dist-info"
        with zipfile.ZipFile(folder / file, "w") as wheel:
            wheel.writestr(f"{name}.py", f"says = {says!r}\n")
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
        links = [f'<a href="{wheel.name}">{wheel.name}</a>' for wheel in folder.glob("*.whl")]
        (folder / "index.html").write_text("\n".join(links))

    def start(self, *arguments: str, script: str = "demo") -> subprocess.Popen[str]:
        """Run the checkout's `scripts/demo.py` from another folder."""
        return subprocess.Popen(
            [sys.executable, str(self.root / "scripts" / f"{script}.py"), *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Exit code and output of `scripts/demo.py`."""
        process = self.start(*arguments)
        output, _ = process.communicate()
        return process.returncode, output

    def ensure(self, *, developing: bool = False) -> str:
        """Set up, with `developing` as `scripts/test.py` does, and return the output."""
        text = f"import bootstrap; bootstrap.prepare(developing={developing})"
        (self.root / "scripts" / "set_up.py").write_text(text)
        process = self.start(script="set_up")
        output, _ = process.communicate()
        assert process.returncode == 0, output
        return output

    def imports(self, statement: str) -> str:
        """What the environment's Python prints after `statement`."""
        python = self.venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        return subprocess.run([python, "-c", statement], capture_output=True, text=True).stdout.strip()

    def installed(self, name: str) -> str:
        return self.imports(f"import importlib.metadata as m; print(m.version({name!r}))")


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(tmp_path)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """One that is set up already; a test that changes the pins puts them back."""
    toy = Toy(tmp_path_factory.mktemp("ready"))
    toy.ensure()
    return toy


def test_first_start_says_what_it_does_and_runs_the_program(toy: Toy) -> None:
    code, output = toy.run("--games", "breakout", "a b")
    assert code == 7, output  # the program's own exit code
    assert output.splitlines()[-1] == "arena got demo --games breakout a b"
    for step in ("Making a virtual environment", "Installing the pinned", "is ready"):
        assert step in output
    if LINUX:
        assert "Installing torch==2.13.0 from" in output
        assert toy.installed("torch") == "2.13.0+cpu"


def test_next_start_does_nothing(ready: Toy) -> None:
    assert ready.run("again") == (7, "arena got demo again\n")


def test_extras_and_new_pins_are_added(ready: Toy) -> None:
    pins = ready.pins()
    assert ready.installed("curves") == "1.0", "what participants need is there from the first"
    assert ready.installed("tool") == ""
    assert "with the extras dev, train" in ready.ensure(developing=True)
    assert ready.installed("tool") == "1.0"
    assert ready.run() == (7, "arena got demo\n")  # more than it needs is fine
    assert ready.ensure(developing=True) == ""

    ready.publish("index", "tool", "2.0")
    ready.pin("torch==2.13.0", "setuptools==84.2.1", "tool==2.0", "curves==1.0")
    assert "with the extras dev, train" in ready.run()[1]  # what was asked for once is kept current
    assert ready.installed("tool") == "2.0"
    ready.pin(*pins)
    ready.ensure()


def test_failed_pip_says_why_and_leaves_what_was_there(ready: Toy) -> None:
    pins = ready.pins()
    ready.pin("torch==2.13.0", "setuptools==99.0")
    code, output = ready.run()
    assert code == 1
    assert "pip could not install the build tool" in output
    assert "No matching distribution found for setuptools==99.0" in output
    assert "(2.5 GB are needed), then run this again" in output
    assert "Traceback" not in output

    ready.pin(*pins)
    assert ready.run() == (7, "arena got demo\n")


@pytest.mark.skipif(not LINUX, reason="only on Linux does the package index have torch with CUDA")
def test_torch_comes_from_the_package_index_where_the_cpu_index_cannot_be_had(toy: Toy) -> None:
    shutil.rmtree(toy.folder / "cpu")
    code, output = toy.run()
    assert code == 7, output
    assert "taking the package index's" in output
    assert toy.imports("import torch; print(torch.says)") == "cuda"


@pytest.mark.skipif(not LINUX, reason="only on Linux does the package index have torch with CUDA")
@pytest.mark.parametrize(
    ("index", "constraint"),
    [
        ("http://127.0.0.1:9/", "torch<=2.14.1"),  # nothing listens; pip: ResolutionImpossible
        ("http://127.0.0.1:9/", "tool>=1"),  # pip: No matching distribution found
        ("no-such-scheme://x/", "torch<=2.14.1"),
    ],
)
def test_torch_comes_from_the_package_index_whatever_pip_says(toy: Toy, index: str, constraint: str) -> None:
    """As in companies: a mirror and a constraints file in pip's settings, and no way to PyTorch's index."""
    (toy.folder / "company.txt").write_text(constraint + "\n")
    (toy.folder / "pip.conf").write_text(f"[global]\nconstraint = {toy.folder / 'company.txt'}\n")
    toy.environment |= {"ARENA_TORCH_INDEX": index, "PIP_CONFIG_FILE": str(toy.folder / "pip.conf")}
    code, output = toy.run()
    assert code == 7, output
    assert "taking the package index's" in output
    assert toy.imports("import torch; print(torch.says)") == "cuda"


@pytest.mark.skipif(os.name == "nt", reason="kills a process group")
def test_killed_or_moved_set_up_is_made_anew(toy: Toy) -> None:
    (toy.root / "hang").touch()
    process = toy.start()
    while not (toy.root / "hanging").exists():
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    (toy.root / "hang").unlink()
    # What a kill in the middle of unpacking leaves: pip thinks it is installed, and it can't be imported.
    [module] = toy.venv.glob("lib/*/site-packages/torch.py")
    module.unlink()

    code, output = toy.run()
    assert code == 7, output
    assert "starting over" in output
    assert toy.imports("import torch; print(torch.says == '')") == "True"
    assert toy.run() == (7, "arena got demo\n")

    toy.root = toy.root.rename(toy.folder / "moved")
    toy.venv = toy.root / ".venv"
    code, output = toy.run()
    assert code == 7, output
    assert "starting over" in output


def test_two_at_once_install_once(toy: Toy) -> None:
    both = [toy.start("first"), toy.start("second")]
    outputs = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [7, 7], outputs
    assert sum("Making a virtual environment" in output for output in outputs) == 1
    assert sum("waiting for it" in output for output in outputs) == 1


def test_environment_that_is_there_is_used(toy: Toy) -> None:
    """Somebody's own environment, even one without pip (as uv makes them), is completed and never emptied."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", toy.venv], check=True)
    (toy.venv / "mine.txt").touch()
    code, output = toy.run()
    assert code == 7, output
    assert (toy.venv / "mine.txt").exists()


@pytest.mark.parametrize("script", ["demo", "test"])
def test_old_python_gets_one_sentence(script: str) -> None:
    """Under a pretended version: what is checked is that the script comes as far as its own check, and its words."""
    pretend = f"import runpy, sys; sys.version_info = (3, 8, 1); sys.path.insert(0, {str(SCRIPTS)!r}); "
    pretend += (
        f"sys.argv = ['scripts/{script}.py']; runpy.run_path({str(SCRIPTS / script) + '.py'!r}, None, '__main__')"
    )
    done = subprocess.run([sys.executable, "-c", pretend], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "needs Python 3.11 or newer, and this is Python 3.8" in done.stderr


@pytest.mark.parametrize("script", ["train", "tune"])
def test_who_forgets_to_activate_gets_one_sentence(script: str, tmp_path: Path) -> None:
    """In an environment without any library, such as the system's."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path], check=True)
    python = tmp_path / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = subprocess.run([python, SCRIPTS / f"{script}.py", "breakout"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "activate` first" in done.stderr


@pytest.mark.parametrize("script", ["bootstrap", "demo", "test"])
def test_scripts_parse_on_old_pythons(script: str) -> None:
    ast.parse((SCRIPTS / f"{script}.py").read_text(encoding="utf-8"), feature_version=(3, 6))
