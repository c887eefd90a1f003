"""The web pages. They read through `arena.server.views` and never start a match."""

from __future__ import annotations

from fastapi import APIRouter

from arena.server import pages_live, pages_organizer, pages_pictures, pages_public

router = APIRouter(include_in_schema=False)
for part in (pages_live, pages_pictures, pages_public, pages_organizer):
    router.include_router(part.router)
