"""What the scenes of a bout have in common, the scene before it and the one after it.

Text that the hall reads is at least `LEAST` units high: projected four metres wide its capitals are 7 cm high, that is
12 minutes of arc from twenty metres; normal sight needs 5.
"""

from __future__ import annotations

import numpy as np
import pygame

from agents.player import Kind
from arena.stage.audience import Hall
from arena.stage.lead_graph import lead_picture
from arena.stage.schedule import Bout, series_of
from arena.tournament.model import Entrant, Format, TournamentState
from arena.tournament.series import BestOf, Sequential, Series
from arena.tournament.standings import standings
from arena.ui import palette
from arena.ui.canvas import WIDTH, Canvas
from arena.ui.key_cap import key_cap
from arena.ui.palette import Colour
from arena.ui.strings import text
from envs.games import FPS, find_game

LEAST = 32
MARGIN = 32
COLOURS: tuple[Colour, Colour] = (palette.SKY, palette.ORANGE)
GRAPH_FRAMES = round(45 * FPS)
"""Frames that the graph's width stands for at least."""


def header(canvas: Canvas, left: str, right: str = "", colour: Colour = palette.QUIET) -> None:
    """Write the line at the top."""
    width = canvas.text(left, MARGIN, 14, LEAST, colour, room=760)
    canvas.text(right, WIDTH - MARGIN, 14, LEAST, palette.QUIET, 1, WIDTH - 3 * MARGIN - width)


def draw_keys(canvas: Canvas, y: float) -> None:
    """Write what the operator's keys do. The hall needn't read it."""
    x = float(MARGIN)
    for cap, key in (("SPACE", "pause"), ("→", "next"), ("←", "back"), ("ESC", "leave")):
        x += key_cap(canvas, cap, x, y) + 14
        x += canvas.text(text(f"stage.key_{key}"), x, y + 9, 28, palette.QUIET) + 40


def title_of(bout: Bout) -> str:
    return f"{bout.title} · {find_game(bout.game).title}"


def which(state: TournamentState, bout: Bout) -> str:
    """Say which of a series a bout is."""
    rule = state.plan.series
    if isinstance(rule, BestOf) and rule.n == 1 and not bout.index:
        return text("stage.one_game")
    if is_shared(state) or isinstance(rule, Sequential):
        return text("stage.game_of", n=bout.index + 1)
    return text("stage.seed_of", series=rule.text(), n=bout.index + 1)


def kind_of(entrant: Entrant) -> str:
    match entrant.kind:
        case Kind.HUMAN:
            return text("stage.person")
        case Kind.SCRIPT:
            return text("stage.script")
        case _:
            return text("stage.bot")


def graph(
    canvas: Canvas, leads: np.ndarray, frames: int, names: tuple[str, str], place: tuple[float, float, float, float]
) -> None:
    """Draw the lead over time, with what above and below mean.

    Args:
        leads: see `lead_picture`.
        frames: that the whole width stands for.
        place: left, top, width and height in units.
    """
    x, y, width, height = place
    rect = canvas.rect(*place)
    if rect.width < 2 or rect.height < 2:
        return
    picture = lead_picture(leads, max(frames, len(leads) - 1), rect.width, rect.height, canvas.scale)
    canvas.surface.blit(pygame.image.frombuffer(picture.tobytes(), rect.size, "RGB"), rect)
    canvas.text(text("stage.ahead", name=names[0]), x + 14, y + 4, LEAST, COLOURS[0], room=width * 0.6)
    canvas.text(text("stage.ahead", name=names[1]), x + 14, y + height - LEAST - 4, LEAST, COLOURS[1], room=width * 0.6)


def matchup(canvas: Canvas, hall: Hall, state: TournamentState, bout: Bout, count: int) -> None:
    """Draw who meets whom next.

    Args:
        count: what the countdown says; 0 before it begins.
    """
    header(canvas, state.plan.title, hall.event_name)
    canvas.pixels(text("stage.next"), WIDTH / 2, 84, 7, palette.YELLOW, 0.5)
    canvas.text(title_of(bout), WIDTH / 2, 156, 46, palette.TEXT, 0.5, WIDTH - 2 * MARGIN)
    number = which(state, bout)
    if hall.is_live(bout):
        number = f"{number} · {text('stage.now')}"
    canvas.text(number, WIDTH / 2, 214, LEAST, palette.QUIET, 0.5, WIDTH - 2 * MARGIN)
    for i, entrant in enumerate((bout.a, bout.b)):
        x = MARGIN if i == 0 else 690
        width = WIDTH - MARGIN - 690
        canvas.panel(x, 286, width, 230, COLOURS[i])
        canvas.box(x + 6, 286, width - 12, 12, COLOURS[i])
        canvas.text(hall.name(entrant), x + width / 2, 336, 76, COLOURS[i], 0.5, width - 70)
        canvas.text(kind_of(entrant), x + width / 2, 440, 40, palette.QUIET, 0.5)
    canvas.pixels(text("stage.versus"), WIDTH / 2, 380, 6, palette.TEXT, 0.5)
    if count:
        canvas.pixels(str(count), WIDTH / 2, 556, 18, palette.YELLOW, 0.5)
    elif bout.index and not is_shared(state):
        known = hall.known()
        so_far = series_of(known, bout)
        if so_far.played:
            _series_line(canvas, hall, bout, so_far, 590)


def _series_line(canvas: Canvas, hall: Hall, bout: Bout, so_far: Series, y: float) -> None:
    """Write how the series stands, without a verdict."""
    canvas.text(series_text(hall, bout, so_far), WIDTH / 2, y, 44, palette.TEXT, 0.5, WIDTH - 2 * MARGIN)


def series_text(hall: Hall, bout: Bout, so_far: Series) -> str:
    """Say who leads or has won the game's series."""
    names = (hall.name(bout.a), hall.name(bout.b))
    won, lost = so_far.wins, so_far.losses
    game = find_game(bout.game).title
    if so_far.over and so_far.lead == 0:
        return text("stage.level_over", game=game, won=won, lost=lost)
    if so_far.over:
        first = so_far.lead > 0
        return text(
            "stage.wins_series",
            name=names[not first],
            game=game,
            won=won if first else lost,
            lost=lost if first else won,
        )
    if won == lost:
        return text("stage.level_series", won=won, lost=lost)
    first = won > lost
    return text("stage.leads_series", name=names[not first], won=max(won, lost), lost=min(won, lost))


def verdict_text(hall: Hall, state: TournamentState, bout: Bout, so_far: Series) -> str:
    """Say honestly what the series proves so far."""
    rule = state.plan.series
    tied = [text("stage.tied", n=so_far.ties)] if so_far.ties else []
    if isinstance(rule, BestOf):
        if so_far.over:
            return " · ".join([rule.text(), *tied])
        return " · ".join([rule.text(), text("stage.best_needed", n=rule.n // 2 + 1), *tied])
    if so_far.decided:
        return " · ".join([text("stage.test_decided", alpha=f"{100 * rule.alpha:g}"), *tied])
    if so_far.over and so_far.lead:
        leader = hall.name(bout.a if so_far.lead > 0 else bout.b)
        return " · ".join([text("stage.test_never", name=leader), *tied])
    return " · ".join([text("stage.test_open"), *tied])


def winner(
    canvas: Canvas,
    hall: Hall,
    state: TournamentState,
    bout: Bout,
    scores: tuple[int, int] | None,
    leads: np.ndarray | None,
    *,
    published: bool,
) -> None:
    """Draw what came of a bout.

    Args:
        scores: None where they aren't known any more.
        leads: see `lead_picture`; None if the games couldn't be shown.
        booked: whether the scores are on the scoreboard.
    """
    header(canvas, title_of(bout), which(state, bout))
    if scores is None:
        return
    names = (hall.name(bout.a), hall.name(bout.b))
    gap = scores[0] - scores[1]
    first = gap > 0
    if gap:
        canvas.pixels(
            text("stage.wins", name=names[not first]), WIDTH / 2, 78, 9, COLOURS[not first], 0.5, WIDTH - 2 * MARGIN
        )
        canvas.text(text("stage.by", n=f"{abs(gap):,}"), WIDTH / 2, 154, 40, palette.TEXT, 0.5)
    else:
        canvas.pixels(text("stage.draw"), WIDTH / 2, 78, 9, palette.TEXT, 0.5)
    for i, score in enumerate(scores):
        x, align = (MARGIN, 0.0) if i == 0 else (WIDTH - MARGIN, 1.0)
        canvas.text(names[i], x, 206, 48, COLOURS[i], align, 580)
        canvas.pixels(f"{score:,}", x, 266, 9, palette.YELLOW, align, 580)
    place = (MARGIN, 350.0, WIDTH - 2.0 * MARGIN, 210.0)
    if leads is not None:
        graph(canvas, leads, len(leads) - 1, names, place)
    else:
        canvas.panel(*place)
        canvas.paragraph(text("stage.not_shown"), MARGIN + 30, 400, WIDTH - 4 * MARGIN, 40, palette.QUIET)
    if not published:
        canvas.text(text("stage.not_booked"), WIDTH / 2, 592, 40, palette.YELLOW, 0.5, WIDTH - 2 * MARGIN)
    elif not is_shared(state):
        so_far = series_of(hall.known(), bout)
        _series_line(canvas, hall, bout, so_far, 584)
        verdict = verdict_text(hall, state, bout, so_far)
        canvas.text(verdict, WIDTH / 2, 642, 36, palette.QUIET, 0.5, WIDTH - 2 * MARGIN)
    else:
        said = sides_text(hall.known()) or state.plan.title
        canvas.text(said, WIDTH / 2, 604, 42, palette.TEXT, 0.5, WIDTH - 2 * MARGIN)


def is_shared(state: TournamentState) -> bool:
    """Whether everybody plays the same seeds, so that a bout is no part of a series."""
    return state.plan.format in (Format.ROUND_ROBIN, Format.TEAM)


def sides_text(state: TournamentState) -> str:
    """Say how people and bots stand in a team battle; nothing for another format."""
    if state.plan.format is not Format.TEAM:
        return ""
    lines = standings(state)
    people, bots = (sum(one.seeds_won for one in lines if (one.kind == "human") is human) for human in (True, False))
    return text("stage.sides", people=f"{people:,}", bots=f"{bots:,}")
