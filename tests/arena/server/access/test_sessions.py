"""Organizers in a browser: cookie, CSRF, log-out, revocation."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, Response

from arena.event.folder import open_event
from arena.scoreboard.server_tables import Role
from arena.server.access.sessions import (
    COOKIE,
    CheckedSession,
    OrganizerSession,
    clear_cookie,
    log_in,
    log_out,
    set_cookie,
)
from arena.server.access.tokens import TokenError
from arena.server.app import create_app
from arena.server.deps import TheServer
from arena.server.services import Server
from arena.server.settings import ServerSettings


@pytest.fixture
def app(tmp_path: Path) -> Iterator[FastAPI]:
    """The application with three routes as the organizers' pages have them."""
    event = open_event(tmp_path / "event")
    app = create_app(ServerSettings(event, str(event.database)))

    @app.get("/test/in/{token}")
    def come(server: TheServer, token: str, response: Response) -> str:
        value, csrf = log_in(server, token)
        set_cookie(response, value)
        return csrf

    @app.get("/test/see")
    def see(session: OrganizerSession) -> str:
        return session.identity.name

    @app.post("/test/do")
    def do(session: CheckedSession) -> str:
        return session.identity.name

    @app.get("/test/out")
    def leave(response: Response) -> None:
        clear_cookie(response)

    yield app
    app.state.server.board.close()


def ask(app: FastAPI, method: str, path: str, **arguments: Any) -> httpx2.Response:
    async def once() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=True)
        async with httpx2.AsyncClient(transport=transport, base_url="https://arena") as client:
            return await client.request(method, path, **arguments)

    return asyncio.run(once())


def sent_to_log_in(answer: httpx2.Response) -> bool:
    return answer.status_code == 303 and answer.headers["location"] == "/login"


def test_a_cookie_alone_changes_nothing(app: FastAPI) -> None:
    server: Server = app.state.server
    made, token = server.tokens.add(Role.ORGANIZER, "Olga")
    came = ask(app, "GET", f"/test/in/{token}")
    cookie = came.headers["set-cookie"]
    assert cookie.startswith(COOKIE + "=")
    for part in ("HttpOnly", "Secure", "SameSite=strict", "Path=/"):
        assert part.lower() in cookie.lower()
    assert "domain" not in cookie.lower()
    with_cookie = {"Cookie": cookie.split(";")[0]}
    csrf = came.json()
    assert ask(app, "GET", "/test/see", headers=with_cookie).json() == "Olga"
    assert ask(app, "POST", "/test/do", headers=with_cookie).status_code == 403
    assert ask(app, "POST", "/test/do", headers=with_cookie, data={"csrf": "x" * 32}).status_code == 403
    assert ask(app, "POST", "/test/do", headers=with_cookie, data={"csrf": csrf}).json() == "Olga"
    assert ask(app, "POST", "/test/do", headers={**with_cookie, "X-CSRF": csrf}).json() == "Olga"
    assert sent_to_log_in(ask(app, "POST", "/test/do", headers={"X-CSRF": csrf}))
    assert "Max-Age=0" in ask(app, "GET", "/test/out").headers["set-cookie"]
    server.tokens.revoke(made.id)
    assert sent_to_log_in(ask(app, "GET", "/test/see", headers=with_cookie))


def test_who_logs_out_is_out(app: FastAPI) -> None:
    server: Server = app.state.server
    _, token = server.tokens.add(Role.ORGANIZER, "Olga")
    value, _ = log_in(server, f" {token}\n")
    log_out(server, value)
    assert sent_to_log_in(ask(app, "GET", "/test/see", headers={"Cookie": f"{COOKIE}={value}"}))


def test_only_organizers_log_in(app: FastAPI) -> None:
    server: Server = app.state.server
    for role in (Role.SPECTATOR, Role.PARTICIPANT, Role.STATION):
        with pytest.raises(TokenError, match="not an organizer's token"):
            log_in(server, server.tokens.add(role, "Eve")[1])
    with pytest.raises(TokenError):
        log_in(server, "nonsense")
