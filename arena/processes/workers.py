"""Processes that work for this one."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, cast


@contextmanager
def workers(work: Callable[..., None], arguments: Sequence[tuple[Any, ...]]) -> Iterator[list[Connection]]:
    """Run `work(pipe, *arguments[i])` in a process each, and give our ends of the pipes. Afterwards, or when this
    process ends, the others are ended where they stand.

    A pipe whose process has died raises EOFError or OSError. Ctrl-C is for this process alone.
    """
    context = get_context("spawn")
    pipes: list[Connection] = []
    started = []
    try:
        for one in arguments:
            ours, theirs = context.Pipe()
            pipes.append(ours)
            process = context.Process(target=_run, args=(work, theirs, *one), daemon=True)
            with _deaf_to_ctrl_c():
                process.start()
                started.append(process)
            theirs.close()  # the process has the only copy now: when it dies, reading ends
        yield pipes
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.join()
        for ours in pipes:
            ours.close()


class WorkerDied(Exception):
    """A process has ended before its results had come."""

    def __init__(self, pipe: Connection) -> None:
        super().__init__(pipe)
        self.pipe = pipe
        """Our end of its pipe."""


def received(pipes: Collection[Connection]) -> Iterator[tuple[Connection, Any]]:
    """Yield whatever comes through any of `pipes`, with its pipe, until `pipes` is empty. Whoever takes the results
    removes a pipe through which nothing more is to come, or stops.

    Raises:
        WorkerDied: one of the processes is gone.
    """
    while pipes:
        for pipe in cast(list[Connection], wait(list(pipes))):  # on Windows it is another class with the same methods
            try:
                result = pipe.recv()
            except (EOFError, OSError):
                raise WorkerDied(pipe) from None
            yield pipe, result


def _run(work: Callable[..., None], pipe: Connection, *arguments: Any) -> None:
    begin_work()
    with suppress(BrokenPipeError, ConnectionResetError):  # the process that wanted the results is gone
        work(pipe, *arguments)


def begin_work() -> None:
    """To be called first in a working process: it ignores Ctrl-C, and ends when its parent does, however that ends.
    Without this it would go on, or wait for work for ever, after its parent was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Start a process inside. It never hears Ctrl-C, which the terminal sends to all, not even while it is importing;
    and this process hears it only afterwards: a half-started process would complain.

    A process inherits which signals are blocked. Where that can't be (Windows), `begin_work` has to do, which comes
    too late for a process that is still importing.
    """
    heard: list[int] = []
    # Blocking alone doesn't do for this process: the system then gives the signal to another of its threads.
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
