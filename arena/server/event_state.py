"""Whether the event is open, frozen or closed."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from arena.server.errors import Conflict
from arena.server.tables import EventStateRow

OPEN, FROZEN, CLOSED = "open", "frozen", "closed"
"""Open: everything is taken. Frozen: nothing new begins, what was begun is brought to its end. Closed: nothing is taken
any more, and hidden seeds and their recordings are shown."""


def event_state(session: Session) -> str:
    return session.scalar(select(EventStateRow.state).where(EventStateRow.id == 1)) or OPEN


def set_event_state(session: Session, state: str) -> None:
    session.merge(EventStateRow(id=1, state=state))


def require_open(session: Session) -> None:
    """Refuse what begins something new while the event isn't open.

    Raises:
        Conflict: it isn't.
    """
    state = event_state(session)
    if state != OPEN:
        raise Conflict(f"The event is {state}: nothing new is taken.")
