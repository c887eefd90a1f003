"""The scoreboard's database: where it is, how it is opened, and its errors in plain words.

SQLite by default, PostgreSQL by URL, the same tables in both.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    create_engine,
    event,
)
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from envs.errors import ScoreboardError
from envs.extras import missing_extra

LOCK_SECONDS = 10
"""How long a locked database is waited for, unless the URL says otherwise (SQLite: `?timeout=60`; PostgreSQL:
`?options=-c lock_timeout=60000`, in milliseconds)."""
CONNECT_SECONDS = 5
"""How long a PostgreSQL server is waited for, unless the URL says otherwise (`?connect_timeout=60`)."""


def database_url(url_or_path: str | Path) -> URL:
    """Return the URL of a database file or of what is a URL already, with our waiting times where it has none.

    Raises:
        ScoreboardError: neither SQLite in a file nor PostgreSQL.
    """
    expected = "expected a file, sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
    if isinstance(url_or_path, Path) or "://" not in url_or_path:
        url = URL.create("sqlite", database=str(url_or_path))
    else:
        try:
            url = make_url(url_or_path)
        except (ArgumentError, ValueError):
            raise ScoreboardError(f"This is not the address of a scoreboard; {expected}.") from None
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        if url.database in (None, "", ":memory:") or url.query.get("mode") == "memory":
            raise ScoreboardError(f"A scoreboard must outlive the program, so it can't be kept in memory; {expected}.")
        return url.update_query_dict({"timeout": str(LOCK_SECONDS), **url.query})
    if url.drivername in ("postgresql", "postgresql+psycopg"):
        options = f"-c lock_timeout={1000 * LOCK_SECONDS} -c timezone=UTC"
        defaults = {"connect_timeout": str(CONNECT_SECONDS), "options": options, "application_name": "arena"}
        return url.set(drivername="postgresql+psycopg").update_query_dict({**defaults, **url.query})
    raise ScoreboardError(f"{url.drivername} is no database the scoreboard knows; {expected}.")


def shown(url: URL) -> str:
    """Return the database's name for messages: the file, or the server without user, password and options."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return f"{url.get_backend_name()}://{url.host or 'localhost'}{f':{url.port}' if url.port else ''}/{url.database}"


def make_engine(url: URL) -> Engine:
    """Return an engine for a URL from `database_url`; nothing is connected yet.

    On SQLite every transaction begins with BEGIN, or with what its connection's execution option `begin` says.

    Raises:
        MissingExtra: PostgreSQL is asked for and its driver isn't installed.
    """
    try:
        engine = create_engine(url, pool_pre_ping=url.get_backend_name() != "sqlite")
    except ModuleNotFoundError:
        raise missing_extra("A scoreboard on PostgreSQL", "psycopg") from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own transactions begin late and end before DDL; ours begin where SQLAlchemy says.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    _switch_to_wal(connection)


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Turn on the write-ahead log, which stays on for the file. Where the file system can't have one, SQLite stays with
    its older journal, which is as safe.

    While another program makes the same file, SQLite refuses this at once instead of waiting, so this waits."""
    (milliseconds,) = connection.execute("PRAGMA busy_timeout").fetchone()
    deadline = time.monotonic() + milliseconds / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


_SQLITE_SENTENCES = {
    "SQLITE_BUSY": "The scoreboard {db} is locked by another program; close that program, or try again later",
    "SQLITE_LOCKED": "The scoreboard {db} is locked by another program; close that program, or try again later",
    "SQLITE_NOTADB": "{db} was expected to be a scoreboard, but is no SQLite database; name another file",
    "SQLITE_CORRUPT": "The scoreboard {db} is damaged; restore a backup, or move it away and add the recordings again",
    "SQLITE_CANTOPEN": "The scoreboard {db} can't be opened; its folder must exist and be writable",
    "SQLITE_READONLY": "The scoreboard {db} can't be written; the file and its folder must be writable",
    "SQLITE_PERM": "The scoreboard {db} can't be read; the file and its folder must be readable and writable",
    "SQLITE_FULL": "There is no room left for the scoreboard {db}; free some space and try again, nothing was stored",
    "SQLITE_IOERR": "The disk failed to read or write the scoreboard {db}; nothing was stored, check the disk",
}
_POSTGRES_SENTENCES = {
    "55P03": "The scoreboard {db} is locked by another program; close that program, or try again later",
    "40P01": "The scoreboard {db} was busy with another program; try again",
    "28000": "The server refused the login to {db}; check user and password in the URL",
    "28P01": "The server refused the login to {db}; check user and password in the URL",
    "3D000": "The server has no database {db}; create it first (createdb)",
    "42501": "This user may not write to {db}; the scoreboard's user must be able to create and change tables",
    "25006": "The scoreboard {db} can't be written; the server is read-only",
    "53100": "There is no room left for the scoreboard {db}; free some space and try again, nothing was stored",
    "53300": "The server of {db} has too many connections; try again later",
}


@contextmanager
def plain_errors(url: URL) -> Iterator[None]:
    """Turn what the database refuses into a ScoreboardError of one sentence; bugs of ours stay what they are."""
    try:
        yield
    except DBAPIError as error:
        sentence = _sentence(error.orig, url, expected=isinstance(error, OperationalError))
        if sentence is None:
            raise
        raise ScoreboardError(sentence) from error
    except PoolTimeout as error:
        raise ScoreboardError(f"Too much at once is asked of the scoreboard {shown(url)}; try again.") from error
    except sqlite3.Error as error:
        sentence = _sentence(error, url, expected=isinstance(error, sqlite3.OperationalError))
        if sentence is None:
            raise
        raise ScoreboardError(sentence) from error


def _sentence(error: Any, url: URL, *, expected: bool) -> str | None:
    # SQLite's extended names (SQLITE_IOERR_WRITE, SQLITE_READONLY_DIRECTORY) begin with the plain ones.
    name = "_".join((getattr(error, "sqlite_errorname", None) or "").split("_")[:2])
    known = _SQLITE_SENTENCES.get(name) or _POSTGRES_SENTENCES.get(getattr(error, "sqlstate", None) or "")
    if known is not None:
        return known.format(db=shown(url)) + "."
    if not expected:
        return None
    first_line = (str(error).strip().splitlines() or ["no reason given"])[0].rstrip(".")
    return f"The scoreboard {shown(url)} can't be reached or used ({first_line}); check its address, and that it runs."
