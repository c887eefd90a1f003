"""Who asks: bearer tokens and roles. The server keeps only the hash of a token."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update

from arena.scoreboard.server_tables import Role, TokenRow
from arena.scoreboard.store import Scoreboard
from arena.server.clock import Clock
from envs.errors import ArenaError
from envs.names import check_name

TOKEN_BYTES = 24
"""192 random bits, 32 characters."""
PREFIX = "arena_"
"""So that a token is known for one where it turns up, in a log or in a repository."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks."""

    token_id: int | None
    """None for a visitor without a token, who may do what a spectator may."""
    role: Role
    name: str


VISITOR = Identity(None, Role.SPECTATOR, "")


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token; never the token itself."""

    id: int
    role: Role
    name: str
    created_at: datetime
    revoked_at: datetime | None


class TokenError(ArenaError):
    """A token that is unknown or revoked, or one that can't be made."""


class Tokens:
    """The tokens in the scoreboard's database."""

    def __init__(self, board: Scoreboard, clock: Clock) -> None:
        self._board = board
        self._clock = clock

    def add(self, role: Role, name: str) -> tuple[Token, str]:
        """Make a token for `name`; return what is known of it, and the token, which can never be read again.

        Raises:
            PlayerNameError: the name can't be one.
        """
        name = check_name(name)
        token = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
        now = self._clock.now()
        with self._board.writing() as session:
            values = {"hash": hashed(token), "role": role.value, "name": name, "created_at": now, "revoked_at": None}
            number = session.scalars(insert(TokenRow).values(**values).returning(TokenRow.id)).one()
        return Token(number, role, name, now, None), token

    def all(self) -> list[Token]:
        """Return all tokens, the newest last."""
        with self._board.reading() as session:
            return [_token(row) for row in session.scalars(select(TokenRow).order_by(TokenRow.id))]

    def revoke(self, number: int) -> Token:
        """Let a token be worth nothing from now on.

        Raises:
            TokenError: there is no such token.
        """
        with self._board.writing() as session:
            query = update(TokenRow).where(TokenRow.id == number, TokenRow.revoked_at.is_(None))
            session.execute(query.values(revoked_at=self._clock.now()))
            row = session.get(TokenRow, number)
            if row is None:
                raise TokenError(f"There is no token {number}; `arena token list` shows which there are.")
            session.refresh(row)
            return _token(row)

    def who(self, token: str) -> Identity | None:
        """Return who holds `token`; None if nobody does, or it was revoked."""
        query = select(TokenRow).where(TokenRow.hash == hashed(token), TokenRow.revoked_at.is_(None))
        with self._board.reading() as session:
            row = session.scalar(query)
            return None if row is None else Identity(row.id, Role(row.role), row.name)


def hashed(secret: str) -> str:
    """Return what is stored of a secret with enough random bits of its own."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _token(row: TokenRow) -> Token:
    return Token(row.id, Role(row.role), row.name, row.created_at, row.revoked_at)
