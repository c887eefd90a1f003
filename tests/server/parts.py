"""A server's parts without its processes and its port, on either database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from arena.event import open_event
from arena.server.auth import Identity, Role
from arena.server.settings import Settings
from arena.server.state import Server


@pytest.fixture(params=["sqlite", "postgres"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    event = open_event(tmp_path / "event", "Parts")
    place = str(event.database) if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    running = Server(Settings(event, place, 0, 0))
    yield running
    running.stop()


def identity(server: Server, role: Role, name: str) -> Identity:
    """Return somebody with a new token."""
    token, _ = server.tokens.add(role, name)
    return Identity(token.id, role, name)
