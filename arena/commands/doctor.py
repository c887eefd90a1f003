"""`arena doctor`."""

from __future__ import annotations

import typer

from arena.commands.options import EventOption


def doctor(event: EventOption = None) -> None:
    """Check this machine: ROMs, emulator, display, sound, disk; says what to fix."""
    from arena.doctor import checks
    from arena.event import event_folder

    failed = False
    for check in checks(event_folder(event)):
        typer.echo(f"{check.status.value:5} {check.name}: {check.sentence}")
        if check.advice:
            typer.echo(f"      {check.advice}")
        failed = failed or check.status.value == "fail"
    if failed:
        raise typer.Exit(1)
