"""Agents that are sent in, and their way through the queue.

Who evaluates an agent has a lease on it: it gives a sign of life (`beat`) again and again. Whoever sees no new sign for
the length of a lease, by his own running clock, puts the agent back into the queue; of several who see it, one does.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import and_, func, insert, or_, select, update
from sqlalchemy.orm import Session

from arena.scoreboard.server_tables import (
    DONE,
    FAILED,
    HELD,
    QUEUED,
    RUNNING,
    WITHDRAWN,
    Role,
    SubmissionLogRow,
    SubmissionRow,
    TokenRow,
)
from arena.scoreboard.store import Scoreboard, insert_or_ignore
from arena.server.access.tokens import Identity
from arena.server.clock import Clock
from arena.server.errors import Conflict, NotFound, TooMany
from arena.server.games.phase_gate import require_open
from arena.server.games.ranked_rules import rules_from_json
from arena.server.settings import ServerSettings
from envs.names import check_name
from envs.rules import Rules
from recordings.storage import write_atomically

MOST_ATTEMPTS = 3
"""Times that an agent may bring down who evaluates it."""


@dataclass(frozen=True, slots=True)
class Submission:
    """An agent that was sent in."""

    id: int
    name: str
    game: str
    rules_id: str
    rules_label: str
    artifact_sha256: str
    owner: str
    state: str
    """held (waits for an organizer), queued, running, done, failed, rejected, withdrawn."""
    reason: str
    place: int | None
    """How many will be evaluated before it, and one; None unless it is queued."""
    played: int
    planned: int
    received_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class LogLine:
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class SubmissionJob:
    """An agent that is to be evaluated now."""

    id: int
    name: str
    rules: Rules
    path: Path
    planned: int
    worker: str
    attempt: int


class Submissions:
    """The agents in the scoreboard's database, and their files in the event folder."""

    def __init__(self, board: Scoreboard, clock: Clock, settings: ServerSettings) -> None:
        self._board = board
        self._clock = clock
        self._settings = settings
        self.folder = settings.event.folder / "agents"

    def accept(self, who: Identity, key: str, content: bytes, name: str, rules: Rules) -> Submission:
        """Store an agent to be evaluated; on return it is on the disk. The same key with the same content gets the
        same answer.

        Raises:
            Conflict: the key came with another content before, or the event isn't open.
            TooMany: the sender has too many waiting already.
        """
        name = check_name(name)
        artifact = hashlib.sha256(content).hexdigest()
        said = hashlib.sha256(f"{artifact}\n{name}\n{rules.rules_id}".encode()).hexdigest()
        with self._board.reading() as session:
            known = _known(session, who, key, said)
        if known is not None:
            return known
        write_atomically(self.path(artifact), content)  # before the row: what the queue names is there
        state = HELD if self._settings.approval else QUEUED
        values = {
            "token": who.token_id,
            "key": key,
            "body_sha256": said,
            "name": name,
            "game": rules.game,
            "rules_id": rules.rules_id,
            "rules": rules.canonical_json(),
            "artifact_sha256": artifact,
            "state": state,
            "reason": "",
            "played": 0,
            "planned": self._settings.evaluation_seeds,
            "attempts": 0,
            "worker": "",
            "beat": 0,
            "received_at": self._clock.now(),
            "ended_at": None,
        }
        with self._board.writing() as session:
            require_open(session)
            self._check_waiting(session, who)
            adding = insert_or_ignore(session, SubmissionRow).on_conflict_do_nothing().returning(SubmissionRow.id)
            number = session.execute(adding, values).scalar()
            if number is not None:
                waits = "waits for an organizer" if state == HELD else "waits for its evaluation"
                self._log(session, number, f"Received {len(content):,} bytes ({artifact[:12]}); {waits}.")
            known = _known(session, who, key, said)
            assert known is not None
            return known

    def path(self, artifact_sha256: str) -> Path:
        """Return where an agent's file lies."""
        return self.folder / f"{artifact_sha256}.zip"

    def get(self, who: Identity, number: int) -> tuple[Submission, list[LogLine]]:
        """Return one of the sender's agents with its log; organizers see all."""
        with self._board.reading() as session:
            row = _held(session, who, number)
            query = select(SubmissionLogRow).where(SubmissionLogRow.submission == number).order_by(SubmissionLogRow.id)
            log = [LogLine(line.at, line.text) for line in session.scalars(query)]
            return _submission(session, row), log

    def all(self, who: Identity | None = None, limit: int = 200) -> list[Submission]:
        """Return the newest agents, of everybody or of `who`."""
        query = select(SubmissionRow).order_by(SubmissionRow.id.desc()).limit(limit)
        if who is not None and who.role is not Role.ORGANIZER:
            query = query.where(SubmissionRow.token == who.token_id)
        with self._board.reading() as session:
            return [_submission(session, row) for row in session.scalars(query).all()]

    def withdraw(self, who: Identity, number: int) -> Submission:
        """Take an agent out of the queue that nobody has begun to evaluate.

        Raises:
            Conflict: it is being evaluated, or was.
        """
        with self._board.writing() as session:
            row = _held(session, who, number)
            if row.state not in (HELD, QUEUED, WITHDRAWN):
                raise Conflict(f"This agent is {row.state}; only one that waits can be withdrawn.")
            row.state, row.ended_at = WITHDRAWN, row.ended_at or self._clock.now()
            session.flush()
            return _submission(session, row)

    # -- for those who evaluate --------------------------------------------------------------------------------------

    def claim(self, worker: str) -> SubmissionJob | None:
        """Take the next agent whose owner has evaluations left today; None if there is none."""
        with self._board.writing() as session:
            spent = self._spent_owners(session)
            query = select(SubmissionRow).where(SubmissionRow.state == QUEUED, SubmissionRow.token.not_in(spent))
            row = session.scalar(query.order_by(SubmissionRow.id).limit(1).with_for_update(skip_locked=True))
            if row is None:
                return None
            row.state, row.worker, row.beat, row.played = RUNNING, worker, row.beat + 1, 0
            row.attempts += 1
            self._log(session, row.id, f"Evaluation begins (attempt {row.attempts}).")
            rules = rules_from_json(row.rules)
            return SubmissionJob(
                row.id, row.name, rules, self.path(row.artifact_sha256), row.planned, worker, row.attempts
            )

    def beat(self, job: SubmissionJob, played: int | None = None) -> bool:
        """Give a sign of life; return whether the job is still this worker's."""
        values: dict[str, Any] = {"beat": SubmissionRow.beat + 1} | ({} if played is None else {"played": played})
        with self._board.writing() as session:
            return _change_mine(session, job, values)

    def end(self, job: SubmissionJob, state: str, reason: str) -> bool:
        """Say how the evaluation ended; return whether the job was still this worker's."""
        with self._board.writing() as session:
            values = {"state": state, "reason": reason, "worker": "", "ended_at": self._clock.now()}
            mine = _change_mine(session, job, values)
            if mine:
                self._log(session, job.id, reason)
            return mine

    def beats(self) -> dict[int, tuple[str, int]]:
        """Return who evaluates what, with the number of signs of life so far."""
        query = select(SubmissionRow.id, SubmissionRow.worker, SubmissionRow.beat).where(SubmissionRow.state == RUNNING)
        with self._board.reading() as session:
            return {row.id: (row.worker, row.beat) for row in session.execute(query)}

    def take_back(self, number: int, worker: str, beat: int, *, blame: bool = True) -> bool:
        """Put an agent back into the queue whose worker has given no sign since `beat`; of several who try it, one
        does it. With `blame` it may have been the agent's doing: after a few times it has failed."""
        with self._board.writing() as session:
            query = select(SubmissionRow).filter_by(id=number, worker=worker, beat=beat, state=RUNNING)
            row = session.scalar(query.with_for_update())
            if row is None:
                return False
            row.worker = ""
            if not blame:
                row.attempts -= 1
            if row.attempts >= MOST_ATTEMPTS:
                row.state, row.ended_at = FAILED, self._clock.now()
                row.reason = f"Its evaluation broke down {row.attempts} times."
                self._log(session, number, row.reason)
            else:
                row.state = QUEUED
                self._log(session, number, "The evaluation broke off; it is taken up again.")
            return True

    # ------------------------------------------------------------------------------------------------------------------

    def _spent_owners(self, session: Session) -> list[int]:
        """Return the tokens of participants who have had today's evaluations, whichever of their tokens they used.
        Those that run may yet be completed."""
        midnight = self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        today = SubmissionRow.ended_at >= midnight
        names = (
            select(TokenRow.name)
            .join(SubmissionRow, SubmissionRow.token == TokenRow.id)
            .where(or_(SubmissionRow.state == RUNNING, and_(SubmissionRow.state == DONE, today)))
            .group_by(TokenRow.name)
            .having(func.count() >= self._settings.limits.evaluations_per_day)
        )
        return list(session.scalars(select(TokenRow.id).where(TokenRow.name.in_(names))))

    def _check_waiting(self, session: Session, who: Identity) -> None:
        query = select(func.count()).where(SubmissionRow.token == who.token_id, SubmissionRow.state.in_((HELD, QUEUED)))
        if session.scalar(query) >= (most := self._settings.limits.waiting_per_owner):  # type: ignore[operator]
            raise TooMany(f"{most} of your agents are waiting already; withdraw one, or wait.")

    def _log(self, session: Session, number: int, text: str) -> None:
        session.execute(insert(SubmissionLogRow).values(submission=number, at=self._clock.now(), text=text))


def _change_mine(session: Session, job: SubmissionJob, values: dict[str, Any]) -> bool:
    """Change a running evaluation; return False, and change nothing, if it isn't this worker's any more."""
    query = update(SubmissionRow).where(
        SubmissionRow.id == job.id,
        SubmissionRow.state == RUNNING,
        SubmissionRow.worker == job.worker,
        SubmissionRow.attempts == job.attempt,
    )
    return session.scalar(query.values(**values).returning(SubmissionRow.id)) is not None


def _known(session: Session, who: Identity, key: str, said: str) -> Submission | None:
    row = session.scalar(select(SubmissionRow).where(SubmissionRow.token == who.token_id, SubmissionRow.key == key))
    if row is None:
        return None
    if row.body_sha256 != said:
        raise Conflict("This idempotency key came with another agent before; take a new key for each.")
    return _submission(session, row)


def _held(session: Session, who: Identity, number: int) -> SubmissionRow:
    row = session.get(SubmissionRow, number)
    if row is None or (row.token != who.token_id and who.role is not Role.ORGANIZER):
        raise NotFound("You have sent no such agent.")
    return row


def _submission(session: Session, row: SubmissionRow) -> Submission:
    place = None
    if row.state == QUEUED:
        before = select(func.count()).where(SubmissionRow.state == QUEUED, SubmissionRow.id <= row.id)
        place = session.scalar(before)
    return Submission(
        id=row.id,
        name=row.name,
        game=row.game,
        rules_id=row.rules_id,
        rules_label=rules_from_json(row.rules).label,
        artifact_sha256=row.artifact_sha256,
        owner=session.scalars(select(TokenRow.name).where(TokenRow.id == row.token)).one(),
        state=row.state,
        reason=row.reason,
        place=place,
        played=row.played,
        planned=row.planned,
        received_at=row.received_at,
        ended_at=row.ended_at,
    )
