"""A final's games at the stations: who sits down there gets a ticket for what the tournament waits for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from arena.scoreboard.server_tables import Role
from arena.server.access.tokens import Identity
from arena.server.api.fields import Word
from arena.server.api.games import TicketShown, shown
from arena.server.deps import TheServer, needs
from arena.server.errors import NotFound
from arena.server.services import Server
from arena.tournament.model import ScoreSlot, TournamentState
from arena.tournament.runner import TournamentRunner
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
    runner, state, waiting = _waiting(server, name, seat.player)
    slot = _next(state, waiting, seat.player)
    try:
        seed = runner.seed_of(state, slot)
    except EventError as error:
        raise NotFound(str(error)) from None
    return shown(server.tickets.issue(who, seat.player, state.plan.rules[slot.game], seed))


class Together(Seat):
    others: Annotated[list[Word], Field(min_length=1, max_length=20)]
    """Who sits at other stations and begins with this player."""


class Start(BaseModel):
    missing: list[str]
    """Who has that seed to play and hasn't asked in the last seconds."""
    begins_in: float | None
    """Seconds until all begin; null as long as somebody is missing."""


@router.post("/tournaments/{name}/starts")
def begin_together(server: TheServer, who: Station, name: Name, seat: Together) -> Start:
    """Say that this player is ready for the next game. Ask again until it begins: once all are there who play that seed
    together, everybody is told the same moment. Who has played it already isn't waited for."""
    _, state, waiting = _waiting(server, name, seat.player, *seat.others)
    slot = _next(state, waiting, seat.player)
    place = (slot.stage, slot.game, slot.index)
    there = {one.player for one in waiting if (one.stage, one.game, one.index) == place}
    others = [one for one in seat.others if one in there and one != seat.player]
    key = (name, *place, frozenset({seat.player, *seat.others}))
    missing, begins_in = server.starts.ask(key, seat.player, others)
    return Start(missing=missing, begins_in=begins_in)


def _waiting(server: Server, name: str, *players: str) -> tuple[TournamentRunner, TournamentState, list[ScoreSlot]]:
    """Return a tournament of which all `players` are, and what people have to play there.

    Raises:
        NotFound: there is no such tournament, or one of them isn't in it.
    """
    runner = TournamentRunner(server.settings.event, server.board, name)
    try:
        runner.take_in()
        state = runner.state()
        for player in players:
            state.entrant(player)
        return runner, state, runner.waiting_for(state)
    except EventError as error:
        raise NotFound(str(error)) from None


def _next(state: TournamentState, waiting: list[ScoreSlot], player: str) -> ScoreSlot:
    slot = next((one for one in waiting if one.player == player), None)
    if slot is None:
        raise NotFound(f"{player} has nothing to play now in {state.plan.title}.")
    return slot
