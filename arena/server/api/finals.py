"""A final's games at the stations: who sits down there gets a ticket for what the tournament waits for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict

from arena.conduct import Conductor
from arena.server.api.fields import Word
from arena.server.api.games import TicketShown, shown
from arena.server.auth import Identity, Role
from arena.server.deps import TheServer, needs
from arena.server.errors import NotFound
from envs.errors import EventError

router = APIRouter(tags=["games"])

Station = Annotated[Identity, Depends(needs(Role.STATION))]
Name = Annotated[str, Path(pattern="^[a-z0-9][a-z0-9-]{0,39}$")]


class Seat(BaseModel):
    model_config = ConfigDict(extra="forbid")

    player: Word


@router.post("/tournaments/{name}/tickets", status_code=201)
def sit_down(server: TheServer, who: Station, name: Name, seat: Seat) -> TicketShown:
    """Get a ticket for the next game that a tournament waits for from this player, on its seed. Asked again before that
    game was verified, it is for the same one, and the first that arrives counts."""
    conductor = Conductor(server.settings.event, server.board, name)
    try:
        conductor.take_in()
        state = conductor.state()
        state.entrant(seat.player)
        slot = next((one for one in conductor.waiting_for(state) if one.player == seat.player), None)
        if slot is None:
            raise NotFound(f"{seat.player} has nothing to play now in {state.plan.title}.")
        seed = conductor.seed_of(state, slot)
    except EventError as error:
        raise NotFound(str(error)) from None
    return shown(server.tickets.issue(who, seat.player, state.plan.rules[slot.game], seed))
