"""Who withdraws consent is removed: no row, no file, no name in the log."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    MetaData,
    Select,
    String,
    Table,
    delete,
    false,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Session

from arena.archive.player_files import files_of_player, naming, player_of
from arena.event.folder import Event
from arena.event.log import EVENT, canonical, chained
from arena.scoreboard.database import plain_errors
from arena.scoreboard.migrations import VERSION_TABLE
from arena.scoreboard.server_tables import Role, SubmissionRow, TicketRow, TokenRow, UploadRow
from arena.scoreboard.store import Scoreboard
from arena.scoreboard.tables import EpisodeRow, LogRow, PlayerRow
from envs.errors import EventError
from envs.names import check_name

ALIAS = "withdrawn player"
SHORT = 3
"""A name shorter than this is replaced only where it stands alone: it may be a word."""
SENTENCES = ("reason", "text")
"""Columns that hold sentences."""
OTHERS = (("tickets", "station"), ("audit", "actor"))
"""Columns that name somebody else than a player."""
UNTOUCHED = (LogRow.__tablename__, VERSION_TABLE)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was removed."""

    episodes: int
    files: int
    lines: int
    """Lines of the log in which the name was replaced."""
    left: Sequence[str]
    """Where the name still stands: tables and columns as `table.column`, and files; empty if nowhere."""
    bots: Sequence[str] = ()
    """Bots that the person has handed in, and whose results are still there."""


def forget(event: Event, board: Scoreboard, name: str) -> Forgotten:
    """Remove everything of the player called `name`, person or bot, from the event folder and its scoreboard, the
    server's tables included. Agents that a person has handed in go with it, but for their results: those are the bot's.

    In tournaments that it has played, an alias takes its place and its scores stay, as those of others rest on them;
    its recordings are gone, so an audit says that these can't be checked any more. The hashes of the log are made anew;
    a line says so, and which they were. It may be killed and run again.

    Raises:
        PlayerNameError: it can't be a name.
        EventError: nothing of that name is there, or a file can't be removed.
    """
    player = check_name(name)
    engine = board.engine.execution_options(begin="BEGIN IMMEDIATE")
    with plain_errors(engine.url), Session(engine) as session:
        hashes, artifacts, bots = _known(session, player)
    files = list(files_of_player(event, player, artifacts, hashes))
    with plain_errors(engine.url), Session(engine) as session, session.begin():
        if engine.dialect.name == "sqlite":
            session.execute(text("PRAGMA secure_delete = ON"))  # what is deleted is overwritten
        alias = f"{ALIAS} {1 + (session.scalar(select(func.count()).where(LogRow.kind == 'forgot')) or 0)}"
        lines = _rewrite_log(session, player, alias)
        rows, episodes = _remove_rows(session, player, hashes, alias)
        others = [path for path in files if not path.is_relative_to(event.report)]
        if not rows and not others and not lines:
            raise EventError(f"Nothing of a player called {player} is here.")
    for path in files:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise EventError(f"{path} can't be removed ({error.strerror or error}); remove it yourself.") from None
    _tidy(board)
    left = [*_left(board, player), *(str(path.relative_to(event.folder)) for path in naming(event, player))]
    return Forgotten(episodes, len(files), lines, left, bots)


# -- rows ------------------------------------------------------------------------------------------------------------


def _known(session: Session, player: str) -> tuple[set[str], set[str], list[str]]:
    """Return the hashes of the player's recordings, those of its agents' files, and the names of bots that it has
    handed in and that stay."""
    mine = select(PlayerRow.id).where(PlayerRow.name == player)
    hashes = set(session.scalars(select(EpisodeRow.recording_sha256).where(EpisodeRow.player.in_(mine))))
    tickets = select(TicketRow.id).where(TicketRow.player == player)
    hashes |= set(session.scalars(select(UploadRow.recording_sha256).where(UploadRow.ticket.in_(tickets))))
    waiting = select(UploadRow.recording_sha256, UploadRow.content).where(UploadRow.content.is_not(None))
    hashes |= {sha for sha, content in session.execute(waiting) if player_of(content or b"") == player}
    submitted = select(SubmissionRow).where(or_(SubmissionRow.token.in_(_tokens(player)), SubmissionRow.name == player))
    submissions = list(session.scalars(submitted))
    artifacts = set(session.scalars(select(PlayerRow.artifact).where(PlayerRow.name == player))) - {""}
    artifacts |= {one.artifact_sha256 for one in submissions}
    there = select(PlayerRow.name).where(PlayerRow.artifact.in_(artifacts), PlayerRow.name != player)
    return hashes, artifacts, sorted(set(session.scalars(there)))


def _tokens(player: str) -> Select[int]:
    """A station or an organizer that happens to have the same name isn't the player."""
    return select(TokenRow.id).where(TokenRow.name == player, TokenRow.role == Role.PARTICIPANT.value)


def _remove_rows(session: Session, player: str, hashes: Collection[str], alias: str) -> tuple[int, int]:
    """Remove every row that names the player or one of its recordings, in every table, and the rows that refer to them;
    in sentences put the alias for the name. Return how many rows that were, and how many episodes."""
    mine = select(PlayerRow.id).where(PlayerRow.name == player)
    episodes = session.scalar(select(func.count()).select_from(EpisodeRow).where(EpisodeRow.player.in_(mine))) or 0
    metadata = MetaData()
    metadata.reflect(session.connection())
    removed = 0
    for table in reversed(metadata.sorted_tables):
        if table.name not in UNTOUCHED:
            _rename(session, table, player, alias)
            removed += _remove(session, metadata, table, or_(_names(table, player), _proves(table, hashes)))
    return removed, episodes


def _rename(session: Session, table: Table, player: str, alias: str) -> None:
    """Put an alias for the name into reasons and the like."""
    key = list(table.primary_key)
    for column in table.columns:
        if column.name not in SENTENCES or len(player) < SHORT:
            continue
        found = session.execute(select(*key, column).where(column.contains(player, autoescape=True))).all()
        for *values, sentence in found:
            where = [one == value for one, value in zip(key, values, strict=True)]
            session.execute(update(table).where(*where).values({column.name: _replaced(sentence, player, alias)}))


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
    if table.name == TokenRow.__tablename__:
        return table.c.id.in_(_tokens(player))
    texts = [c for c in table.columns if isinstance(c.type, String) and (table.name, c.name) not in OTHERS]
    quoted = json.dumps(player), json.dumps(player, ensure_ascii=False)
    return or_(
        false(),
        *(column == player for column in texts),
        *(column.contains(one, autoescape=True) for column in texts for one in quoted),
    )


def _proves(table: Table, hashes: Collection[str]) -> ColumnElement[bool]:
    """A row belongs to a recording if it says its hash."""
    column = table.columns.get("recording_sha256")
    return false() if column is None else column.in_(hashes)


# -- the log ---------------------------------------------------------------------------------------------------------


def _rewrite_log(session: Session, player: str, alias: str) -> int:
    """Put an alias for the name in every line, and chain the streams anew; return how many lines have changed."""
    rows = list(session.scalars(select(LogRow).order_by(LogRow.stream, LogRow.number)))
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
        return _replaced(value, player, alias)
    return value


def _replaced(sentence: str, player: str, alias: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(player)}(?!\w)", alias, sentence)


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
    """Write the database anew: SQLite keeps old pages in its log and its file, PostgreSQL old rows."""
    if board.engine.dialect.name != "sqlite":
        with plain_errors(board.engine.url), board.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM FULL"))
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
