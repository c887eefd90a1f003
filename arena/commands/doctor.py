"""`arena doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from arena.commands.options import EventOption, JsonOption
from arena.commands.tables import dump
from arena.diagnostics.machine import Check, checks
from arena.event.folder import event_folder

COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def doctor(
    hands_on: Annotated[
        bool, typer.Option("--hands-on", help="Also try frames, keys, pad and sound in a window.")
    ] = False,
    event: EventOption = None,
    json: JsonOption = False,
) -> None:
    """Check this machine and say what to fix.

    Python and its packages, ROMs, emulator, event folder, disk, display, sound, pads, clock, timing. A `fail` must be
    fixed; a `warn` matters only if you need that part.
    """
    found = []
    for check in _all_checks(event_folder(event), hands_on):
        found.append(check)
        if not json:
            _print(check)
    count = {status: sum(check.status.value == status for check in found) for status in COLOURS}
    if json:
        dump([asdict(check) for check in found])
    else:
        typer.echo(_conclusion(count["warn"], count["fail"]))
    if count["fail"]:
        raise typer.Exit(1)


def _all_checks(folder: Path, hands_on: bool) -> Iterator[Check]:
    yield from checks(folder)
    if hands_on:
        from arena.play.hands_on import hands_on as try_out

        yield from try_out()


def _print(check: Check) -> None:
    """Print one check as soon as it is done: status, name and what was found, below it what to do."""
    line = Table.grid(padding=(0, 2))
    line.add_column(width=4)
    line.add_column(width=17)
    line.add_column()
    sentences = Text(check.sentence)
    if check.advice:
        sentences.append(f"\n{check.advice}", style="italic")
    line.add_row(Text(check.status.value, style=COLOURS[check.status.value]), Text(check.name), sentences)
    Console().print(line)


def _conclusion(warnings: int, failures: int) -> str:
    noted = f", {warnings} {'warning' if warnings == 1 else 'warnings'}" if warnings else ""
    if failures:
        return f"{failures} {'thing' if failures == 1 else 'things'} must be fixed{noted}."
    return f"Ready{noted}."
