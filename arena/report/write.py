"""Makes the report and puts it on the disk."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from arena.event.folder import Event
from arena.report.gather import gather
from arena.report.html import render
from arena.report.pdf import paper
from arena.report.plots import all_of, svg
from arena.report.stories import CLIPS, REPLAYS, films, highlights, stories
from arena.scoreboard.store import Scoreboard
from envs.extras import require
from recordings.storage import write_atomically

LIBRARIES = ("matplotlib", "fpdf", "openskill", "choix")
"""What a report needs of the extra of this name."""
HTML, PDF = "report.html", "report.pdf"


def write_report(
    event: Event, board: Scoreboard, folder: Path, clips: int = CLIPS, tell: Callable[[str], None] = lambda step: None
) -> tuple[Path, Path]:
    """Write the report of an event; return the paths of the page and of the PDF.

    Args:
        event: the event.
        board: its scoreboard.
        folder: where to.
        clips: films of highlights; each takes some seconds. With 0, finals aren't replayed at all.
        tell: called with what is being done.

    Raises:
        EventError: the files can't be written.
        MissingExtra: the extra `report` isn't installed.
        ScoreboardError: the scoreboard can't be read.
    """
    require("A report", *LIBRARIES)
    tell("gathering results")
    report = gather(event, board)
    tell("replaying the finals")
    told = stories(report, event, REPLAYS if clips else 0)
    tell("filming highlights")
    filmed = films(highlights(told, clips))
    tell("drawing")
    # Names in scripts that the plots' font lacks are shown as boxes there; the page itself shows them.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    logging.getLogger("fpdf").setLevel(logging.ERROR)
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    figures = all_of(report, told)
    page, sheet = folder / HTML, folder / PDF
    write_atomically(page, render(report, {name: svg(one) for name, one in figures.items()}, told, filmed).encode())
    tell("printing")
    write_atomically(sheet, paper(report, figures, told))
    return page, sheet
