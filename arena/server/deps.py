"""What routes ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, cast

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from arena.scoreboard.server_tables import Role
from arena.server.access.tokens import VISITOR, Identity
from arena.server.services import Server

_bearer = HTTPBearer(auto_error=False, description="A token made by `arena token add`.")


def the_server(request: Request) -> Server:
    return cast(Server, request.app.state.server)


TheServer = Annotated[Server, Depends(the_server)]


def visitor(
    server: TheServer, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Identity:
    """Return who asks; without a token a spectator. A token that is wrong is refused, not ignored."""
    if credentials is None:
        return VISITOR
    identity = server.tokens.who(credentials.credentials)
    if identity is None:
        raise HTTPException(401, "This token is unknown or was revoked.", {"WWW-Authenticate": "Bearer"})
    return identity


def needs(*roles: Role) -> Callable[[Identity], Identity]:
    """Return a dependency that lets only these roles pass. Organizers pass everywhere."""

    def checked(who: Annotated[Identity, Depends(visitor)]) -> Identity:
        if who.token_id is None:
            raise HTTPException(401, f"This needs a token of {_either(roles)}.", {"WWW-Authenticate": "Bearer"})
        if who.role is not Role.ORGANIZER and who.role not in roles:
            raise HTTPException(403, f"This needs a token of {_either(roles)}; yours is one of {_one(who.role)}.")
        return who

    return checked


def _either(roles: tuple[Role, ...]) -> str:
    return " or ".join(_one(role) for role in roles)


def _one(role: Role) -> str:
    return f"an {role}" if role is Role.ORGANIZER else f"a {role}"


Visitor = Annotated[Identity, Depends(visitor)]
Sender = Annotated[Identity, Depends(needs(Role.PARTICIPANT, Role.STATION))]
Organizer = Annotated[Identity, Depends(needs(Role.ORGANIZER))]
