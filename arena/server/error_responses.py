"""What a program is told when its request can't be granted."""

from __future__ import annotations

import json

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError

from arena.server.errors import Refusal
from envs.errors import EventError, ScoreboardError


async def refused(_request: Request, error: Exception) -> Response:
    """Answer with an error's own sentence. A database or disk that can't be used now is worth another try."""
    if isinstance(error, Refusal):
        return _answer(error.status, str(error))
    if isinstance(error, ScoreboardError | EventError):
        return _answer(503, str(error), {"Retry-After": "2"})
    return _answer(422, str(error))


async def malformed(_request: Request, error: Exception) -> Response:
    """Say what is wrong with a request's form, and where. What came is not repeated: it may be anything."""
    assert isinstance(error, RequestValidationError)
    return _answer(422, [{name: one[name] for name in ("loc", "msg", "type")} for one in error.errors()])


def _answer(status: int, detail: object, headers: dict[str, str] | None = None) -> Response:
    # In ASCII: what a stranger wrote may hold halves of characters, which no encoding has.
    return Response(json.dumps({"detail": detail}, default=str), status, headers, "application/json")
