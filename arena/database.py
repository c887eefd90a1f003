"""The scoreboard's database: where it is, how it is opened, its tables, and its errors in plain words.

SQLite by default, PostgreSQL by URL, the same tables in both. The tables are made and changed by `arena.migrations`
only; a test compares them with the classes below.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    Double,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    create_engine,
    event,
)
from sqlalchemy.engine import URL, Connection, Dialect, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from envs.errors import ScoreboardError
from envs.extras import missing_extra

LOCK_SECONDS = 10
"""How long a locked database is waited for, unless the URL says otherwise (SQLite: `?timeout=60`; PostgreSQL:
`?options=-c lock_timeout=60000`, in milliseconds)."""
CONNECT_SECONDS = 5
"""How long a PostgreSQL server is waited for, unless the URL says otherwise (`?connect_timeout=60`)."""


class UTCDateTime(TypeDecorator[datetime]):
    """An aware datetime, in UTC on both databases: SQLite forgets the zone, PostgreSQL answers in the session's."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.utcoffset() is None:
            raise ValueError(f"A time needs a time zone; {value!r} has none.")
        return value if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    pass


class PlayerRow(Base):
    __tablename__ = "players"
    __table_args__ = (UniqueConstraint("name", "kind", "artifact", name="uq_players_name_kind_artifact"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(16))
    artifact: Mapped[str] = mapped_column(String(64))
    """SHA-256, or empty without an artifact: NULLs would all count as different in the unique constraint."""


class RulesRow(Base):
    __tablename__ = "rules"
    __table_args__ = (UniqueConstraint("game", "rules_id", name="uq_rules_game_rules_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    game: Mapped[str] = mapped_column(String(64))
    rules_id: Mapped[str] = mapped_column(String(64))
    label: Mapped[str] = mapped_column(String(64))


class EpisodeRow(Base):
    __tablename__ = "episodes"
    __table_args__ = (
        UniqueConstraint("recording_sha256", name="uq_episodes_recording_sha256"),
        UniqueConstraint("rules", "player", "seed", "play", name="uq_episodes_play"),
        # Holds all that a line of the standings is made of, so that making it reads this index only.
        Index("ix_episodes_standing", "rules", "player", "score", "started_at"),
        Index("ix_episodes_player", "player"),
        # Finds the same game under another name.
        Index("ix_episodes_digest", "digest"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    rules: Mapped[int] = mapped_column(ForeignKey("rules.id", name="fk_episodes_rules"))
    player: Mapped[int] = mapped_column(ForeignKey("players.id", name="fk_episodes_player"))
    seed: Mapped[int] = mapped_column(BigInteger)
    score: Mapped[float] = mapped_column(Double)
    frames: Mapped[int]
    ended: Mapped[str] = mapped_column(String(16))
    recording_sha256: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))
    play: Mapped[str] = mapped_column(String(64))
    """`Result.play`."""
    recording_name: Mapped[str] = mapped_column(String(255))
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    verified_at: Mapped[datetime] = mapped_column(UTCDateTime)


class StandingRow(Base):
    """What is derived from the episodes of one player under one set of rules. It changes in the transaction that adds
    an episode, so that the standings cost as much as there are players, not as there are episodes."""

    __tablename__ = "standings"

    rules: Mapped[int] = mapped_column(ForeignKey("rules.id", name="fk_standings_rules"), primary_key=True)
    player: Mapped[int] = mapped_column(ForeignKey("players.id", name="fk_standings_player"), primary_key=True)
    episodes: Mapped[int]
    mean: Mapped[float] = mapped_column(Double)
    median: Mapped[float] = mapped_column(Double)
    low: Mapped[float | None] = mapped_column(Double)
    high: Mapped[float | None] = mapped_column(Double)
    best: Mapped[float] = mapped_column(Double)
    last_played: Mapped[datetime] = mapped_column(UTCDateTime)


class VoidRow(Base):
    """An episode that an organizer has struck out. It stays where it is and counts nowhere."""

    __tablename__ = "voids"

    episode: Mapped[int] = mapped_column(
        ForeignKey("episodes.id", name="fk_voids_episode"), primary_key=True, autoincrement=False
    )
    reason: Mapped[str] = mapped_column(Text)


class LogRow(Base):
    """One line of the log of an event (`arena.log`). Rows are added, never changed."""

    __tablename__ = "log"
    __table_args__ = (UniqueConstraint("stream", "number", name="uq_log_stream_number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    stream: Mapped[str] = mapped_column(String(64))
    number: Mapped[int]
    at: Mapped[str] = mapped_column(String(27))
    kind: Mapped[str] = mapped_column(String(32))
    body: Mapped[str] = mapped_column(Text)
    chain: Mapped[str] = mapped_column(String(64))


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
