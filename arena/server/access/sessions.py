"""Organizers in a browser: a cookie that only this server gets, and a second secret in every form (CSRF)."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, HTTPException, Request, Response
from sqlalchemy import delete, insert, select

from arena.scoreboard.server_tables import Role, SessionRow, TokenRow
from arena.server.access.tokens import Identity, TokenError, hashed
from arena.server.deps import TheServer
from arena.server.services import Server

COOKIE = "__Host-arena"
"""The prefix makes browsers demand Secure, no domain and the path /: no other host can set it."""
LASTS = timedelta(hours=16)


class NotLoggedIn(Exception):
    """A page needs an organizer who has logged in."""


@dataclass(frozen=True, slots=True)
class Session:
    identity: Identity
    csrf: str
    """To be put into every form as the field `csrf`, or sent as the header X-CSRF."""


def log_in(server: Server, token: str) -> tuple[str, str]:
    """Return the cookie's value and the CSRF secret for an organizer's token.

    Raises:
        TokenError: it isn't one.
    """
    identity = server.tokens.who(token.strip())
    if identity is None or identity.role is not Role.ORGANIZER:
        raise TokenError("This is not an organizer's token; `arena token add` makes one.")
    value, csrf = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    row = {"hash": hashed(value), "token": identity.token_id, "csrf": csrf, "created_at": server.clock.now()}
    with server.board.writing() as session:
        session.execute(delete(SessionRow).where(SessionRow.created_at < server.clock.now() - LASTS))
        session.execute(insert(SessionRow).values(**row))
    return value, csrf


def log_out(server: Server, value: str) -> None:
    with server.board.writing() as session:
        session.execute(delete(SessionRow).where(SessionRow.hash == hashed(value)))


def set_cookie(response: Response, value: str) -> None:
    response.set_cookie(
        COOKIE, value, max_age=int(LASTS.total_seconds()), path="/", secure=True, httponly=True, samesite="strict"
    )


def clear_cookie(response: Response) -> None:
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")


def organizer_session(request: Request, server: TheServer) -> Session:
    """Return the session of the organizer whose browser asks.

    Raises:
        NotLoggedIn: there is none, it is too old, or its token was revoked.
    """
    value = request.cookies.get(COOKIE)
    if not value:
        raise NotLoggedIn
    query = (
        select(SessionRow.csrf, TokenRow.id, TokenRow.name, TokenRow.role)
        .join(TokenRow, TokenRow.id == SessionRow.token)
        .where(SessionRow.hash == hashed(value), TokenRow.revoked_at.is_(None))
        .where(SessionRow.created_at > server.clock.now() - LASTS)
    )
    with server.board.reading() as session:
        row = session.execute(query).first()
    if row is None:
        raise NotLoggedIn
    return Session(Identity(row.id, Role(row.role), row.name), row.csrf)


OrganizerSession = Annotated[Session, Depends(organizer_session)]


async def checked_csrf(request: Request, session: OrganizerSession) -> Session:
    """For every route by which a browser changes something: refuse what another site made the browser send."""
    given = request.headers.get("X-CSRF") or str((await request.form()).get("csrf", ""))
    if not hmac.compare_digest(given.encode(), session.csrf.encode()):
        raise HTTPException(403, "This form is out of date; load the page again.")
    return session


CheckedSession = Annotated[Session, Depends(checked_csrf)]
__all__ = ["COOKIE", "CheckedSession", "NotLoggedIn", "OrganizerSession", "TokenError", "log_in", "log_out"]
