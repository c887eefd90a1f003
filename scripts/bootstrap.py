"""The set-up behind `scripts/demo.py` and `scripts/test.py`: a virtual environment with the pinned dependencies.

Only the standard library is used here, and these scripts parse on every Python 3, so that one which is too old gets a
sentence and no traceback.

What is written in the checkout:

    .venv/                     the environment; one that is there already is used as it is
    .venv/arena-setup.json     what the environment was set up for; written last
    .venv/arena-setup.dirty    there while something is being installed; left over by a killed set-up, and then the
                               next one starts over, because pip takes half a package for a whole one
    .venv.lock                 held by the one set-up that is at work

On Linux the package index has torch with several gigabytes of CUDA libraries, so torch is installed first and from
PyTorch's own index of CPU builds. `ARENA_TORCH_INDEX` names another index, for a mirror or for a build with CUDA.
"""

import contextlib
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036  (whoever starts a script with an older one should learn it here)
    sys.stderr.write(
        f"The arena needs Python 3.11 or newer, and this is Python {sys.version_info[0]}.{sys.version_info[1]}; "
        f"start the script with a newer one, for example `python3.12 {sys.argv[0]}`.\n"
    )
    sys.exit(2)

import tomllib
from collections.abc import Iterable, Iterator
from typing import IO, Any, NoReturn

ROOT = Path(__file__).resolve().parent.parent
WINDOWS = os.name == "nt"
DEVELOPING = "dev"
"""The extra that only who works on the arena needs; all others belong to the usual set-up."""
CPU_INDEX = "https://download.pytorch.org/whl/cpu"


SIZE = "2.5 GB"
"""Of free space. docs/benchmarks.md has what was measured."""
BEAT_SECONDS = 10.0
"""So often a step that says nothing shows that it still goes on."""


class SetupError(Exception):
    """The set-up can't go on; the text says why and what to do."""


class Checkout:
    """A checkout of the arena and its virtual environment."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self.venv = root / ".venv"
        self.python = self.program("python")
        self._stamp = self.venv / "arena-setup.json"
        self._dirty = self.venv / "arena-setup.dirty"
        self._constraints = root / "constraints.txt"

    def program(self, name: str) -> Path:
        """Return where the environment has the program `name`."""
        return self.venv / "Scripts" / f"{name}.exe" if WINDOWS else self.venv / "bin" / name

    def extras(self) -> list[str]:
        """Return the names of all optional dependencies in `pyproject.toml`."""
        text = (self.root / "pyproject.toml").read_text(encoding="utf-8")
        return sorted(tomllib.loads(text).get("project", {}).get("optional-dependencies", {}))

    def ensure(self, extras: Iterable[str] = ()) -> None:
        """Make or update the environment, unless it is current and has `extras` (pyproject's optional dependencies).

        Raises:
            SetupError: the environment can't be made, or pip failed.
        """
        wanted = set(extras)
        if self._is_current(wanted):
            return
        with _lock(self.root / ".venv.lock") as lock:
            if not self._is_current(wanted):  # another process may have done it while this one waited
                self._install(wanted, lock)

    def _is_current(self, wanted: set[str]) -> bool:
        stamp = self._read_stamp()
        return (
            stamp.get("inputs") == self._inputs()
            and wanted <= set(stamp.get("extras", ()))
            and self.python.exists()
            and not self._dirty.exists()
        )

    def _inputs(self) -> str:
        """A digest of all that decides what is installed. The path is in it because an environment can't be moved."""
        digest = hashlib.sha256(str(self.root).encode())
        for path in (self.root / "pyproject.toml", self._constraints):
            digest.update(b"\0" + path.read_bytes())
        return digest.hexdigest()

    def _read_stamp(self) -> dict[str, Any]:
        try:
            stamp = json.loads(self._stamp.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return stamp if isinstance(stamp, dict) else {}

    # -- installing ----------------------------------------------------------------------------------------------

    def _install(self, wanted: set[str], lock: IO[str]) -> None:
        started = time.monotonic()
        say(f"Setting up in {self.venv}. This takes a few minutes and {SIZE} of disk, and isn't repeated.")
        stamp = self._read_stamp()
        moved = bool(stamp) and stamp.get("root") != str(self.root)
        if self._dirty.exists() or moved or (stamp and not self.python.exists()):
            say("The environment in .venv is unfinished, moved or broken; starting over.")
            self._clear()
        self.venv.mkdir(exist_ok=True)
        self._dirty.touch()
        if not self._has_pip():
            self._make_venv()
        self._dirty.unlink()

        pip = _Pip(self.python, self.root, self._dirty, lock)
        pip.install("the build tool", self._pinned("setuptools"))
        self._install_torch(pip)
        extras = sorted(wanted | set(stamp.get("extras", ())))
        say("Installing the pinned dependencies" + (f" with the extras {', '.join(extras)}" if extras else "") + ".")
        project = str(self.root) + (f"[{','.join(extras)}]" if extras else "")
        pip.install(
            "the dependencies",
            "--constraint",
            str(self._constraints),
            "--no-build-isolation",  # the build tool is pinned and installed; so this works offline, too
            "--editable",
            project,
        )
        text = json.dumps({"inputs": self._inputs(), "extras": extras, "root": str(self.root)})
        fresh = self._stamp.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self._stamp)
        say(f"The environment is ready ({time.monotonic() - started:.0f} s). The next start skips all this.")

    def _clear(self) -> None:
        """Empty `.venv`; the mark goes last, so that an interrupted clearing is taken up again."""
        self._dirty.touch()
        for entry in self.venv.iterdir():
            if entry == self._dirty:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def _has_pip(self) -> bool:
        try:
            done = subprocess.run([str(self.python), "-m", "pip", "--version"], capture_output=True)
        except OSError:
            return False
        return done.returncode == 0

    def _make_venv(self) -> None:
        say(f"Making a virtual environment in {self.venv}.")
        command = [sys.executable, "-m", "venv", str(self.venv)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        if done.returncode != 0:
            raise SetupError(
                f"Python's venv module could not make {self.venv}:\n{_indented(done.stdout.splitlines()[-12:])}\n"
                "On Debian and Ubuntu `sudo apt-get install python3-venv` brings what is missing; then run this again."
            )

    def _install_torch(self, pip: "_Pip") -> None:
        if sys.platform != "linux":
            return  # elsewhere the package index has the CPU build, and torch is a dependency like any other
        requirement = self._pinned("torch")
        index = os.environ.get("ARENA_TORCH_INDEX", CPU_INDEX)
        say(f"Installing {requirement} from {index}{', where it comes without CUDA' if index == CPU_INDEX else ''}.")
        # pip still looks at the find-links and extra indexes it is configured with. Few retries: where the index can't
        # be reached (a firewall, a mirror), that should cost seconds. The dependencies follow with all others.
        options = ["--no-deps", "--retries", "1", "--timeout", "20"]
        if not pip.install("torch", "--index-url", index, *options, requirement, may_fail=True):
            say(f"No {requirement} from {index}; taking the package index's, which may bring CUDA (3 GB or more).")
            pip.install("torch", "--no-deps", requirement)

    def _pinned(self, name: str) -> str:
        for line in self._constraints.read_text(encoding="utf-8").splitlines():
            if line.startswith(name + "=="):
                return line.split(";")[0].strip()
        raise SetupError(f"{self._constraints} has no line `{name}==...`; restore it from the repository.")


class _Pip:
    """Runs the environment's pip, shows the larger steps, and marks the environment while it may be half-changed."""

    def __init__(self, python: Path, root: Path, dirty: Path, lock: IO[str]) -> None:
        self._command = [str(python), "-m", "pip", "install", "--progress-bar", "off", "--disable-pip-version-check"]
        self._root = root
        self._dirty = dirty
        self._lock = lock

    def install(self, what: str, *arguments: str, may_fail: bool = False) -> bool:
        """Install and return True; return False if pip failed before it changed anything, and it `may_fail`.

        Why it failed isn't asked: an index that can't be reached has many names in pip's words, and another one with
        every version and every setting of pip.

        Raises:
            SetupError: pip failed.
        """
        lines: deque[str] = deque(maxlen=20)
        began = False
        self._dirty.touch()
        # pip holds the lock, too: if this process is killed, pip may live on for a while.
        held = () if WINDOWS else (self._lock.fileno(),)
        output: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        output |= {"text": True, "encoding": "utf-8", "errors": "replace"}
        command = [*self._command, *arguments]
        process = subprocess.Popen(command, cwd=self._root, stdin=subprocess.DEVNULL, pass_fds=held, **output)
        with process, _beats():
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line.rstrip())
                began = began or line.startswith("Installing collected packages")
                _show(line)
        if process.returncode == 0 or (process.returncode > 0 and not began):
            self._dirty.unlink()  # pip failed before it changed anything: what was there still works
        if process.returncode == 0:
            return True
        if may_fail and process.returncode > 0 and not began:
            return False
        raise SetupError(
            f"pip could not install {what} (exit code {process.returncode}); its last lines:\n{_indented(lines)}\n"
            f"Check the network and the free space ({SIZE} are needed), then run this again; downloads are kept."
        )


@contextlib.contextmanager
def _beats() -> Iterator[None]:
    """Say every few seconds that it goes on, and for how long it has."""
    began, over = time.monotonic(), threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_SECONDS):
            print(f"      ... {time.monotonic() - began:.0f} s", flush=True)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _show(line: str) -> None:
    """Pass on those of pip's lines from which one sees that it gets on."""
    line = line.strip()
    if line.startswith("Installing collected") or (line.startswith("Downloading") and " MB)" in line):
        print("      " + (line if len(line) <= 100 else line[:97] + "..."), flush=True)


def _indented(lines: Iterable[str]) -> str:
    return "\n".join("    " + line for line in lines)


def say(text: str) -> None:
    print(f"==> {text}", flush=True)


# -- one set-up at a time --------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[IO[str]]:
    """Hold the lock file; the system lets go of it when the process ends, however it ends."""
    with open(path, "a", encoding="utf-8") as handle:
        if not _try_lock(handle):
            say("Another set-up is at work in this folder; waiting for it.")
            while not _try_lock(handle):
                time.sleep(0.2)
        yield handle


def _try_lock(handle: IO[str]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            handle.seek(0)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


# -- for the scripts -------------------------------------------------------------------------------------------------


def prepare(*, developing: bool = False) -> Checkout:
    """Set this checkout up, saying what happens; leave the program with a sentence where that can't be done.

    Args:
        developing: with what the checks need, too.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # pip's lines may hold letters that a Windows pipe can't take
    checkout = Checkout()
    try:
        checkout.ensure(name for name in checkout.extras() if developing or name != DEVELOPING)
    except SetupError as error:
        sys.exit(f"==> {error}")
    except OSError as error:
        sys.exit(f"==> The environment in {checkout.venv} can't be set up: {error}.")
    except KeyboardInterrupt:
        sys.stderr.write("\n==> Interrupted; run this again and it goes on from what was downloaded.\n")
        sys.exit(130)
    return checkout


def become(program: Path, *arguments: str) -> NoReturn:
    """Run `program` in place of this process and end with its exit code."""
    sys.stdout.flush()
    command = [str(program), *arguments]
    if not WINDOWS:
        os.execv(command[0], command)
    try:
        sys.exit(subprocess.call(command))  # on Windows `execv` would come back to the prompt too early
    except KeyboardInterrupt:
        sys.exit(130)
