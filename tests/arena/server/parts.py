"""People and stations at a server's parts, without a port."""

from __future__ import annotations

from arena.scoreboard.server_tables import Role
from arena.server.access.tokens import Identity
from arena.server.services import Server


def identity(server: Server, role: Role, name: str) -> Identity:
    """Return somebody with a new token."""
    token, _ = server.tokens.add(role, name)
    return Identity(token.id, role, name)
