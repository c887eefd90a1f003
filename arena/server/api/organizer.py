"""What organizers do. Everything is logged with its reason; all but tokens can be undone."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from arena.scoreboard.server_tables import Role
from arena.server.access.tokens import Token, TokenError
from arena.server.api.fields import Limit, Number, Reason, Sha256, Word
from arena.server.api.table import csv_of
from arena.server.deps import Organizer, TheServer
from arena.server.errors import NotFound
from arena.server.games.uploads import Waiting
from arena.server.moderation import AuditEntry

router = APIRouter(prefix="/organizer", tags=["organizer"])


class _Wish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason


class Void(_Wish):
    recording_sha256: Sha256


class Hide(_Wish):
    name: Word


class Approve(_Wish):
    agent: Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)]


class RefuseUpload(_Wish):
    upload: Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)]


class State(_Wish):
    state: Literal["open", "frozen", "announced", "closed"]
    number: Annotated[str, Field(max_length=200)] = ""
    """The public number, for announced."""


class NewToken(_Wish):
    role: Role
    name: Word


class TokenMade(BaseModel):
    id: int
    role: Role
    name: str
    token: str
    """It can't be read again."""


@router.post("/void")
def void(server: TheServer, who: Organizer, wish: Void) -> AuditEntry:
    """Strike out a result."""
    return server.organizing.void(who, wish.recording_sha256, wish.reason)


@router.post("/hide")
def hide(server: TheServer, who: Organizer, wish: Hide) -> AuditEntry:
    """Show a name no more."""
    return server.organizing.hide(who, wish.name, wish.reason)


@router.post("/approve")
def approve(server: TheServer, who: Organizer, wish: Approve) -> AuditEntry:
    """Let an agent be evaluated that waits for it."""
    return server.organizing.approve(who, wish.agent, wish.reason)


@router.get("/uploads")
def uploads(server: TheServer, _: Organizer, limit: Limit = 200) -> list[Waiting]:
    """The recordings that wait to be verified, the oldest first."""
    return server.uploads.queue(limit)


@router.post("/refuse")
def refuse(server: TheServer, who: Organizer, wish: RefuseUpload) -> AuditEntry:
    """Refuse a recording that waits to be verified."""
    return server.organizing.refuse(who, wish.upload, wish.reason)


@router.post("/state")
def state(server: TheServer, who: Organizer, wish: State) -> AuditEntry:
    """Open, freeze, announce or close the event."""
    return server.organizing.set_state(who, wish.state, wish.reason, wish.number)


@router.post("/undo/{number}")
def undo(server: TheServer, who: Organizer, number: Number, wish: _Wish) -> AuditEntry:
    """Take back what an entry of the log says."""
    return server.organizing.undo(who, number, wish.reason)


@router.get("/audit")
def audit(server: TheServer, _: Organizer, limit: Limit = 200) -> list[AuditEntry]:
    """What organizers did, the newest first."""
    return server.organizing.entries(limit)


@router.get("/audit.csv", response_class=Response)
def audit_csv(server: TheServer, _: Organizer, limit: Limit = 200) -> Response:
    return csv_of(server.organizing.entries(limit), AuditEntry)


@router.get("/tokens")
def tokens(server: TheServer, _: Organizer) -> list[Token]:
    """All tokens, without the tokens themselves."""
    return server.tokens.all()


@router.post("/tokens", status_code=201)
def add_token(server: TheServer, who: Organizer, wish: NewToken) -> TokenMade:
    """Make a token."""
    made, token = server.tokens.add(wish.role, wish.name)
    server.organizing.note(who, "token", f"{made.id} {made.role} {made.name}", wish.reason)
    return TokenMade(id=made.id, role=made.role, name=made.name, token=token)


@router.post("/tokens/{number}/revoke")
def revoke_token(server: TheServer, who: Organizer, number: Number, wish: _Wish) -> Token:
    """Let a token be worth nothing from now on."""
    try:
        revoked = server.tokens.revoke(number)
    except TokenError as error:
        raise NotFound(str(error)) from None
    server.organizing.note(who, "revoke", str(number), wish.reason)
    return revoked
