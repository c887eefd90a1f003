"""Take the file system away from this process where namespaces can't (Landlock, Linux 5.13 and newer).

Source: landlock(7), `linux/landlock.h`.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence

from agents.sandbox.syscalls import LockError, forbid_new_privileges

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same on every architecture
_VERSION, _PATH_BENEATH = 1, 1
_READ_FILE, _READ_DIR, _EXECUTE = 1 << 2, 1 << 3, 1 << 0
_RIGHTS = {1: 1 << 13, 2: 1 << 14, 3: 1 << 15, 4: 1 << 15, 5: 1 << 16}
"""By version of Landlock: the bit above all rights on files that it knows."""


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64)]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def version() -> int:
    """Return Landlock's version here; 0 where there is none."""
    return max(0, int(ctypes.CDLL(None, use_errno=True).syscall(_CREATE, None, 0, _VERSION)))


def leave_only(paths: Sequence[str]) -> None:
    """From now on this process may read the files and beneath the folders of `paths` (those that exist), and write
    nowhere.

    Raises:
        LockError: the kernel has no Landlock, or refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    known = version()
    if not known:
        raise LockError("This kernel has no Landlock.")
    rules = _Ruleset(_RIGHTS.get(known, _RIGHTS[5]) - 1)
    ruleset = libc.syscall(_CREATE, ctypes.byref(rules), ctypes.sizeof(rules), 0)
    done = ruleset >= 0
    for path in paths:
        if not done or not os.path.exists(path):
            continue
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rights = _READ_FILE | _READ_DIR | _EXECUTE if os.path.isdir(path) else _READ_FILE
        beneath = _Beneath(rights, parent)
        done = libc.syscall(_ADD, ruleset, _PATH_BENEATH, ctypes.byref(beneath), 0) == 0
        os.close(parent)
    if done:
        forbid_new_privileges()
        done = libc.syscall(_RESTRICT, ruleset, 0) == 0
    if not done:
        raise LockError(f"The kernel refuses Landlock's rules ({os.strerror(ctypes.get_errno())}).")
    os.close(ruleset)
