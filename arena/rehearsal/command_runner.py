"""Typing for an organizer: runs the commands of a rehearsal in programs of their own, and shows what they say."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from arena.event.folder import VARIABLE
from arena.processes import child
from envs.errors import EventError


class CommandRunner:
    """Types commands about one event.

    Args:
        console: where they are shown, and what comes of them.
        folder: the event folder.
        log: everything that is printed is kept there.
    """

    def __init__(self, console: Console, folder: Path, log: Path) -> None:
        self.console = console
        self.environment = os.environ | {VARIABLE: str(folder), "COLUMNS": "110"}
        self._log = log

    def say(self, sentence: str) -> None:
        self.console.print(Text(f"       {sentence}"), soft_wrap=True)

    def arena(self, *words: str, shown: bool = False, environment: dict[str, str] | None = None) -> None:
        """Run a command as an organizer would.

        Args:
            words: what follows `arena`.
            shown: whether what it prints is worth looking at.
            environment: another one than usual.
        """
        self.say(f"$ arena {shlex.join(words)}")
        lines = self.run(child.ARENA, words, f"arena {words[0]}", environment)
        for line in lines if shown else []:
            self.console.print(Text(f"         {line}", style="dim"), soft_wrap=True)

    def ask(self, *words: str) -> Any:
        """Return the JSON that a command prints."""
        process = child.start(child.ARENA, [*words, "--json"], self.environment, subprocess.PIPE)
        try:
            said, errors = process.stdout.read(), process.stderr.read()  # type: ignore[union-attr]
            code = process.wait()
        finally:
            child.end(process)
            process.stderr.close()  # type: ignore[union-attr]
        if code:
            raise EventError(f"arena {shlex.join(words)} ended with {code}: {errors.strip()[-500:]}")
        return json.loads(said)

    def run(self, code: str, words: Sequence[str], called: str, environment: dict[str, str] | None = None) -> list[str]:
        """Run a program; return the lines that it prints, which the log keeps, too."""
        lines: list[str] = []
        process = child.start(code, words, environment or self.environment, subprocess.STDOUT)
        assert process.stdout is not None
        try:
            with self._log.open("a", encoding="utf-8") as log:
                log.write(f"$ {called} {shlex.join(words)}\n")
                with self.telling() as tell:
                    for line in process.stdout:
                        log.write(line)
                        lines.append(line.rstrip())
                        tell(line.strip())
            ended = process.wait()
        finally:
            child.end(process)
        if ended:
            raise EventError(f"{called} ended with {ended}: {' '.join(lines[-3:])[-500:]}")
        return lines

    @contextmanager
    def telling(self) -> Iterator[Callable[[str], None]]:
        """Show what happens in one line, on a terminal only."""
        began = time.monotonic()
        with self.console.status("") as status:
            yield lambda text: status.update(Text(f"{clock(time.monotonic() - began)}  {text[:90]}"))


def clock(seconds: float) -> str:
    """Return minutes and seconds, as `3:07`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
