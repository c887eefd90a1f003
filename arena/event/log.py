"""The log of an event: what was decided and what happened, line after line, in the order in which it happened.

It lies in the scoreboard's database. Lines are added and never changed; a mistake is corrected by another line. Every
line carries a hash over itself and the line before (its `chain`): whoever has noted the last one notices any change.
There is one stream of lines for the event itself and one for each tournament.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from arena.scoreboard.database import plain_errors
from arena.scoreboard.tables import LogRow
from envs.errors import EventError

EVENT = "event"
"""The stream of the event itself."""
TOURNAMENT = "tournament:"
"""What the stream of a tournament begins with; its name follows."""


class ConcurrentWrite(EventError):
    """Another program has written to the stream since it was read; read it again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log."""

    stream: str
    number: int
    """1 for the first line of its stream."""
    at: str
    """When it was written, UTC, by the clock of the machine that wrote it."""
    kind: str
    body: dict[str, Any]
    """Plain JSON."""
    chain: str
    """SHA-256 over this line and the one before, in hexadecimal."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def canonical(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def chained(before: str, stream: str, number: int, at: str, kind: str, body: str) -> str:
    """Return the chain hash of a line whose predecessor has `before` ("" for the first line).

    Args:
        body: as canonical JSON.
    """
    return hashlib.sha256("\n".join((before, stream, str(number), at, kind, body)).encode("ascii")).hexdigest()


def check_chain(entries: Sequence[Entry]) -> None:
    """Check that `entries` are a whole stream, unchanged since it was written.

    Raises:
        EventError: a line was changed, taken out or put in.
    """
    before = ""
    for number, entry in enumerate(entries, start=1):
        body = canonical(entry.body)
        if entry.number != number or entry.chain != chained(before, entry.stream, number, entry.at, entry.kind, body):
            raise EventError(f"Line {number} of the log {entry.stream!r} was changed after it was written.")
        before = entry.chain


class Log:
    """The log in a scoreboard's database.

    Args:
        engine: `Scoreboard.engine`; the scoreboard's opening has made the table.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def streams(self) -> list[str]:
        """Return the names of all streams, sorted."""
        with plain_errors(self._engine.url), Session(self._engine) as session:
            return sorted(session.scalars(select(LogRow.stream).distinct()))

    def entries(self, stream: str, after: int = 0) -> list[Entry]:
        """Return the lines of `stream` behind number `after`, in order."""
        columns = (LogRow.number, LogRow.at, LogRow.kind, LogRow.body, LogRow.chain)
        query = select(*columns).where(LogRow.stream == stream, LogRow.number > after).order_by(LogRow.number)
        with plain_errors(self._engine.url), Session(self._engine) as session:
            return [
                Entry(stream, number, at, kind, json.loads(body), chain)
                for number, at, kind, body, chain in session.execute(query)
            ]

    def append(self, stream: str, lines: Sequence[tuple[str, dict[str, Any]]], after: int) -> None:
        """Add lines, all or none; on return they are on the disk.

        Args:
            stream: where to.
            lines: kind and body of each.
            after: number of the last line that the writer knows.

        Raises:
            Overtaken: there are further lines; nothing was added.
        """
        if not lines:
            return
        engine = self._engine.execution_options(begin="BEGIN IMMEDIATE")
        try:
            with plain_errors(self._engine.url), Session(engine) as session, session.begin():
                last = session.scalar(select(func.max(LogRow.number)).where(LogRow.stream == stream)) or 0
                if last != after:
                    raise ConcurrentWrite(f"Another program has just written to the log {stream!r}; try again.")
                query = select(LogRow.chain).where(LogRow.stream == stream, LogRow.number == after)
                session.execute(insert(LogRow), _rows(stream, lines, after, session.scalar(query) or ""))
        except IntegrityError:  # on PostgreSQL two writers may both have come to here
            raise ConcurrentWrite(f"Another program has just written to the log {stream!r}; try again.") from None


def _rows(stream: str, lines: Sequence[tuple[str, dict[str, Any]]], after: int, chain: str) -> list[dict[str, Any]]:
    at = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    rows = []
    for number, (kind, body) in enumerate(lines, start=after + 1):
        text = canonical(body)
        chain = chained(chain, stream, number, at, kind, text)
        rows.append({"stream": stream, "number": number, "at": at, "kind": kind, "body": text, "chain": chain})
    return rows
