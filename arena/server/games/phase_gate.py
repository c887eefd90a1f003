"""What the event's phase (`arena.event.lifecycle`) means for the server. The phase stands in the log, and nowhere else.

In draft and open everything is taken. Frozen and announced: no bot is taken any more, and ranked games begin at the
stations only, in rehearsals and in the final. Closed: nothing is taken; hidden seeds and their recordings are shown.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from arena.event.lifecycle import PHASE_LINES, Phase, phases_of
from arena.event.log import EVENT
from arena.scoreboard.server_tables import Role
from arena.scoreboard.tables import LogRow
from arena.server.errors import Conflict


def event_phase(session: Session) -> Phase:
    """Return the event's phase."""
    query = select(LogRow.kind).where(LogRow.stream == EVENT, LogRow.kind.in_(PHASE_LINES)).order_by(LogRow.number)
    return phases_of(session.scalars(query))[-1]


def require_open(session: Session) -> None:
    """Refuse a new bot while none are taken.

    Raises:
        Conflict: the event is frozen, announced or closed.
    """
    phase = event_phase(session)
    if not phase.takes_bots:
        raise Conflict(f"The event is {_said(phase)}: nothing new is taken.")


def require_games(session: Session, role: Role) -> None:
    """Refuse a new ranked game; after the freeze they begin at the stations only.

    Raises:
        Conflict: the event is closed, or frozen or announced and this is no station.
    """
    phase = event_phase(session)
    if phase.takes_bots or (phase.takes_station_games and role in (Role.STATION, Role.ORGANIZER)):
        return
    where = " but at the stations" if phase.takes_station_games else ""
    raise Conflict(f"The event is {_said(phase)}: no new ranked game begins{where}.")


def _said(phase: Phase) -> str:
    return "in its final" if phase is Phase.ANNOUNCED else phase.value
