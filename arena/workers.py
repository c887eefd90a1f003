"""What the processes that work for another one have in common."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process, resource_tracker
from multiprocessing.connection import wait


@contextmanager
def deaf_to_ctrl_c() -> Iterator[None]:
    """Start processes inside. They never hear Ctrl-C, which the terminal sends to all: their parent ends them. And the
    parent hears it only afterwards: half-started processes would complain.

    A process inherits which signals are blocked. Where that can't be (Windows), `begin_work` has to do, which comes
    too late for a process that is still importing.
    """
    heard: list[int] = []
    # Blocking alone doesn't do for the parent: the system then gives the signal to another of its threads.
    in_main = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number)) if in_main else None
    mask = None
    if hasattr(signal, "pthread_sigmask"):
        resource_tracker.ensure_running()  # else it is started with the first process, and unblocks the signal
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
        if heard:
            signal.raise_signal(signal.SIGINT)


def begin_work() -> None:
    """To be called first in a working process: it ignores Ctrl-C, and ends when its parent does, however that ends.
    Without this it would wait for work for ever after its parent was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
