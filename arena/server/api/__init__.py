"""The API, `/api/v1`."""

from __future__ import annotations

from fastapi import APIRouter

from arena.server.deps import TheServer

router = APIRouter(prefix="/api/v1")


@router.get("/health")
def health(server: TheServer) -> dict[str, str]:
    """Say that the server and its database work."""
    server.board.classes()
    return {"status": "ok"}
