"""The web application: routers, limits, headers and errors put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError

from arena.server import api
from arena.server.access.middleware import BodyLimit, SafeHeaders
from arena.server.error_responses import malformed, refused
from arena.server.services import Server
from arena.server.settings import RequestLimits, ServerSettings
from arena.server.web import errors, router
from envs.errors import ArenaError


def create_app(settings: ServerSettings) -> FastAPI:
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
    app.include_router(router.router)
    app.add_exception_handler(ArenaError, refused)
    app.add_exception_handler(RequestValidationError, malformed)
    errors.install(app)
    limits = settings.limits
    app.add_middleware(BodyLimit, limit_of=lambda path: body_limit(path, limits))
    app.add_middleware(SafeHeaders)
    return app


def body_limit(path: str, limits: RequestLimits) -> int:
    """Return how many bytes a request to `path` may bring."""
    if path == "/api/v1/recordings":
        return limits.recording_bytes
    if path == "/api/v1/agents":
        return limits.package_bytes
    return limits.other_bytes
