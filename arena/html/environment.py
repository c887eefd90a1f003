"""What every page's template is drawn with: escaping, numbers, clocks and links."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from arena.stats.text import clock_of, mean_points, points
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
    made.filters |= {"points": points, "mean": mean_points, "clock": clock_of, "path": _path}
    made.globals |= {"ended": ENDED}
    return made


ENDED = {
    End.TERMINATED: "game over",
    End.TRUNCATED: "time was up",
    End.QUIT: "left early",
    End.FAILED: "forfeited",
}


def _path(*parts: str) -> str:
    """Return a relative link: whatever a file is called, it can't become another scheme or another host."""
    return "./" + "/".join(quote(part.strip("/"), safe="/") for part in parts)
