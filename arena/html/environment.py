"""What every page's template is drawn with: escaping, numbers, clocks and links."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from envs.games import FPS
from envs.step import End

if TYPE_CHECKING:
    from jinja2 import Environment


TEMPLATES = Path(__file__).parent / "templates"


def environment(*folders: Path) -> Environment:
    """Return what the pages' templates are drawn with: everything is escaped, and a missing value is an error.

    Args:
        folders: where templates lie; the first one that has it counts.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"points": points, "mean": mean_points, "clock": clock, "path": _path}
    made.globals |= {"ended": ENDED}
    return made


def points(score: float) -> str:
    """Return a score as people write it: `1,234` or `30.5`."""
    return f"{score:,.0f}" if float(score).is_integer() else f"{score:,.1f}"


def mean_points(score: float) -> str:
    """Return a mean or a median: `30.5`, and `1,234` where tenths say nothing any more."""
    return f"{score:,.1f}" if abs(score) < 999.95 else f"{score:,.0f}"


ENDED = {
    End.TERMINATED: "game over",
    End.TRUNCATED: "time was up",
    End.QUIT: "left early",
    End.FAILED: "forfeited",
}


def clock(frames: int) -> str:
    minutes, seconds = divmod(int(frames / FPS), 60)
    return f"{minutes}:{seconds:02d}"


def play_time(frames: int) -> str:
    minutes = round(frames / FPS / 60)
    if minutes < 1:
        return f"{frames / FPS:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:,.0f} h"


def _path(*parts: str) -> str:
    """Return a relative link: whatever a file is called, it can't become another scheme or another host."""
    return "./" + "/".join(quote(part.strip("/"), safe="/") for part in parts)
