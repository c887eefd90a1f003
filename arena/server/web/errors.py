"""Errors in the look of the site, for browsers; programs get JSON."""

from __future__ import annotations

import asyncio
from inspect import isawaitable

from fastapi import FastAPI, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from arena.server.access.sessions import NotLoggedIn
from arena.server.error_responses import malformed
from arena.server.web.site import answer, see_other
from envs.errors import ArenaError

TITLES = {
    403: "Not for you",
    404: "Nothing here",
    405: "Not that way",
    413: "Too much",
    422: "That can’t be",
    429: "Too often",
    503: "Not just now",
}
NOT_FOUND = "This page isn’t there. It may have been mistyped, or moved."


def install(app: FastAPI) -> None:
    """Let the pages' errors look like pages. To be called last: what programs get stays as it is."""
    for_programs = app.exception_handlers.get(ArenaError)

    async def refused(request: Request, error: Exception) -> Response:
        if for_programs is None or is_page(request):
            return await _page(request, getattr(error, "status", 503), str(error))
        answered = for_programs(request, error)
        found: Response = await answered if isawaitable(answered) else answered
        return found

    app.add_exception_handler(ArenaError, refused)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(NotLoggedIn, _log_in)


def is_page(request: Request) -> bool:
    """Whether a browser asked for a page, not a program for data."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if not is_page(request):
        return await http_exception_handler(request, error)
    text = NOT_FOUND if error.detail == "Not Found" else str(error.detail)
    return await _page(request, error.status_code, text)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if not is_page(request):
        return await malformed(request, error)
    return await _page(request, 404, NOT_FOUND)


async def _page(request: Request, code: int, text: str) -> Response:
    title = TITLES.get(code, "That didn’t work")
    return await asyncio.to_thread(answer, request, "error.html.j2", code, code=code, title=title, text=text)


async def _log_in(request: Request, error: Exception) -> Response:
    return see_other("/login")
