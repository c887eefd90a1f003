"""`arena report`, `arena dataset` and `arena forget`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from arena.archive.dataset import LIBRARIES, write_minari, write_parquet
from arena.archive.erase import forget as remove
from arena.commands.opening import lifecycle
from arena.commands.options import DatabaseOption, EventOption, whole
from arena.commands.progress import progress_bar
from arena.report.write import write_report
from arena.scoreboard.store import Scoreboard
from envs.errors import EventError
from envs.extras import require
from recordings.codec import read


def report(
    clips: Annotated[int, typer.Option("--clips", metavar="N", parser=whole, help="How many highlight films.")] = 3,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Output folder; default: report/ in the event folder.", show_default=False
        ),
    ] = None,
    event: EventOption = None,
    db: DatabaseOption = None,
) -> None:
    """Write the report of an event: one HTML file and a PDF.

    It has verdicts, standings, plots, the story of the finals, highlights and the proof. The HTML file is complete in
    itself.
    """
    with lifecycle(event, db) as one, Scoreboard.open(db or one.event.database) as board:
        paths = write_report(
            one.event, board, out or one.event.report, clips, lambda step: typer.echo(f"{step} ...", err=True)
        )
    for path in paths:
        typer.echo(f"{path}  ({path.stat().st_size / 2**20:.1f} MB)")


def dataset(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder.")],
    observe: Annotated[str, typer.Option("--observe", metavar="WHAT", help="Observations: ram or screen.")] = "ram",
    player: Annotated[
        str | None, typer.Option("--player", metavar="NAME", help="Only this player's games.", show_default=False)
    ] = None,
    event: EventOption = None,
    db: DatabaseOption = None,
) -> None:
    """Export results and recordings as data.

    Results become a Parquet table; recordings become one lossless Minari dataset per game and rules, with one step per
    emulated frame.
    """
    require("A dataset", *LIBRARIES)
    with lifecycle(event, db) as one, Scoreboard.open(db or one.event.database) as board:
        results = board.results(player=player)
        if not results:
            raise EventError("There are no results to export.")
        count = write_parquet(results, folder / "results.parquet")
        typer.echo(f"{folder / 'results.parquet'}: {count:,} episodes")
        for c in board.classes():
            mine = [r for r in results if (r.game, r.rules_id) == (c.game, c.rules_id)]
            paths = [one.event.recordings / r.recording_name for r in reversed(mine)]
            there = [read(path) for path in paths if path.is_file()]
            if not there:
                continue
            target = folder / f"{c.game}-{c.label}"
            with progress_bar(f"replaying {c.game}", len(there), "recording") as tick:
                steps = write_minari(there, target, observe, tick)
            typer.echo(f"{target}: {len(there):,} episodes, {steps:,} steps")


def forget(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The player's name on the scoreboard.")],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask first.")] = False,
    event: EventOption = None,
    db: DatabaseOption = None,
) -> None:
    """Remove a player who withdraws consent.

    Deletes results, standings, recordings, journals and reports; in the log an alias replaces the name.
    """
    with lifecycle(event, db) as one, Scoreboard.open(db or one.event.database) as board:
        if not yes and not typer.confirm(f"Remove everything of {name} from {one.event.folder}? It can't be undone"):
            typer.echo("Nothing was removed.")
            raise typer.Exit(1)
        found = remove(one.event, board, name)
    typer.echo(
        f"Removed {found.episodes:,} episodes and {found.files:,} files of {name}, reports included; "
        f"{found.lines:,} lines of the log have an alias now."
    )
    if found.bots:
        typer.echo(f"Bots of {name} still stand on the scoreboard; forget them, too, if asked: {', '.join(found.bots)}")
    typer.echo("Write the report again (arena report). Stations, backups and exported folders need the same.")
    if found.left:
        typer.echo(f"The name still stands in {', '.join(found.left)}; remove it there.", err=True)
        raise typer.Exit(1)
