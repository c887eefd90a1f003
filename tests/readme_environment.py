"""The environment that the README's first command makes, without a network and in seconds: a virtual environment of its
own with exactly those of this environment's libraries that the set-up installs for everybody. What only developers
have (`dev` in pyproject.toml) can't be imported there, nor can anything that came into this environment otherwise."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tomllib
import venv
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from bootstrap import DEVELOPING, Checkout
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = "#!{python}\nimport sys\nfrom {module} import {name}\nif __name__ == '__main__':\n    sys.exit({name}())\n"


class ReadmeEnvironment:
    """Made in `folder`, which must be new."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder, symlinks=True, with_pip=False)
        self.bin = folder / "bin"
        self.python = self.bin / "python"
        self._folders: set[Path] = set()
        self.libraries = next(folder.glob("lib/python*/site-packages"))
        for one in [distribution("atari-arena"), *needed(set_up_for_everybody())]:
            self._take(one)

    def _take(self, one: Distribution) -> None:
        """Link the files of a library; they are the same files, so this costs neither space nor time."""
        for file in one.files or ():
            if ".." in file.parts:  # programs, which are made anew, and manual pages
                continue
            source, target = one.locate_file(file), self.libraries / file
            if target.parent not in self._folders:
                target.parent.mkdir(parents=True, exist_ok=True)
                self._folders.add(target.parent)
            with suppress(FileNotFoundError, FileExistsError):  # removed since; another library's, too
                _link(str(source), target)
        for entry in one.entry_points.select(group="console_scripts"):
            program = self.bin / entry.name
            program.write_text(SCRIPT.format(python=self.python, module=entry.module, name=entry.attr))
            program.chmod(program.stat().st_mode | stat.S_IXUSR)

    def variables(self, folder: Path) -> dict[str, str]:
        """Return the environment variables of somebody who has typed `source .venv/bin/activate` and works in `folder`,
        whose home is there, too."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR", "DISPLAY") if name in os.environ}
        return kept | {
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "VIRTUAL_ENV": str(self.folder),
            "HOME": str(folder),
            "OMP_NUM_THREADS": "1",
            "SDL_AUDIODRIVER": "dummy",
        }

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def set_up_for_everybody() -> list[str]:
    """Return the requirements that `scripts/demo.py` installs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [extra for extra in Checkout(ROOT).extras() if extra != DEVELOPING]
    return [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]


def needed(lines: Iterable[str]) -> Iterator[Distribution]:
    """Yield what is installed of these requirements and of all that they need in turn."""
    waiting = [(Requirement(line), "") for line in lines]
    done: set[tuple[str, str]] = set()
    while waiting:
        requirement, asked_by = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": asked_by}):
            continue
        try:
            found = distribution(requirement.name)
        except PackageNotFoundError:  # another system's, or one that pip found a better way around
            continue
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) in done:
                continue
            if not any(name == known for known, _ in done):
                yield found
            done.add((name, extra))
            waiting += [(Requirement(line), extra) for line in found.requires or ()]


def _link(source: str, target: Path) -> None:
    try:
        os.link(source, target)
    except (FileNotFoundError, FileExistsError):
        raise
    except OSError:  # another disk
        shutil.copy2(source, target)


def shows_a_window(variables: dict[str, str]) -> bool:
    """Whether the display that the environment variables name shows anything but its background."""
    search = ["xdotool", "search", "--onlyvisible", "--class", ""]
    return len(subprocess.run(search, env=variables, capture_output=True).stdout.split()) > 1
