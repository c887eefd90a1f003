"""How the agent's process is walled off: which command starts it, and whether that works on this machine."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
"""Where `agents` and `envs` lie."""

_SYSTEM = ("/proc/self", "/sys/devices/system/cpu", "/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
"""What libraries ask of the system: torch loads nothing without random numbers."""

ROOT_USER_BASE = 1_500_000_000
"""Root's sandboxes run as users from here on, each as another: threads are counted per user."""


@dataclass(frozen=True, slots=True)
class IsolationBackend:
    """One way of walling off, tried in the order of `backends()`."""

    name: str
    """What a person calls it."""
    namespaces: bool
    """Whether the process is alone in namespaces of its own (bubblewrap); else Landlock takes the files away."""
    privileged: bool = False
    """Whether it is started by root, who then becomes somebody else in it."""

    def command(self, python: list[str]) -> list[str]:
        """Return the command that runs `python` behind this wall."""
        return [*_bubblewrap(self.privileged), "--", *python] if self.namespaces else python

    def settings(self, number: int) -> dict[str, Any]:
        """Return what `lockdown.lock` needs to know of it; `number` tells this machine's sandboxes apart."""
        return {
            "user": ROOT_USER_BASE + number if self.privileged else None,
            "readable": None if self.namespaces else [*_readable(), *_SYSTEM],
        }


def backends() -> list[IsolationBackend]:
    """Return the walls that could be built on this system, the best first."""
    if sys.platform != "linux":
        return []
    root = os.geteuid() == 0
    found = []
    if shutil.which("bwrap"):
        found += [IsolationBackend("bubblewrap", namespaces=True, privileged=True)] if root else []
        found += [IsolationBackend("bubblewrap", namespaces=True)]
    return [*found, IsolationBackend("Landlock and seccomp", namespaces=False)]


def python_command(job: str) -> list[str]:
    """Return the command that runs the agent's side. Nothing of the user's own settings reaches it."""
    paths = [str(ROOT), *_library_folders()]
    start = (
        f"import json, sys; sys.path[:0] = {paths!r}; job = json.loads(sys.argv[1]); "
        "from agents.sandbox.lockdown import lock; lock(job['lock']); from agents.sandbox.child import main; main(job)"
    )
    return [sys.executable, "-I", "-B", "-c", start, job]


def environment(threads: int) -> dict[str, str]:
    """Return all of the environment variables that the agent's process has."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": "/",
        "LC_ALL": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": str(threads),
        "MALLOC_ARENA_MAX": "2",
    }


def _bubblewrap(privileged: bool) -> Iterable[str]:
    yield from ("bwrap", "--die-with-parent", "--new-session", "--hostname", "sandbox", "--cap-drop", "ALL")
    if privileged:  # no user namespace, in which root would be root still, and exempt from the count of threads
        yield from ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try")
        yield from ("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")
    else:
        yield from ("--unshare-all",)
    yield from ("--ro-bind", "/usr", "/usr")
    for name in ("/bin", "/sbin", "/lib", "/lib64", "/lib32"):
        if os.path.islink(name):
            yield from ("--symlink", os.readlink(name), name)
        elif os.path.isdir(name):
            yield from ("--ro-bind", name, name)
    for name in ("/etc", "/dev", "/sys", "/sys/devices", "/sys/devices/system"):
        yield from _open_folder(name)
    yield from ("--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache", "--proc", "/proc")
    yield from ("--ro-bind-try", "/sys/devices/system/cpu", "/sys/devices/system/cpu")
    for device in ("null", "zero", "random", "urandom"):
        yield from ("--dev-bind", f"/dev/{device}", f"/dev/{device}")
    bound: set[Path] = {Path("/usr"), Path("/lib"), Path("/lib64")}
    made: set[Path] = set()
    for folder in (Path(name) for name in _readable()):
        if bound.intersection((folder, *folder.parents)):
            continue
        for parent in reversed(folder.parents[:-1]):
            if parent not in made:
                made.add(parent)
                yield from _open_folder(str(parent))
        bound.add(folder)
        yield from ("--ro-bind", os.path.realpath(folder), str(folder))
    yield from ("--remount-ro", "/", "--chdir", "/")


def _open_folder(path: str) -> tuple[str, ...]:
    """Return the words that make a folder; one that bubblewrap makes unasked can be entered only by who made it."""
    return ("--perms", "0755", "--dir", path)


def _readable() -> list[str]:
    """Return the folders with Python, its libraries and the two of the arena's packages that an agent needs."""
    ours = [str(ROOT / "agents"), str(ROOT / "envs")]
    python = [sys.prefix, sys.base_prefix, os.path.realpath(sys.base_prefix)]
    system = ["/usr", "/lib", "/lib64"]
    return list(dict.fromkeys([*python, *_library_folders(), *ours, *system]))


def _library_folders() -> list[str]:
    """Return the folders on Python's path that hold installed packages."""
    folders = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *sys.path]
    return [f for f in dict.fromkeys(folders) if f.endswith(("site-packages", "dist-packages")) and os.path.isabs(f)]
