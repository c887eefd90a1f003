"""The rounds of a match: whether it is over, and how its scores are drawn."""

from __future__ import annotations

from arena.kiosk.screens.base import MARGIN, Visit
from arena.play.session import Round
from arena.ui import palette
from arena.ui.canvas import WIDTH, Canvas
from arena.ui.key_cap import number
from arena.ui.strings import text
from envs.step import End


def is_over(visit: Visit, rounds: int) -> bool:
    """Whether the match is decided, or left: a game that was left ends it."""
    if visit.rounds[-1].person.recording.end is End.QUIT:
        return True
    return len(visit.rounds) >= rounds or max(visit.wins()) > rounds // 2


def draw_rounds(canvas: Canvas, visit: Visit, y: float, height: float = 62) -> None:
    """Draw the scores of the rounds, the person's left and the rival's right; who won one has a sign, not only a
    colour."""
    for line, played in enumerate(visit.rounds):
        top = y + height * line
        canvas.text(text("kiosk.round", n=line + 1), MARGIN + 40, top + 8, 30, palette.QUIET)
        mine, theirs = scores_of(played)
        won, lost = played.winner == 1, played.winner == -1
        canvas.pixels(number(mine), WIDTH / 2 - 70, top + 8, 5, palette.YELLOW, 1)
        if won:
            canvas.pixels("<", WIDTH / 2 - 24, top + 8, 5, palette.SKY, 0.5)
        if lost:
            canvas.pixels(">", WIDTH / 2 + 24, top + 8, 5, palette.ORANGE, 0.5)
        if theirs is not None:
            if mine == theirs and not lost:
                canvas.pixels("=", WIDTH / 2, top + 8, 5, palette.QUIET, 0.5)
            canvas.pixels(number(theirs), WIDTH / 2 + 70, top + 8, 5, palette.YELLOW)
            even = "round_even" if mine == theirs else "round_open"
            note = text("kiosk.round_won") if won else text("kiosk.round_lost") if lost else text(f"kiosk.{even}")
            canvas.text(note, WIDTH - MARGIN - 40, top + 8, 30, palette.QUIET, 1)


def scores_of(played: Round) -> tuple[int, int | None]:
    """Return the person's score and the rival's."""
    return played.person.recording.score, None if played.opponent is None else played.opponent.recording.score
