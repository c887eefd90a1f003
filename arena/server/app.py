"""The web application: routers, limits, headers and errors put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from arena.server import api, pages, pages_errors
from arena.server.errors import Refusal
from arena.server.security import BodyLimit, SafeHeaders
from arena.server.settings import Limits, Settings
from arena.server.state import Server
from envs.errors import ArenaError, EventError, ScoreboardError


def create_app(settings: Settings) -> FastAPI:
    """Return the server for an event. Its work in the background runs while the application does.

    Raises:
        ScoreboardError: its database can't be used.
    """
    server = Server(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        server.bus.attach(asyncio.get_running_loop())
        await asyncio.to_thread(server.start)
        try:
            yield
        finally:
            server.bus.attach(None)
            await asyncio.to_thread(server.stop)

    app = FastAPI(
        title="Arena",
        description="The shared scoreboard. Every score comes from the server's own replay of a recording.",
        version="1",
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        docs_url=None,  # these pages load their scripts from the internet, which a hall may not have
        redoc_url=None,
    )
    app.state.server = server
    app.include_router(api.router)
    app.include_router(pages.router)
    app.add_exception_handler(ArenaError, _refused)
    pages_errors.install(app)
    limits = settings.limits
    app.add_middleware(BodyLimit, limit_of=lambda path: body_limit(path, limits))
    app.add_middleware(SafeHeaders)
    return app


def body_limit(path: str, limits: Limits) -> int:
    """Return how many bytes a request to `path` may bring."""
    if path == "/api/v1/recordings":
        return limits.recording_bytes
    if path == "/api/v1/agents":
        return limits.package_bytes
    return limits.other_bytes


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    """Answer with an error's own sentence. A database or disk that can't be used now is worth another try."""
    if isinstance(error, Refusal):
        return JSONResponse({"detail": str(error)}, error.status)
    if isinstance(error, ScoreboardError | EventError):
        return JSONResponse({"detail": str(error)}, 503, {"Retry-After": "2"})
    return JSONResponse({"detail": str(error)}, 422)
