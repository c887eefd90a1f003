"""People and stations at a server's parts, without a port."""

from __future__ import annotations

from arena.server.auth import Identity, Role
from arena.server.state import Server


def identity(server: Server, role: Role, name: str) -> Identity:
    """Return somebody with a new token."""
    token, _ = server.tokens.add(role, name)
    return Identity(token.id, role, name)
