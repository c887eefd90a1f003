"""What the server refuses, and with which HTTP status. The sentence is for the person at the other end."""

from __future__ import annotations

from envs.errors import ArenaError


class Refusal(ArenaError):
    """A request that can't be granted."""

    status = 422


class NotFound(Refusal):
    status = 404


class NotYours(Refusal):
    status = 403


class Conflict(Refusal):
    """It contradicts what is there already."""

    status = 409


class TooMany(Refusal):
    status = 429
