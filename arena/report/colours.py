"""The colours of the report's plots, on paper and on white."""

from __future__ import annotations

INK, QUIET, LINE, GROUND = "#15181d", "#59626d", "#d8dce1", "#fcfcfa"
PEOPLE, BOTS, REFERENCE = "#0072b2", "#d55e00", "#8a929b"
OTHER = "#009e73"
"""The second of two people or two bots."""
