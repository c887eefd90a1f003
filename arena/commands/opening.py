"""What commands open before they begin: the event, its scoreboard, a tournament, and what an earlier run has left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from arena.commands.progress import progress_bar
from arena.engine.recover import recover
from arena.event.folder import SETTINGS, Event, event_folder, open_event
from arena.event.lifecycle import EventLifecycle
from arena.event.log import Log
from arena.scoreboard.publish import Publication, publish, unpublished
from arena.scoreboard.store import Scoreboard
from arena.tournament.runner import TournamentRunner
from envs.errors import EventError


@contextmanager
def lifecycle(event: Path | None, db: str | None = None) -> Iterator[EventLifecycle]:
    """Open an event that is there; a command that moves an event on must not create one."""
    folder = event_folder(event)
    if not (folder / SETTINGS).is_file():
        raise EventError(f"There is no event in {folder} yet; make one with arena event init, or name it with --event.")
    found = open_event(folder)
    with Scoreboard.open(db or found.database) as board:
        yield EventLifecycle(found, Log(board.engine))


@contextmanager
def opened(event: Path | None, db: str | None) -> Iterator[tuple[Event, Scoreboard]]:
    """Open event folder and scoreboard before anything is played, and book what an earlier run left unbooked.

    Raises:
        EventError, ScoreboardError: one of them can't be used.
    """
    the_event = open_event(event)
    with Scoreboard.open(db or the_event.database) as board:
        publish_leftovers(the_event, board, db)
        yield the_event, board


def publish_leftovers(event: Event, board: Scoreboard, db: str | None) -> None:
    """Games of a process that was ended count as far as they were recorded. A scoreboard elsewhere (`db`) gets only
    those that have become recordings just now: what else lies in the folder may not be meant for it."""
    if not event.recordings.exists():
        return
    recovered = recover(event.recordings)
    if recovered:
        typer.echo(f"Recovered {games_text(len(recovered))} that broke off when a program was ended.", err=True)
    left = unpublished(event.recordings, board) if db is None else recovered
    if not left:
        return
    publications = publish_with_progress(left, board)
    good = sum(publication.verification.ok for publication in publications)
    if good:
        typer.echo(f"Booked {games_text(good)} that an earlier run had left in {event.recordings}.", err=True)
    tell_mismatches(publications)


def publish_with_progress(paths: Sequence[Path], board: Scoreboard, processes: int | None = None) -> list[Publication]:
    """Verify and book `paths` under a progress bar."""
    with progress_bar("verifying", len(paths)) as tick:
        publications = publish(paths, board, lambda publication: tick(), processes)
    for publication in publications:
        if publication.unranked is not None:
            typer.echo(f"{publication.path} is not ranked: {publication.unranked}.", err=True)
    return publications


def tell_mismatches(publications: Sequence[Publication]) -> int:
    """Name on standard error the recordings that don't verify; return how many."""
    bad = [publication for publication in publications if not publication.verification.ok]
    for publication in bad:
        typer.echo(
            f"arena: {publication.path} does not verify: {publication.verification.reason.rstrip('.')}.", err=True
        )
    return len(bad)


def fail_on_mismatch(publications: Sequence[Publication]) -> None:
    """End with exit code 1 if a recording does not verify."""
    if tell_mismatches(publications):
        raise typer.Exit(1)


def games_text(number: int) -> str:
    return f"{number:,} {'game' if number == 1 else 'games'}"


@contextmanager
def runner(name: str, event: Path | None, db: str | None = None) -> Iterator[TournamentRunner]:
    """Open the event, book what was left behind, and give the conductor of one tournament."""
    with lifecycle(event, db) as one, Scoreboard.open(db or one.event.database) as board:
        publish_leftovers(one.event, board, None)
        yield TournamentRunner(one.event, board, name)
