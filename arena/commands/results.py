"""`arena verify` and `arena scoreboard`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from arena.commands.options import DatabaseOption, EventOption, JsonOption, ProcessesOption
from arena.commands.progress import progress_bar
from arena.commands.tables import dump, print_standings
from arena.engine.verify import Verification, verify_files
from arena.event.folder import database_in, event_folder, open_event
from arena.scoreboard.database import database_url
from arena.scoreboard.publish import publish
from arena.scoreboard.store import Scoreboard
from envs.errors import EventError, RecordingError
from envs.games import find_game
from recordings.codec import SUFFIX


def verify(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Recordings, or folders of recordings.")],
    publish: Annotated[bool, typer.Option("--book", help="Put the recordings that verify on the scoreboard.")] = False,
    processes: ProcessesOption = None,
    event: EventOption = None,
    db: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Replay recordings and check their scores.

    Each is replayed on a fresh emulator, which must reach the same digest and score. Lists what fails and where; the
    exit code is then 1. Nothing is written unless --book is given; --event and --db then say where.
    """
    files = _recordings_in(paths)
    with progress_bar("verifying", len(files), "recording") as tick:
        outcomes, new = _published(files, processes, event, db, tick) if publish else _verified(files, processes, tick)
    bad = [(path, verification) for path, verification in outcomes if not verification.ok]
    if json:
        dump([{"file": str(path)} | asdict(verification) for path, verification in outcomes])
    else:
        for path, verification in bad:
            typer.echo(f"FAILED  {path}: {verification.reason.rstrip('.')}.")
        frames = sum(verification.frames for _, verification in outcomes)
        noun = "recording" if len(outcomes) == 1 else "recordings"
        typer.echo(f"{len(outcomes) - len(bad)} of {len(outcomes)} {noun} verified ({frames:,} frames replayed).")
        if publish:
            typer.echo(f"{new} of them {'is' if new == 1 else 'are'} new on the scoreboard.")
    if bad:
        raise typer.Exit(1)


Outcomes = list[tuple[Path, "Verification"]]


def _verified(files: list[Path], processes: int | None, tick: Callable[[], None]) -> tuple[Outcomes, int]:
    outcomes = []
    for path, _, verification in verify_files(files, processes):
        outcomes.append((path, verification))
        tick()
    return outcomes, 0


def _published(
    files: list[Path], processes: int | None, event: Path | None, db: str | None, tick: Callable[[], None]
) -> tuple[Outcomes, int]:
    with Scoreboard.open(db or open_event(event).database) as board:
        publications = publish(files, board, lambda publication: tick(), processes)
    for publication in publications:
        if publication.unranked is not None:
            typer.echo(f"{publication.path} is not ranked: {publication.unranked}.", err=True)
    return [(b.path, b.verification) for b in publications], sum(b.new for b in publications)


def _recordings_in(paths: Iterable[Path]) -> list[Path]:
    """Return the recordings that are meant, each once.

    Raises:
        RecordingError: a path is not there, or there is no recording at all.
    """
    files: dict[Path, None] = {}
    for path in paths:
        try:
            is_there, is_folder = path.exists(), path.is_dir()
        except OSError as error:  # a name that is too long, a folder that may not be looked into
            raise RecordingError(f"{path} can't be read ({error.strerror}).") from None
        if is_folder:
            files |= dict.fromkeys(sorted(path.rglob(f"*{SUFFIX}")))
        elif is_there:
            files[path] = None
        else:
            raise RecordingError(f"{path} is not there; give recordings (*{SUFFIX}) or folders of them.")
    if not files:
        raise RecordingError(f"There is no recording (*{SUFFIX}) in {', '.join(map(str, paths))}.")
    return list(files)


def scoreboard(
    game: Annotated[
        str | None, typer.Option("--game", metavar="GAME", help="Only this game.", show_default=False)
    ] = None,
    event: EventOption = None,
    db: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Print the standings.

    One table for each game and rules class, best mean first, with some reference scores below.
    """
    wanted = find_game(game).name if game else None
    with Scoreboard.open(_existing(event, db)) as board:
        classes = [c for c in board.classes() if wanted in (None, c.game)]
        standings = [(c, board.standings(c.game, c.rules_id)) for c in classes]
    if json:
        dump([asdict(c) | {"standings": [asdict(s) for s in rows]} for c, rows in standings])
        return
    if not standings:
        typer.echo(f"No results yet{f' for {wanted}' if wanted else ''}.")
    for i, (c, rows) in enumerate(standings):
        if i:
            typer.echo()
        print_standings(find_game(c.game), c.label, rows)


def _existing(event: Path | None, db: str | None) -> Any:
    """Return where the scoreboard is; read-only commands must not create one.

    Raises:
        EventError, ScoreboardError: it isn't there.
    """
    place = db or database_in(event_folder(event))
    url = database_url(place)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        raise EventError(
            f"There is no scoreboard at {url.database} yet; play a match first, or choose another with --event or --db."
        )
    return place
