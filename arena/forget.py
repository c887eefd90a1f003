"""Who withdraws consent is removed: no row, no file, no name in the log."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, Select, String, Text, delete, func, insert, select, text
from sqlalchemy.orm import Session

from arena.database import EpisodeRow, LogRow, PlayerRow, StandingRow, plain_errors
from arena.event import Event
from arena.log import EVENT, canonical, chained
from arena.scoreboard import Scoreboard
from envs.errors import EventError, RecordingError
from envs.names import check_name
from recordings.codec import SUFFIX, read
from recordings.storage import JOURNAL_SUFFIX, read_journal

ALIAS = "withdrawn player"


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
    engine = board.engine.execution_options(begin="BEGIN IMMEDIATE")
    with plain_errors(engine.url), Session(engine) as session, session.begin():
        if engine.dialect.name == "sqlite":
            session.execute(text("PRAGMA secure_delete = ON"))  # what is deleted is overwritten
        ids = list(session.scalars(select(PlayerRow.id).where(PlayerRow.name == player)))
        names = [path.name for path in files]
        lines = _rewrite_log(session, player, names)
        if not ids and not files and not lines:
            raise EventError(f"Nothing of a player called {player} is here.")
        episodes = session.scalar(select(func.count()).select_from(EpisodeRow).where(EpisodeRow.player.in_(ids))) or 0
        for table in (EpisodeRow, StandingRow):
            session.execute(delete(table).where(table.player.in_(ids)))
        session.execute(delete(PlayerRow).where(PlayerRow.id.in_(ids)))
    for path in files:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise EventError(f"{path} can't be removed ({error.strerror or error}); remove it yourself.") from None
    _tidy(board)
    return Forgotten(episodes, len(files), lines, list(_left(board, player)))


def _files_of(event: Event, player: str) -> Iterator[Path]:
    """Yield the recordings and journals of a player, and reports, which name everybody."""
    if event.recordings.is_dir():
        for path in sorted(event.recordings.rglob(f"*{SUFFIX}")):
            with suppress(RecordingError):
                if read(path).player.name == player:
                    yield path
        for path in sorted(event.recordings.rglob(f"*{JOURNAL_SUFFIX}*")):
            with suppress(RecordingError, OSError):
                if read_journal(path.read_bytes())[0].player.name == player:
                    yield path
    if event.report.is_dir():
        yield from sorted(path for path in event.report.rglob("*") if path.is_file())


def _rewrite_log(session: Session, player: str, files: Sequence[str]) -> int:
    """Put an alias for the name in every line, and chain the streams anew; return how many lines have changed."""
    query = select(LogRow).order_by(LogRow.stream, LogRow.number)
    rows = list(session.scalars(query))
    alias = f"{ALIAS} {1 + sum(row.kind == 'forgot' for row in rows)}"
    changed: dict[str, int] = {}
    heads: dict[str, str] = {}
    for row in rows:
        heads[row.stream] = row.chain
        body = json.loads(row.body)
        cleaned = _cleaned(body, player, alias)
        if cleaned != body:
            row.body = canonical(cleaned)
            changed[row.stream] = changed.get(row.stream, 0) + 1
    if not changed and not files:
        return 0
    _chain_anew([row for row in rows if row.stream in changed])
    last = [row for row in rows if row.stream == EVENT]
    _note(session, last[-1] if last else None, {"streams": {stream: heads[stream] for stream in sorted(changed)}})
    return sum(changed.values())


def _cleaned(value: Any, player: str, alias: str) -> Any:
    """Return a JSON value with the alias for the name; a score loses its recording, whose file name holds the name."""
    if isinstance(value, dict):
        found = {key: _cleaned(one, player, alias) for key, one in value.items()}
        if value.get("player") == player and "recording" in value:
            found |= {"recording": None, "sha256": None}
        return found
    if isinstance(value, list):
        return [_cleaned(one, player, alias) for one in value]
    if isinstance(value, str) and player in value:
        return alias if value == player else value.replace(player, alias)
    return value


def _chain_anew(rows: Sequence[LogRow]) -> None:
    before: dict[str, str] = {}
    for row in rows:
        row.chain = chained(before.get(row.stream, ""), row.stream, row.number, row.at, row.kind, row.body)
        before[row.stream] = row.chain


def _note(session: Session, last: LogRow | None, body: dict[str, Any]) -> None:
    """Add the line that says that the log was written anew. It names nobody."""
    from datetime import UTC, datetime

    at = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    number, before = (1, "") if last is None else (last.number + 1, last.chain)
    line = canonical(body)
    chain = chained(before, EVENT, number, at, "forgot", line)
    values = {"stream": EVENT, "number": number, "at": at, "kind": "forgot", "body": line, "chain": chain}
    session.flush()
    session.execute(insert(LogRow), [values])


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
    """Yield the columns of any table in which the name still stands: those that other parts of the arena keep."""
    metadata = MetaData()
    with plain_errors(board.engine.url), board.engine.connect() as connection:
        metadata.reflect(connection)
        for table in metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, (String, Text)):
                    query: Select[Any] = select(func.count()).select_from(table)
                    if connection.execute(query.where(column.contains(player, autoescape=True))).scalar():
                        yield f"{table.name}.{column.name}"
