"""`arena stage`."""

from __future__ import annotations

from typing import Annotated

import typer

from arena.commands.kiosk import checked_size
from arena.commands.options import DatabaseOption, EventOption


def stage(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="The tournament; the one that was begun last if not given."),
    ] = None,
    event: EventOption = None,
    size: Annotated[
        str | None,
        typer.Option(
            "--size", metavar="WxH", help="A window of so many pixels instead of the whole screen.", show_default=False
        ),
    ] = None,
    db: DatabaseOption = None,
) -> None:
    """Show a tournament on the hall's projector.

    Next match, both games side by side with the lead, winner, standings, and again; it follows the tournament by
    itself. Space pauses, the right arrow goes on, the left arrow goes back, Esc leaves.
    """
    from arena.event import SETTINGS, event_folder
    from arena.kiosk.watchdog import keep_alive
    from envs.errors import EventError

    folder, window = event_folder(event), checked_size(size)
    if not (folder / SETTINGS).is_file():
        raise EventError(f"There is no event in {folder} yet; make one with arena event init, or name it with --event.")
    words = [str(folder), db or "", f"{window[0]}x{window[1]}" if window else "", name or ""]
    keep_alive("stage", "arena.projector", words)
