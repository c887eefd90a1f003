"""The web pages. They read through `arena.server.views` and never start a match."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
