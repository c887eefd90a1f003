"""The web pages. They read through `arena.server.public_views` and never start a match."""

from __future__ import annotations

from fastapi import APIRouter

from arena.server.web import live, organizer, public

router = APIRouter(include_in_schema=False)
for part in (live, public, organizer):
    router.include_router(part.router)
