"""The system calls that an agent's process may make, as a filter for the kernel (seccomp).

It may read what it can see, use memory, start threads, look at clocks, and talk over what is open. It can't make files,
sockets, pipes or processes, run programs, send signals to others or change its limits. Everything that isn't listed
fails with "operation not permitted".

Sources: seccomp(2), `linux/filter.h`, `linux/seccomp.h`; numbers from `asm/unistd_64.h` (x86_64) and
`asm-generic/unistd.h` (aarch64).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import signal
from dataclasses import dataclass


class LockError(Exception):
    """The kernel refuses to lock this process in; nothing of an agent may be loaded then."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The numbers of one architecture."""

    audit: int
    """`AUDIT_ARCH_...`: what the kernel says the call was made with."""
    free: tuple[int, ...]
    """Calls that are allowed whatever their arguments."""
    clone: int
    clone3: int
    prctl: int
    prlimit: int
    tgkill: int
    fcntl: int
    ioctl: int


# In this order: read write readv writev pread64 pwrite64 close fstat newfstatat stat lstat statx lseek openat open
# access faccessat faccessat2 readlink readlinkat getdents64 getcwd fadvise64 statfs fstatfs dup; mmap munmap mprotect
# madvise brk mremap; futex futex_waitv set_robust_list get_robust_list rseq set_tid_address exit exit_group
# sched_yield sched_getaffinity sched_getparam sched_getscheduler getcpu membarrier get_mempolicy; rt_sigaction
# rt_sigprocmask rt_sigreturn sigaltstack restart_syscall; getpid gettid getppid getuid geteuid getgid getegid
# getgroups; getrandom clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday times getrusage getrlimit uname
# sysinfo arch_prctl umask; poll ppoll select pselect6. What aarch64 doesn't have is left out there.
_X86_64 = Machine(
    audit=0xC000003E,
    free=(
        *(0, 1, 19, 20, 17, 18, 3, 5, 262, 4, 6, 332, 8, 257, 2, 21, 269, 439, 89, 267, 217, 79, 221, 137, 138, 32),
        *(9, 11, 10, 28, 12, 25, 202, 449, 273, 274, 334, 218, 60, 231, 24, 204, 143, 145, 309, 324, 239),
        *(13, 14, 15, 131, 219, 39, 186, 110, 102, 107, 104, 108, 115),
        *(318, 228, 229, 230, 35, 96, 100, 98, 97, 63, 99, 158, 95, 7, 271, 23, 270),
    ),
    clone=56,
    clone3=435,
    prctl=157,
    prlimit=302,
    tgkill=234,
    fcntl=72,
    ioctl=16,
)
_AARCH64 = Machine(
    audit=0xC00000B7,
    free=(
        *(63, 64, 65, 66, 67, 68, 57, 80, 79, 291, 62, 56, 48, 439, 78, 61, 17, 223, 43, 44, 23),
        *(222, 215, 226, 233, 214, 216, 98, 449, 99, 100, 293, 96, 93, 94, 124, 123, 121, 120, 168, 283, 236),
        *(134, 135, 139, 132, 128, 172, 178, 173, 174, 175, 176, 177, 158),
        *(278, 113, 114, 115, 101, 169, 153, 165, 163, 160, 179, 166, 73, 72),
    ),
    clone=220,
    clone3=435,
    prctl=167,
    prlimit=261,
    tgkill=131,
    fcntl=25,
    ioctl=29,
)
MACHINES = {"x86_64": _X86_64, "aarch64": _AARCH64}

_LOAD, _EQUAL, _SET, _RETURN = 0x20, 0x15, 0x45, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_JMP|JSET|K, BPF_RET|K
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCH, _ARGUMENT = 0, 4, 16
"""Where `struct seccomp_data` keeps them; an argument has 8 bytes, the lower half first."""

_CLONE_THREAD = 0x10000
_PRCTL = (15, 16, 0x53564D41)  # PR_SET_NAME, PR_GET_NAME, PR_SET_VMA
_FCNTL = (0, 1, 2, 3, 4, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC
_IOCTL = (0x5401, 0x5450, 0x5451)  # TCGETS, FIONCLEX, FIOCLEX

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, constant."""


def program(machine: Machine, pid: int) -> list[Instruction]:
    """Return the filter for a process with this id."""
    allow, fail = (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _FAIL | errno.EPERM)
    out: list[Instruction] = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, machine.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    for number in machine.free:
        out += [(_EQUAL, 0, 1, number), allow]
    # The C library asks for clone3 first, whose arguments can't be looked at, and then takes clone.
    out += [(_EQUAL, 0, 1, machine.clone3), (_RETURN, 0, 0, _FAIL | errno.ENOSYS)]
    out += _where(machine.clone, [(_LOAD, 0, 0, _ARGUMENT), (_SET, 0, 1, _CLONE_THREAD), allow, fail])
    for number, argument, values in (
        (machine.tgkill, 0, (pid,)),
        (machine.prctl, 0, _PRCTL),
        (machine.fcntl, 1, _FCNTL),
        (machine.ioctl, 1, _IOCTL),
    ):
        tests = [step for value in values for step in ((_EQUAL, 0, 1, value), allow)]
        out += _where(number, [(_LOAD, 0, 0, _ARGUMENT + 8 * argument), *tests, fail])
    new_limit = _ARGUMENT + 16  # a null pointer: limits are read, not set
    tests = [(_LOAD, 0, 0, new_limit), (_EQUAL, 0, 3, 0), (_LOAD, 0, 0, new_limit + 4), (_EQUAL, 0, 1, 0), allow, fail]
    out += _where(machine.prlimit, tests)
    return [*out, fail]


def _where(number: int, block: list[Instruction]) -> list[Instruction]:
    return [(_EQUAL, 0, len(block), number), *block]


class _Filter(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("filter", ctypes.POINTER(_Filter))]


_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, _PR_SET_NO_NEW_PRIVS = 1, 22, 2, 38


def forbid_new_privileges() -> None:
    """Nothing that this process runs has more rights than it has; the kernel demands it before the rest.

    Raises:
        LockError: the kernel refuses.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise LockError("The kernel refuses to take privileges away (no_new_privs).")


def die_with_parent() -> None:
    """The kernel ends this process when the one that started it has ended."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def filter_system_calls() -> None:
    """Put this process, with all its threads to come, under the filter, for good. It must be the only thread.

    Raises:
        LockError: the kernel has no seccomp, or the processor isn't one that the filter knows.
    """
    machine = MACHINES.get(platform.machine())
    if machine is None or ctypes.sizeof(ctypes.c_void_p) != 8:
        raise LockError(f"The filter of system calls knows {', '.join(MACHINES)}, not {platform.machine()}.")
    forbid_new_privileges()
    steps = program(machine, os.getpid())
    array = (_Filter * len(steps))(*(_Filter(*step) for step in steps))
    given = _Program(len(steps), array)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(given), 0, 0):
        raise LockError(f"The kernel refuses the filter of system calls ({os.strerror(ctypes.get_errno())}).")
