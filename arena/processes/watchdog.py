"""The parent of the kiosk's process, or of the stage's: when that dies or hangs, it is started again.

What was played is on the disk by then: finished games as recordings, the running one as a journal, which the next
start makes a recording of that ends as left. This process does nothing else, and draws nothing.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import IO

from envs.errors import EventError

READY = "ready"
BEAT = "."
LEFT = 0
"""Exit code of a process that the organizer has left."""
BAD_INPUT = 2
BEAT_SECONDS = 1.0
SILENCE_SECONDS = 30.0
"""A process that has shown no picture for so long hangs, and is killed."""
START_SECONDS = 90.0
"""So long may it take until the window is open."""
RESTART_SECONDS = (0.5, 1, 2, 5, 10)
"""Pauses before the first, second ... restart in a row; the last one holds for all that follow."""
STEADY_SECONDS = 60.0
"""Who has run so long is not counted among the restarts in a row."""


def keep_alive(what: str, module: str, words: Sequence[str]) -> None:
    """Run `python -P -m module words ...` until it ends with `LEFT`. Messages call it `what`.

    With -P a folder called `arena` in the current folder isn't taken for the package.

    Raises:
        EventError: it could not be started at all; it has said itself why.
    """
    in_a_row, was_ready = 0, False
    while True:
        began = time.monotonic()
        child = _Child(module, words)
        try:
            code = child.wait()
        finally:
            child.end()
        was_ready = was_ready or child.was_ready
        if code == LEFT:
            return
        if not was_ready:
            raise EventError(f"The {what} could not start; the line above says why.")
        in_a_row = 0 if time.monotonic() - began > STEADY_SECONDS else in_a_row
        pause = RESTART_SECONDS[min(in_a_row, len(RESTART_SECONDS) - 1)]
        in_a_row += 1
        print(f"arena: The {what} has ended ({_why(code)}); it starts again.", file=sys.stderr)
        time.sleep(pause)


class _Child:
    """The process that is watched."""

    def __init__(self, module: str, words: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self.was_ready = False
        self._heard = time.monotonic()
        assert self._process.stdout is not None
        threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True).start()

    def wait(self) -> int | None:
        """Return the exit code when it has ended; None if it hung and had to be killed."""
        while True:
            try:
                return self._process.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                patience = SILENCE_SECONDS if self.was_ready else START_SECONDS
                if time.monotonic() - self._heard > patience:
                    self._process.kill()
                    return None

    def end(self) -> None:
        """End it if it still runs."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()

    def _listen(self, output: IO[bytes]) -> None:
        """Note that it lives. `output` has no buffer: Python can't end while a thread waits in one."""
        while heard := output.read(256):
            self._heard = time.monotonic()
            self.was_ready = self.was_ready or READY.encode() in heard


def _why(code: int | None) -> str:
    if code is None:
        return "it hung"
    return f"signal {-code}" if code < 0 else f"exit code {code}"
