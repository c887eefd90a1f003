"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

GameArgument = Annotated[str, typer.Argument(help="breakout, pacman, ms_pacman, space_invaders or another ALE game.")]
EventOption = Annotated[
    Path | None,
    typer.Option("--event", envvar="ARENA_EVENT", help="Event folder; ./event if not given.", show_default=False),
]
RulesOption = Annotated[str, typer.Option("--rules", help="5min (ranked) or 30min.")]
SeedsOption = Annotated[int, typer.Option("--seeds", min=1, help="How many seeds are played.")]
FirstSeedOption = Annotated[int, typer.Option("--first-seed", min=0, help="The first of them.")]
DatabaseOption = Annotated[
    str | None, typer.Option("--db", help="Database URL; the event folder's SQLite if not given.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
