"""What every web page is made with: templates, addresses of files, times, links, and answers."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup

from arena.html import environment
from arena.server.public_views import EventView
from envs.errors import ArenaError
from envs.games import find_game

if TYPE_CHECKING:
    from jinja2 import Environment

    from arena.server.services import Server

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
STATIC = HERE / "static"


class Who(Protocol):
    """A player, as results and standings name it."""

    @property
    def player(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def artifact_sha256(self) -> str | None: ...


@cache
def templates() -> Environment:
    made = environment.environment(TEMPLATES, environment.TEMPLATES)
    made.filters |= {
        "player_url": player_url,
        "agent_url": lambda agent: _player_url(agent.name, "bot", agent.artifact_sha256),
        "title_of": title_of,
        "clock_time": lambda when: _time(when, "%H:%M"),
        "day_time": lambda when: _time(when, "{0.day} %b, %H:%M"),
    }
    made.globals |= {"asset": asset}
    return made


def fragment(name: str, **values: Any) -> str:
    """Return one template as text; it is given nothing but `values`."""
    return templates().get_template(name).render(**values)


def answer(request: Request, name: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a whole page. Browsers ask again each time, and get an empty answer where nothing has changed."""
    server: Server = request.app.state.server
    here = "/" + request.url.path.split("/")[1]
    text = fragment(name, event=_event(server), here=here, **values)
    if status != 200 or "csrf" in values:
        return HTMLResponse(text, status, {"Cache-Control": "no-store"})
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:20]}"'
    headers = {"Cache-Control": "no-cache", "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return HTMLResponse(status_code=304, headers=headers)
    return HTMLResponse(text, status, headers)


def _event(server: Server) -> EventView:
    try:
        return server.views.event()
    except ArenaError:  # the page says what is wrong
        return EventView(server.settings.event.name, "open", 0, 0)


@cache
def asset(name: str) -> str:
    """Return the address of a file of the pages. It changes with the file, so that browsers may keep it for ever."""
    return f"/assets/{name}?v={hashlib.sha256(asset_path(name).read_bytes()).hexdigest()[:12]}"


def asset_path(name: str) -> Path:
    """Return where a file of the pages lies; the stylesheet of the event's single page is among them."""
    return environment.TEMPLATES / name if name == "page.css" else STATIC / name


def player_url(who: Who) -> str:
    return _player_url(who.player, who.kind, who.artifact_sha256)


def _player_url(name: str, kind: str, artifact: str | None) -> str:
    # A query, not a path: "." and "/" are names that a path can't hold.
    query = {"name": name, "kind": str(kind)} | ({"version": artifact} if artifact else {})
    return f"/player?{urlencode(query)}"


def title_of(game: str) -> str:
    """Return a game's title; its ROM name if it isn't known here."""
    try:
        return find_game(game).title
    except ArenaError:
        return game


def standings_url(game: str, rules_id: str) -> str:
    return f"/standings/{game}/{rules_id}"


def _time(when: datetime, form: str) -> Markup:
    """A time in the server's own time zone, which is the event's."""
    return Markup('<time datetime="{}">{}</time>').format(
        when.isoformat(timespec="seconds"), when.astimezone().strftime(form.format(when.astimezone()))
    )


def see_other(path: str) -> Response:
    """Send a browser on to `path` after a form."""
    return Response(status_code=303, headers={"Location": path})
