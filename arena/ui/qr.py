"""Addresses as QR codes."""

from __future__ import annotations

import numpy as np


def code_of(url: str) -> np.ndarray:
    """Return the QR code of `url` with its quiet zone: bool (n, n), True is dark."""
    import segno

    return np.array([list(row) for row in segno.make(url, error="m", micro=False).matrix_iter(border=3)], bool)
