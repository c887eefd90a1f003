"""Fixtures of the server's tests. Starting a server takes seconds, so most tests share one per database, and each uses
players of its own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from arena.event.folder import open_event
from arena.server.services import Server
from arena.server.settings import ServerSettings
from tests.arena.server.serving import Serving


@contextmanager
def own_database(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database on the PostgreSQL server of this session."""
    psycopg = pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    server = request.getfixturevalue("postgres_server")
    name = f"serving_{secrets.token_hex(6)}"
    with psycopg.connect(**server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield server.url(name)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with Serving(tmp_path_factory.mktemp("sqlite") / "event", options=["--evaluators", "0"]) as running:
        yield running


@pytest.fixture(scope="session")
def on_postgres(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("postgres") / "event"
    with own_database(request) as url, Serving(folder, url, ["--evaluators", "0"]) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
def serving(request: pytest.FixtureRequest) -> Serving:
    """A server that runs, on each database in turn. Its event is open and must be left so."""
    running: Serving = request.getfixturevalue(f"on_{request.param}")
    return running


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty database on PostgreSQL."""
    with own_database(request) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A server's parts without its processes and its port."""
    event = open_event(tmp_path / "event", "Parts")
    place = str(event.database) if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    running = Server(ServerSettings(event, place, 0, 0))
    yield running
    running.stop()
