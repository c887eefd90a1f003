"""Ranked games: tickets, what is told while a game runs, and the recordings that are sent in."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from arena.event.secrets import shared
from arena.scoreboard.server_tables import Role
from arena.server.access.tokens import Identity
from arena.server.api.fields import ZIP_BODY, Key, Limit, Number, Sha256, TicketId, Word
from arena.server.api.table import csv_of
from arena.server.deps import Sender, TheServer, needs
from arena.server.errors import Refusal
from arena.server.games.ranked_rules import ranked_rules
from arena.server.games.tickets import Ticket
from arena.server.games.uploads import Receipt
from recordings.live_chain import Link

router = APIRouter(tags=["games"])

MOST_LINKS = 300
"""Links in one message: five minutes of play."""


class TicketWish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    player: Word
    game: Word
    rules: Word = "5min"
    seed: Annotated[int, Field(ge=0, lt=2**53, strict=True)] | None = None
    """Only for stations and organizers; otherwise the server draws it."""


class TicketShown(BaseModel):
    id: str
    player: str
    station: str
    game: str
    rules: dict[str, Any]
    rules_id: str
    rules_label: str
    seed: int | None
    """None until the game begins, where the server has drawn it."""
    state: str
    """issued, started, finished, abandoned or lost."""
    chain: str | None
    """The chain head before the first frame; None as long as `seed` is."""
    issued_at: datetime
    started_at: datetime | None
    recording_sha256: str | None


class StationShown(BaseModel):
    """What a station has to know of its event."""

    name: str
    """The station's own, as its token says."""
    event: str
    seeds: str
    """The secret from which the seeds of the stations' ranked matches follow, 64 hexadecimal digits."""


class LinkSent(BaseModel):
    model_config = ConfigDict(extra="forbid")

    frame: Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
    head: Sha256
    actions: Annotated[str, Field(max_length=200)]
    """The actions since the link before, in base64."""


class Heard(BaseModel):
    frames: int
    """Frames of the game that the server knows."""


@router.get("/station")
def station(server: TheServer, who: Annotated[Identity, Depends(needs(Role.STATION))]) -> StationShown:
    """What a station needs so that everybody at the event plays the same seeds."""
    event = server.settings.event
    return StationShown(name=who.name, event=event.name, seeds=shared(event.folder))


@router.post("/tickets", status_code=201)
def issue(server: TheServer, who: Sender, wish: TicketWish) -> TicketShown:
    """Get the right to play one ranked game. It is for one player, game, rules and seed, and for one game only."""
    rules = ranked_rules(wish.game, wish.rules)
    return shown(server.tickets.issue(who, wish.player, rules, wish.seed))


@router.get("/tickets")
def tickets(server: TheServer, who: Sender, limit: Limit = 200) -> list[TicketShown]:
    """Your tickets, the newest first; organizers see all."""
    return [shown(ticket) for ticket in server.tickets.all(who, limit)]


@router.get("/tickets/{ticket}")
def ticket(server: TheServer, who: Sender, ticket: TicketId) -> TicketShown:
    """One of your tickets."""
    return shown(server.tickets.get(who, ticket))


@router.post("/tickets/{ticket}/start")
def start(server: TheServer, who: Sender, ticket: TicketId) -> TicketShown:
    """Begin the game: from now on it counts, whatever becomes of it."""
    return shown(server.tickets.start(who, ticket))


@router.post("/tickets/{ticket}/links")
def follow(
    server: TheServer,
    who: Sender,
    ticket: TicketId,
    links: Annotated[list[LinkSent], Body(min_length=1, max_length=MOST_LINKS)],
) -> Heard:
    """Tell how the game goes on, every 60 frames."""
    return Heard(frames=server.tickets.follow(who, ticket, [_link(link) for link in links]))


@router.post("/tickets/{ticket}/abandon")
def abandon(server: TheServer, who: Sender, ticket: TicketId) -> TicketShown:
    """Give up a started game: what was told of it counts."""
    given_up = server.tickets.abandon(who, ticket)
    server.verifier.wake()
    return shown(given_up)


@router.post("/recordings", status_code=202, openapi_extra=ZIP_BODY)
async def send(
    server: TheServer,
    who: Sender,
    request: Request,
    key: Key,
    ticket: Annotated[TicketId | None, Header(alias="Arena-Ticket")] = None,
) -> Receipt:
    """Send a recording. When the answer comes it is on the server's disk; whether it counts is known when it was
    replayed (`/uploads/{id}`)."""
    content = await request.body()
    receipt = await run_in_threadpool(server.uploads.accept, who, key, content, ticket)
    if ticket is not None:
        server.tickets.forget(ticket)
    server.verifier.wake()
    return receipt


@router.get("/uploads")
def uploads(server: TheServer, who: Sender, limit: Limit = 200) -> list[Receipt]:
    """What you have sent, the newest first; organizers see all."""
    return server.uploads.all(who, limit)


@router.get("/uploads.csv", response_class=Response)
def uploads_csv(server: TheServer, who: Sender, limit: Limit = 200) -> Response:
    return csv_of(server.uploads.all(who, limit), Receipt)


@router.get("/uploads/{number}")
def upload(server: TheServer, who: Sender, number: Number) -> Receipt:
    """What became of a recording that you have sent."""
    return server.uploads.get(who, number)


def _link(link: LinkSent) -> Link:
    try:
        return Link(link.frame, link.head, base64.b64decode(link.actions, validate=True))
    except (binascii.Error, ValueError):
        raise Refusal("The actions of a link are base64.") from None


def shown(ticket: Ticket) -> TicketShown:
    return TicketShown(
        id=ticket.id,
        player=ticket.player,
        station=ticket.station,
        game=ticket.rules.game,
        rules=ticket.rules.as_dict(),
        rules_id=ticket.rules.rules_id,
        rules_label=ticket.rules.label,
        seed=ticket.seed if ticket.is_told else None,
        state=ticket.state,
        chain=ticket.chain_begins if ticket.is_told else None,
        issued_at=ticket.issued_at,
        started_at=ticket.started_at,
        recording_sha256=ticket.recording_sha256,
    )
