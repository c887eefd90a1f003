"""What a process does that `arena.processes.watchdog` watches over."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from arena.processes.watchdog import BAD_INPUT, BEAT, BEAT_SECONDS, LEFT, READY
from envs.errors import ArenaError
from envs.redaction import start_logging

Ready = Callable[[Callable[[], int]], None]
"""To be called when the window is open, with what returns how many pictures were shown so far."""


def run_watched(work: Callable[[Ready], None]) -> int:
    """Do the work of a process of its own; return its exit code.

    What it prints to its standard output, a dot a second, tells the watchdog that it lives.

    Args:
        work: returns when somebody has left what it shows.
    """
    start_logging("%(asctime)s %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the watchdog, which ends this process
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        work(_ready)
    except ArenaError as error:
        print(f"arena: {error}", file=sys.stderr)
        return BAD_INPUT
    return LEFT


def _ready(shown: Callable[[], int]) -> None:
    print(READY, flush=True)
    threading.Thread(target=_beat, args=(shown,), daemon=True).start()


def _beat(shown: Callable[[], int]) -> None:
    """Print a dot each second in which pictures were shown."""
    before = -1
    while True:
        if (now := shown()) != before:
            before = now
            try:
                print(BEAT, flush=True)
            except OSError:
                return
        time.sleep(BEAT_SECONDS)


def _end_with_parent() -> None:
    """End this process when the watchdog's end of our standard input closes: it was killed. At once, unlike
    `arena.processes.child`: a window without a watchdog must go, and what was played is on the disk."""
    while os.read(0, 1):  # not sys.stdin: Python can't end while another thread waits in there
        pass
    os._exit(1)
