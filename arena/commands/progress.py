"""Progress on standard error, where it disturbs nobody who reads the output: a bar in a terminal; elsewhere, as in a
log, a line now and then from what takes long."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

FIRST_LINE_SECONDS = 2.0
LINE_SECONDS = 10.0
"""After the first line, so long until the next."""


@contextmanager
def progress_bar(what: str, total: int, unit: str = "game") -> Iterator[Callable[[], None]]:
    """Yield a function to be called once for each of `total` things done."""
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        bar.update()

    with (
        tqdm(total=total, desc=what, unit=unit, disable=None, leave=False) as bar,
        progress_lines(lambda: f"{what}: {done:,} of {total:,} {unit}{'s' * (total != 1)}"),
    ):
        yield tick


@contextmanager
def progress_lines(say: Callable[[], str]) -> Iterator[None]:
    """Print every few seconds what `say` returns, and for how long it has gone on, unless a terminal shows a bar."""
    if sys.stderr is None or sys.stderr.isatty():
        yield
        return
    began, over = time.monotonic(), threading.Event()

    def tell() -> None:
        pause = FIRST_LINE_SECONDS
        while not over.wait(pause):
            print(f"{say()}, {time.monotonic() - began:.0f} s ...", file=sys.stderr, flush=True)
            pause = LINE_SECONDS

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
