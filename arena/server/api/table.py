"""Tables as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from fastapi import Response

RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
"""What a spreadsheet takes for the beginning of a formula."""


def csv_of(rows: Sequence[Any], kind: type) -> Response:
    """Return data objects as a table with one column per field.

    Args:
        rows: instances of `kind`.
        kind: their data class; it gives the columns where there are no rows.
    """
    columns = [field.name for field in fields(kind)]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        values = asdict(row)
        writer.writerow([cell(values[name]) for name in columns])
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8")


def cell(value: object) -> str:
    """Return a value as it may stand in a cell: a text that a spreadsheet would run gets an apostrophe before it."""
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    text = str(value)
    return f"'{text}" if text.startswith(RISKY) else text
