"""Kinds of values that requests bring."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any

from fastapi import Header, Path, Query
from pydantic import AfterValidator, Field


def clean(text: str) -> str:
    """Return `text` if a database can hold it; a ValueError says what is wrong with it."""
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValueError("must be a text without control characters")
    return text


Word = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(clean)]
"""A game, the name of rules, a player."""
Reason = Annotated[
    str, Field(min_length=1, max_length=500, description="Why; it is written down."), AfterValidator(clean)
]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Limit = Annotated[int, Query(ge=1, le=1000, description="At most so many.")]
TicketId = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{16,32}$")]
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern="^[A-Za-z0-9_-]{8,128}$",
        description="Your name for what you send. Sent again under the same key, it is stored once.",
    ),
]

ZIP_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    }
}
"""For `openapi_extra`: the body is a file, whatever it holds."""
