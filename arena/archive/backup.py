"""A copy of an event folder that is consistent while a server goes on writing into it.

The database is copied first, as it is at one moment, then the files: a file is there before the database names it. A
backup is an event folder itself: to restore it is to use it, or to copy it back.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from arena.event.folder import Event, database_in
from arena.scoreboard.database import database_url, make_engine, plain_errors
from arena.scoreboard.store import Scoreboard
from arena.scoreboard.tables import Base
from envs.errors import EventError, ScoreboardError
from recordings.storage import JOURNAL_SUFFIX, TEMPORARY_PREFIX

PARTIAL_SUFFIX = ".partial"
ROWS = 1000
"""Rows that are copied together."""


@dataclass(frozen=True, slots=True)
class Backup:
    """What was copied."""

    folder: Path
    files: int
    bytes: int
    results: int


def backup(event: Event, database: str | Path, target: Path) -> Backup:
    """Copy event folder and scoreboard to the new folder `target`, whose scoreboard is always a file.

    Raises:
        EventError: `target` is there already, or can't be written; nothing is left under that name.
        ScoreboardError: the scoreboard can't be read, or its copy is damaged.
    """
    if target.exists():
        raise EventError(f"{target} is there already; a backup goes into a new folder.")
    inside = target.resolve().is_relative_to(event.folder.resolve())
    if inside:
        raise EventError(f"{target} lies within the event folder; a backup goes elsewhere.")
    partial = target.with_name(target.name + PARTIAL_SUFFIX)
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        _copy_database(database, database_in(partial))
        files, size = _copy_files(event, partial)
        with Scoreboard.open(database_in(partial)) as board:
            results = len(board.results())
        _sync(partial)
        partial.rename(target)
    except OSError as error:
        raise EventError(
            f"The backup {target} can't be written ({error.strerror or error}); free some space."
        ) from None
    except sqlite3.Error as error:
        raise ScoreboardError(f"The scoreboard can't be copied ({error}).") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Backup(target, files, size, results)


def _copy_database(database: str | Path, target: Path) -> None:
    url = database_url(database)
    if url.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(f"{Path(str(url.database)).resolve().as_uri()}?mode=ro", uri=True)) as source:
            source.execute("PRAGMA busy_timeout = 10000")
            with closing(sqlite3.connect(target)) as copy:
                source.backup(copy)
                _check(copy)
        return
    with Scoreboard.open(target) as board:
        engine = make_engine(url)
        try:
            with (
                plain_errors(url),
                engine.connect().execution_options(isolation_level="REPEATABLE READ") as source,
                board.writing() as session,
            ):
                for table in Base.metadata.sorted_tables:
                    rows = source.execution_options(yield_per=ROWS).execute(table.select())
                    for part in rows.mappings().partitions(ROWS):
                        session.execute(table.insert(), [dict(row) for row in part])
        finally:
            engine.dispose()


def _check(connection: sqlite3.Connection) -> None:
    found = connection.execute("PRAGMA integrity_check").fetchall()
    if found != [("ok",)]:
        raise ScoreboardError("The copy of the scoreboard is damaged; the scoreboard itself may be: check the disk.")


def _copy_files(event: Event, target: Path) -> tuple[int, int]:
    """Copy what is whole; return how many files and bytes. Running games' journals belong to their processes."""
    count = size = 0
    database = event.database.name
    for path in sorted(event.folder.rglob("*")):
        name = path.name
        if path.is_symlink() or not path.is_file() or name.startswith((TEMPORARY_PREFIX, database)):
            continue
        if name.endswith(JOURNAL_SUFFIX):
            continue
        copy = target / path.relative_to(event.folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copy2(path, copy)
        except FileNotFoundError:  # an outbox's item, just sent
            continue
        count += 1
        size += copy.stat().st_size
    return count, size


def _sync(folder: Path) -> None:
    """Bring everything in `folder` to the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
