"""What the processes that work for another one have in common."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def deaf_to_ctrl_c() -> Iterator[None]:
    """Start processes inside, and they never hear Ctrl-C, which the terminal sends to all: their parent ends them.

    A process inherits which signals are blocked. Where that can't be (Windows), `ignore_ctrl_c` has to do, which comes
    too late for a process that is still importing.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def ignore_ctrl_c() -> None:
    """To be called first in a working process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
