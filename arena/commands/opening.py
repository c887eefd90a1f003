"""What commands open before they begin: the event, its scoreboard, a tournament, and what an earlier run has left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from arena.commands.progress import progress_bar
from arena.engine.recover import recover
from arena.event.folder import SETTINGS, Event, event_folder, open_event
from arena.event.lifecycle import Ceremony
from arena.event.log import Log
from arena.scoreboard.publish import Booking, book, unbooked
from arena.scoreboard.store import Scoreboard
from arena.tournament.runner import Conductor
from envs.errors import EventError


@contextmanager
def ceremony(event: Path | None, db: str | None = None) -> Iterator[Ceremony]:
    """Open an event that is there; a command that moves an event on must not create one."""
    folder = event_folder(event)
    if not (folder / SETTINGS).is_file():
        raise EventError(f"There is no event in {folder} yet; make one with arena event init, or name it with --event.")
    found = open_event(folder)
    with Scoreboard.open(db or found.database) as board:
        yield Ceremony(found, Log(board.engine))


@contextmanager
def opened(event: Path | None, db: str | None) -> Iterator[tuple[Event, Scoreboard]]:
    """Open event folder and scoreboard before anything is played, and book what an earlier run left unbooked.

    Raises:
        EventError, ScoreboardError: one of them can't be used.
    """
    the_event = open_event(event)
    with Scoreboard.open(db or the_event.database) as board:
        book_what_was_left(the_event, board, db)
        yield the_event, board


def book_what_was_left(event: Event, board: Scoreboard, db: str | None) -> None:
    """Games of a process that was ended count as far as they were recorded. A scoreboard elsewhere (`db`) gets only
    those that have become recordings just now: what else lies in the folder may not be meant for it."""
    if not event.recordings.exists():
        return
    recovered = recover(event.recordings)
    if recovered:
        typer.echo(f"Recovered {games_text(len(recovered))} that broke off when a program was ended.", err=True)
    left = unbooked(event.recordings, board) if db is None else recovered
    if not left:
        return
    bookings = book_with_progress(left, board)
    good = sum(booking.verification.ok for booking in bookings)
    if good:
        typer.echo(f"Booked {games_text(good)} that an earlier run had left in {event.recordings}.", err=True)
    tell_mismatches(bookings)


def book_with_progress(paths: Sequence[Path], board: Scoreboard, processes: int | None = None) -> list[Booking]:
    """Verify and book `paths` under a progress bar."""
    with progress_bar("verifying", len(paths)) as tick:
        bookings = book(paths, board, lambda booking: tick(), processes)
    for booking in bookings:
        if booking.unranked is not None:
            typer.echo(f"{booking.path} is not ranked: {booking.unranked}.", err=True)
    return bookings


def tell_mismatches(bookings: Sequence[Booking]) -> int:
    """Name on standard error the recordings that don't verify; return how many."""
    bad = [booking for booking in bookings if not booking.verification.ok]
    for booking in bad:
        typer.echo(f"arena: {booking.path} does not verify: {booking.verification.reason.rstrip('.')}.", err=True)
    return len(bad)


def fail_on_mismatch(bookings: Sequence[Booking]) -> None:
    """End with exit code 1 if a recording does not verify."""
    if tell_mismatches(bookings):
        raise typer.Exit(1)


def games_text(number: int) -> str:
    return f"{number:,} {'game' if number == 1 else 'games'}"


@contextmanager
def conductor(name: str, event: Path | None, db: str | None = None) -> Iterator[Conductor]:
    """Open the event, book what was left behind, and give the conductor of one tournament."""
    with ceremony(event, db) as one, Scoreboard.open(db or one.event.database) as board:
        book_what_was_left(one.event, board, None)
        yield Conductor(one.event, board, name)
