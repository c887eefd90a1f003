"""What organizers may do. Everything is written down with its reason, and can be undone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from arena.event.folder import Event, open_event
from arena.event.lifecycle import EventLifecycle, Phase
from arena.event.log import Log
from arena.scoreboard.server_tables import HELD, QUEUED, AuditRow, HiddenNameRow, SubmissionRow, UploadRow
from arena.scoreboard.store import Scoreboard
from arena.server.access.tokens import Identity
from arena.server.clock import Clock
from arena.server.errors import Conflict, NotFound, Refusal
from arena.server.games.phase_gate import event_phase
from arena.server.games.uploads import RECEIVED, REFUSED
from envs.errors import EventError, ScoreboardError
from envs.names import check_name

VOID, HIDE, APPROVE, REFUSE, STATE, UNDO = "void", "hide", "approve", "refuse", "state", "undo"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that an organizer did."""

    id: int
    at: datetime
    actor: str
    action: str
    """void, hide, approve, refuse, state, undo, or token and revoke, which can't be undone."""
    subject: str
    """A recording's hash, a name, the number of an agent or an upload, a state, or the number of the entry that was
    undone."""
    reason: str
    undone_by: int | None


class Organizing:
    """The organizers' actions on the scoreboard's database.

    Args:
        board: the scoreboard.
        event: the event folder.
        clock: the server's.
        tell: publishes an event.
        closing: called after the event was closed.
    """

    def __init__(
        self,
        board: Scoreboard,
        event: Event,
        clock: Clock,
        tell: Callable[[str, dict[str, object]], None],
        closing: Callable[[], None],
    ) -> None:
        self._board = board
        self._event = event
        self._phase = self.phase()
        self._clock = clock
        self._tell = tell
        self._closing = closing

    def void(self, who: Identity, recording_sha256: str, reason: str) -> AuditEntry:
        """Strike out a result: it stays visible as struck out, and counts nowhere.

        Raises:
            NotFound: there is no such result.
            Conflict: it is struck out already.
        """
        with self._board.writing() as session:
            before = self._set_void(session, recording_sha256, reason)
            if before is not None:
                raise Conflict("This result is struck out already.")
            entry = self._write(session, who, VOID, recording_sha256, reason, None)
        self._tell("void", {"recording_sha256": recording_sha256, "void": True})
        return entry

    def hide(self, who: Identity, name: str, reason: str) -> AuditEntry:
        """Show a name no more, anywhere.

        Raises:
            Conflict: it is hidden already.
        """
        name = check_name(name)
        with self._board.writing() as session:
            if session.get(HiddenNameRow, name) is not None:
                raise Conflict("This name is hidden already.")
            session.execute(insert(HiddenNameRow).values(name=name))
            entry = self._write(session, who, HIDE, name, reason, None)
        self._tell("names", {})
        return entry

    def approve(self, who: Identity, agent: int, reason: str) -> AuditEntry:
        """Let an agent that waits for it be evaluated.

        Raises:
            NotFound, Conflict: there is none, or it doesn't wait.
        """
        with self._board.writing() as session:
            row = session.get(SubmissionRow, agent, with_for_update=True)
            if row is None:
                raise NotFound(f"There is no agent {agent}.")
            if row.state != HELD:
                raise Conflict(f"This agent is {row.state}; it doesn't wait for an approval.")
            row.state = QUEUED
            entry = self._write(session, who, APPROVE, str(agent), reason, None)
        self._tell("agent", {"id": agent, "state": QUEUED})
        return entry

    def refuse(self, who: Identity, upload: int, reason: str) -> AuditEntry:
        """Refuse a recording that was sent in and waits to be verified.

        Raises:
            NotFound, Conflict: there is none, or it was decided already.
        """
        with self._board.writing() as session:
            row = session.get(UploadRow, upload, with_for_update=True)
            if row is None:
                raise NotFound(f"There is no recording {upload}.")
            if row.state != RECEIVED:
                raise Conflict(f"This recording was {row.state} already.")
            row.state, row.reason, row.decided_at = REFUSED, f"by the organizers: {reason}", self._clock.now()
            return self._write(session, who, REFUSE, str(upload), reason, None)

    def phase(self) -> Phase:
        with self._board.reading() as session:
            return event_phase(session)

    def lifecycle(self) -> EventLifecycle:
        """What moves the event from phase to phase, with event.toml as it is now."""
        return EventLifecycle(open_event(self._event.folder), Log(self._board.engine))

    def set_state(self, who: Identity, state: str, reason: str, number: str = "") -> AuditEntry:
        """Open, freeze, announce or close the event, or open it again; all of it is a step of `arena.event.lifecycle`.
        Closing counts the games that still run as broken off, and shows hidden seeds.

        Args:
            number: the public number, for announced.

        Raises:
            Refusal: there is no such state.
            Conflict: it is in that state already, or can't come to it from the present one.
        """
        if state not in (Phase.OPEN, Phase.FROZEN, Phase.ANNOUNCED, Phase.CLOSED):
            raise Refusal("An event can be made open, frozen, announced or closed.")
        before = self.phase()
        if before == state:
            raise Conflict(f"The event is {state} already.")
        note = {"by": who.name, "reason": reason}
        try:
            lifecycle = self.lifecycle()
            match state:
                case Phase.OPEN:
                    now = lifecycle.open(**note) if before is Phase.DRAFT else lifecycle.reopen(**note)
                case Phase.FROZEN:
                    now = lifecycle.freeze(**note)
                case Phase.ANNOUNCED:
                    now = lifecycle.announce(number, **note)
                case _:
                    now = lifecycle.close(**note)
        except EventError as error:
            raise Conflict(str(error)) from None
        with self._board.writing() as session:
            entry = self._write(session, who, STATE, now.phase.value, reason, before)
        self.look()
        return entry

    def look(self) -> None:
        """Tell of a new phase, whoever has brought it about."""
        phase = self.phase()
        if phase is not self._phase:
            self._phase = phase
            if phase is Phase.CLOSED:
                self._closing()
            self._tell("event", {"state": phase.value})

    def undo(self, who: Identity, number: int, reason: str) -> AuditEntry:
        """Take back what an entry says.

        Raises:
            NotFound, Conflict: there is none, it was undone already, or it can't be any more.
        """
        self._reopen(who, number, reason)
        with self._board.writing() as session:
            done = session.get(AuditRow, number, with_for_update=True)
            if done is None:
                raise NotFound(f"There is no entry {number}.")
            if done.undone_by is not None:
                raise Conflict(f"This was undone already, by entry {done.undone_by}.")
            action, subject = done.action, done.subject
            self._take_back(session, action, subject)
            entry = self._write(session, who, UNDO, str(number), reason, None)
            session.execute(update(AuditRow).where(AuditRow.id == number).values(undone_by=entry.id))
        match action:
            case "void":
                self._tell("void", {"recording_sha256": subject, "void": False})
            case "hide":
                self._tell("names", {})
            case "approve":
                self._tell("agent", {"id": int(subject), "state": HELD})
            case _:
                self.look()
        return entry

    def _reopen(self, who: Identity, number: int, reason: str) -> None:
        """Take back the step of the event that an entry is about; do nothing if it is about something else.

        Raises:
            Conflict: it can't be any more.
        """
        with self._board.reading() as session:
            done = session.get(AuditRow, number)
            if done is None or done.action != STATE or done.undone_by is not None:
                return
            subject = done.subject
        if self.phase() != subject:
            raise Conflict("The event's state was changed since; undo that first.")
        try:
            self.lifecycle().reopen(by=who.name, reason=reason)
        except EventError as error:
            raise Conflict(str(error)) from None

    def note(self, who: Identity, action: str, subject: str, reason: str) -> AuditEntry:
        """Write down what was done elsewhere, such as a new token."""
        with self._board.writing() as session:
            return self._write(session, who, action, subject, reason, None)

    def entries(self, limit: int = 200) -> list[AuditEntry]:
        """Return what was done, the newest first."""
        with self._board.reading() as session:
            return [_entry(row) for row in session.scalars(select(AuditRow).order_by(AuditRow.id.desc()).limit(limit))]

    def _take_back(self, session: Session, action: str, subject: str) -> None:
        match action:
            case "void":
                self._set_void(session, subject, None)
            case "hide":
                session.execute(delete(HiddenNameRow).where(HiddenNameRow.name == subject))
            case "approve":
                query = update(SubmissionRow).where(SubmissionRow.id == int(subject), SubmissionRow.state == QUEUED)
                if session.scalar(query.values(state=HELD).returning(SubmissionRow.id)) is None:
                    raise Conflict("This agent is being evaluated already, or was.")
            case "refuse":
                query = update(UploadRow).where(UploadRow.id == int(subject), UploadRow.content.is_not(None))
                session.execute(query.values(state=RECEIVED, reason="", attempts=0, decided_at=None))
            case "state":
                pass  # `_reopen` has done it
            case _:
                raise Conflict(f"A {action} can't be undone.")

    def _set_void(self, session: Session, recording_sha256: str, reason: str | None) -> str | None:
        try:
            return self._board.void_within(session, recording_sha256, reason)
        except ScoreboardError as error:
            raise NotFound(str(error)) from None

    def _write(
        self, session: Session, who: Identity, action: str, subject: str, reason: str, before: object
    ) -> AuditEntry:
        values = {
            "at": self._clock.now(),
            "actor": who.name,
            "action": action,
            "subject": subject,
            "reason": reason,
            "before": json.dumps(before),
            "undone_by": None,
        }
        number = session.scalars(insert(AuditRow).values(**values).returning(AuditRow.id)).one()
        return _entry(session.get_one(AuditRow, number))


def _entry(row: AuditRow) -> AuditEntry:
    return AuditEntry(row.id, row.at, row.actor, row.action, row.subject, row.reason, row.undone_by)
