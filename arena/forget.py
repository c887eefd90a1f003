"""Who withdraws consent is removed: no row, no file, no name in the log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, MetaData, String, Table, delete, false, func, insert, or_, select, text
from sqlalchemy.orm import Session

from arena.database import EpisodeRow, LogRow, PlayerRow, plain_errors
from arena.event import Event
from arena.log import EVENT, canonical, chained
from arena.migrations import VERSION_TABLE
from arena.scoreboard import Scoreboard
from envs.errors import EventError, RecordingError
from envs.names import check_name
from recordings.codec import SUFFIX, read
from recordings.storage import JOURNAL_SUFFIX, read_journal

ALIAS = "withdrawn player"
SHORT = 3
"""A name shorter than this is replaced only where it stands alone: it may be a word."""
UNTOUCHED = (LogRow.__tablename__, VERSION_TABLE)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was removed."""

    episodes: int
    files: int
    lines: int
    """Lines of the log in which the name was replaced."""
    left: Sequence[str]
    """Tables and columns in which the name still stands, as `table.column`; empty if nowhere."""


def forget(event: Event, board: Scoreboard, name: str) -> Forgotten:
    """Remove everything of the player called `name`, person or bot, from the event folder and its scoreboard.

    In tournaments that it has played, an alias takes its place and its scores stay, as those of others rest on them;
    its recordings are gone, so an audit says that these can't be checked any more. The hashes of the log are made anew;
    a line says so, and which they were. It may be killed and run again.

    Raises:
        PlayerNameError: it can't be a name.
        EventError: nothing of that name is there, or a file can't be removed.
    """
    player = check_name(name)
    files = list(_files_of(event, player))
    reports = [path for path in sorted(event.report.rglob("*")) if path.is_file()] if event.report.is_dir() else []
    engine = board.engine.execution_options(begin="BEGIN IMMEDIATE")
    with plain_errors(engine.url), Session(engine) as session, session.begin():
        if engine.dialect.name == "sqlite":
            session.execute(text("PRAGMA secure_delete = ON"))  # what is deleted is overwritten
        lines = _rewrite_log(session, player)
        rows, episodes = _remove_rows(session, player)
        if not rows and not files and not lines:
            raise EventError(f"Nothing of a player called {player} is here.")
    for path in (*files, *reports):  # reports name everybody
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise EventError(f"{path} can't be removed ({error.strerror or error}); remove it yourself.") from None
    _tidy(board)
    return Forgotten(episodes, len(files) + len(reports), lines, list(_left(board, player)))


def _files_of(event: Event, player: str) -> Iterator[Path]:
    """Yield the recordings and journals of a player."""
    if not event.recordings.is_dir():
        return
    for path in sorted(event.recordings.rglob(f"*{SUFFIX}")):
        with suppress(RecordingError):
            if read(path).player.name == player:
                yield path
    for path in sorted(event.recordings.rglob(f"*{JOURNAL_SUFFIX}*")):
        with suppress(RecordingError, OSError):
            if read_journal(path.read_bytes())[0].player.name == player:
                yield path


# -- rows ------------------------------------------------------------------------------------------------------------


def _remove_rows(session: Session, player: str) -> tuple[int, int]:
    """Remove every row that names the player or one of its recordings, in every table, and the rows that refer to them;
    return how many that were, and how many episodes."""
    mine = select(PlayerRow.id).where(PlayerRow.name == player)
    recordings = select(EpisodeRow.recording_sha256).where(EpisodeRow.player.in_(mine))
    episodes = session.scalar(select(func.count()).select_from(EpisodeRow).where(EpisodeRow.player.in_(mine))) or 0
    hashes = list(session.scalars(recordings))
    metadata = MetaData()
    metadata.reflect(session.connection())
    removed = 0
    for table in reversed(metadata.sorted_tables):
        if table.name not in UNTOUCHED:
            removed += _remove(session, metadata, table, or_(_names(table, player), _proves(table, hashes)))
    return removed, episodes


def _remove(session: Session, metadata: MetaData, table: Table, condition: ColumnElement[bool]) -> int:
    """Delete the rows of `table` that fit, after those that refer to them."""
    removed = 0
    for other in metadata.tables.values():
        for key in other.foreign_keys:
            if key.column.table is table and other is not table:
                referring = key.parent.in_(select(key.column).where(condition))
                removed += _remove(session, metadata, other, referring)
    found = session.scalar(select(func.count()).select_from(table).where(condition)) or 0
    session.execute(delete(table).where(condition))
    return removed + found


def _names(table: Table, player: str) -> ColumnElement[bool]:
    """A row names a player if a text of it is the name, or is JSON with the name in it."""
    texts = [column for column in table.columns if isinstance(column.type, String)]
    quoted = json.dumps(player), json.dumps(player, ensure_ascii=False)
    return or_(
        false(),
        *(column == player for column in texts),
        *(column.contains(one, autoescape=True) for column in texts for one in quoted),
    )


def _proves(table: Table, hashes: Sequence[str]) -> ColumnElement[bool]:
    """A row belongs to a recording if it says its hash."""
    column = table.columns.get("recording_sha256")
    return false() if column is None else column.in_(hashes)


# -- the log ---------------------------------------------------------------------------------------------------------


def _rewrite_log(session: Session, player: str) -> int:
    """Put an alias for the name in every line, and chain the streams anew; return how many lines have changed."""
    rows = list(session.scalars(select(LogRow).order_by(LogRow.stream, LogRow.number)))
    alias = f"{ALIAS} {1 + sum(row.kind == 'forgot' for row in rows)}"
    heads = {row.stream: row.chain for row in rows}
    changed: set[str] = set()
    lines = 0
    for row in rows:
        body = json.loads(row.body)
        cleaned = _cleaned(body, player, alias)
        if cleaned != body:
            row.body = canonical(cleaned)
            changed.add(row.stream)
            lines += 1
    if lines:
        before: dict[str, str] = {}
        for row in rows:
            chain = chained(before.get(row.stream, ""), row.stream, row.number, row.at, row.kind, row.body)
            row.chain = before[row.stream] = chain
        session.flush()
        last = next((row for row in reversed(rows) if row.stream == EVENT), None)
        _note(session, last, {"streams": {stream: heads[stream] for stream in sorted(changed)}})
    return lines


def _cleaned(value: Any, player: str, alias: str) -> Any:
    """Return a JSON value with the alias for the name; a score loses its recording, whose file name holds the name."""
    if isinstance(value, dict):
        found = {key: _cleaned(one, player, alias) for key, one in value.items()}
        if value.get("player") == player and "recording" in value:
            found |= {"recording": None, "sha256": None}
        return found
    if isinstance(value, list):
        return [_cleaned(one, player, alias) for one in value]
    if value == player:
        return alias
    if isinstance(value, str) and len(player) >= SHORT:
        return re.sub(rf"(?<!\w){re.escape(player)}(?!\w)", alias, value)
    return value


def _note(session: Session, last: LogRow | None, body: dict[str, Any]) -> None:
    """Add the line that says that the log was written anew. It names nobody."""
    at = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    number, before = (1, "") if last is None else (last.number + 1, last.chain)
    line = canonical(body)
    chain = chained(before, EVENT, number, at, "forgot", line)
    values = {"stream": EVENT, "number": number, "at": at, "kind": "forgot", "body": line, "chain": chain}
    session.execute(insert(LogRow), [values])


# -- what is left ----------------------------------------------------------------------------------------------------


def _tidy(board: Scoreboard) -> None:
    """SQLite keeps old pages in its log and free pages in its file; both are written anew."""
    if board.engine.dialect.name != "sqlite":
        return
    with plain_errors(board.engine.url):
        raw = board.engine.raw_connection()
        try:
            raw.execute("VACUUM")
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            raw.close()


def _left(board: Scoreboard, player: str) -> Iterator[str]:
    """Yield the columns of any table in which the name still stands."""
    metadata = MetaData()
    with plain_errors(board.engine.url), board.engine.connect() as connection:
        metadata.reflect(connection)
        for table in metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, String):
                    found = or_(column == player, column.contains(json.dumps(player), autoescape=True))
                    if connection.execute(select(func.count()).select_from(table).where(found)).scalar():
                        yield f"{table.name}.{column.name}"
