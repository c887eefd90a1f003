"""What an agent's process does to itself before it looks at the agent. There is no way back.

It comes first of all in that process: filters hold for the thread that asks for them and those it starts, and numpy
starts threads as soon as it is imported. So nothing here, nor what it imports, may import `envs`.
"""

from __future__ import annotations

import os
import platform
import resource
from typing import Any

from agents.sandbox.landlock import leave_only
from agents.sandbox.limits import FILE_BYTES, OPEN_FILES, THREADS
from agents.sandbox.syscalls import LockError, die_with_parent, filter_system_calls


def lock(settings: dict[str, Any]) -> None:
    """Lock this process in.

    Args:
        settings: `memory`, `address` (bytes), `cpu` (seconds); `user`: None, or the number of the user that root
            becomes; `readable`: None in a namespace of its own, else what stays readable.

    Raises:
        LockError, OSError: the kernel refuses; then nothing of the agent may be loaded.
    """
    if len(os.listdir("/proc/self/task")) != 1:
        raise LockError("The process has threads already, which the locks wouldn't hold.")
    user = settings["user"]
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    die_with_parent()
    if settings["readable"] is not None:
        leave_only(settings["readable"])
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_DATA: settings["memory"],
        resource.RLIMIT_AS: settings["address"],
        resource.RLIMIT_FSIZE: FILE_BYTES,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    # Only since Linux 5.14 threads are counted per namespace; before, those of all the user's programs are. Without a
    # namespace they still are. New processes are impossible either way.
    if settings["readable"] is None and _kernel() >= (5, 14):
        limits[resource.RLIMIT_NPROC] = THREADS
    for what, most in limits.items():
        resource.setrlimit(what, (most, most))
    # The arena raises the lower limit with every game; the process can't.
    resource.setrlimit(resource.RLIMIT_CPU, (settings["cpu"], resource.getrlimit(resource.RLIMIT_CPU)[1]))
    filter_system_calls()


def _kernel() -> tuple[int, int]:
    numbers = platform.release().split("-")[0].split(".")
    return int(numbers[0]), int(numbers[1])
