"""`arena verify` and `arena scoreboard`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from arena.commands.options import DatabaseOption, EventOption, JsonOption
from arena.commands.progress import progress_bar


def verify(
    paths: Annotated[list[Path], typer.Argument(help="Recordings, or folders of recordings.")],
    processes: Annotated[int | None, typer.Option("--processes", min=1, help="Default: all cores.")] = None,
    json: JsonOption = False,
) -> None:
    """Replay recordings on a fresh emulator and compare; lists what fails and where."""
    from arena.commands.tables import dump
    from arena.verify import verify_files
    from envs.errors import RecordingError
    from recordings.codec import SUFFIX

    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += sorted(path.rglob(f"*{SUFFIX}"))
        elif path.exists():
            files.append(path)
        else:
            raise RecordingError(f"{path} is not there; give recordings (*{SUFFIX}) or folders of them.")
    if not files:
        raise RecordingError(f"There is no recording (*{SUFFIX}) in {', '.join(map(str, paths))}.")
    outcomes = []
    with progress_bar("verifying", len(files), quiet=json) as tick:
        for outcome in verify_files(files, processes):
            outcomes.append(outcome)
            tick()
    bad = [(path, verification) for path, _, verification in outcomes if not verification.ok]
    if json:
        dump([{"file": str(path)} | asdict(verification) for path, _, verification in outcomes])
    else:
        for path, verification in bad:
            typer.echo(f"FAILED  {path}: {verification.reason}")
        frames = sum(verification.frames for _, _, verification in outcomes)
        typer.echo(f"{len(outcomes) - len(bad)} of {len(outcomes)} recordings verified ({frames:,} frames replayed).")
    if bad:
        raise typer.Exit(1)


def scoreboard(
    game: Annotated[str | None, typer.Option("--game", help="Only this game.")] = None,
    event: EventOption = None,
    db: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Print the standings of every game and rules class."""
    from arena.commands.tables import dump, print_standings
    from arena.event import event_folder
    from arena.scoreboard import Scoreboard
    from envs.errors import EventError
    from envs.games import find_game

    wanted = find_game(game).name if game else None
    database = event_folder(event) / "arena.sqlite"
    if db is None and not database.exists():
        raise EventError(f"There is no scoreboard at {database} yet; play a match first, or choose --event or --db.")
    with Scoreboard.open(db or database) as board:
        classes = [c for c in board.classes() if wanted in (None, c.game)]
        standings = [(c, board.standings(c.game, c.rules_id)) for c in classes]
    if json:
        dump([asdict(c) | {"standings": [asdict(s) for s in rows]} for c, rows in standings])
        return
    if not standings:
        typer.echo("No results yet.")
    for c, rows in standings:
        print_standings(find_game(c.game), c.label, rows)
