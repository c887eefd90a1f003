"""The API, `/api/v1`. Everything that can be seen on a page can be fetched here, as JSON, and as CSV where it is a
table (the same path with `.csv` at its end)."""

from __future__ import annotations

from fastapi import APIRouter

from arena.server.api import agents, compare, finals, games, organizer, reading

router = APIRouter(prefix="/api/v1")
for part in (reading, compare, games, finals, agents, organizer):
    router.include_router(part.router)
