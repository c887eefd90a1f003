"""The scenes between the bouts: waiting, standings, bracket, the winner of the tournament."""

from __future__ import annotations

from arena.stage.audience import Hall
from arena.stage.draw_common import COLOURS, LEAST, MARGIN, draw_keys, header, sides_text
from arena.tournament.model import Format, TournamentState
from arena.tournament.standings import Duel, How, StandingsLine, round_title, rounds, standings
from arena.ui import palette
from arena.ui.canvas import HEIGHT, WIDTH, Canvas
from arena.ui.palette import Colour
from arena.ui.qr import code_of
from arena.ui.strings import text
from envs.games import find_game

LINES = 8
"""Lines of the standings."""
ROUNDS = 3
"""Rounds of a bracket that are shown beside each other."""
DUELS = 4
"""Duels of a round that are shown below each other."""
GUTTER, PLATE = 60.0, 104.0
"""Units between two rounds of a bracket, and the height of a duel in it."""


def waiting(canvas: Canvas, hall: Hall) -> None:
    """The event's name, what is waited for, and where to read on."""
    news = hall.news
    room = WIDTH - 2.0 * MARGIN
    if hall.url:
        room -= 330
        side = 290
        canvas.matrix(code_of(hall.url), WIDTH - MARGIN - side, 150, side)
        canvas.text(text("stage.join"), WIDTH - MARGIN - side / 2, 456, LEAST, palette.QUIET, 0.5, side)
        canvas.text(hall.url.split("://")[-1], WIDTH - MARGIN - side / 2, 496, LEAST, palette.TEXT, 0.5, side + 20)
    y = 150 + canvas.paragraph(hall.event_name, MARGIN, 150, room, 84, palette.YELLOW)
    canvas.box(MARGIN, y, 160, 6, palette.SKY)
    canvas.box(MARGIN + 172, y, 160, 6, palette.ORANGE)
    y += 36
    if news.state is not None:
        y += canvas.paragraph(news.state.plan.title, MARGIN, y, room, 52, palette.TEXT) + 12
    for line in _waited_for(hall):
        y += canvas.paragraph(line, MARGIN, y, room, 44, palette.QUIET)
    if news.trouble:
        canvas.text(text("stage.trouble"), MARGIN, 610, LEAST, palette.YELLOW, room=WIDTH - 2 * MARGIN)
    draw_keys(canvas, HEIGHT - 58)


def _waited_for(hall: Hall) -> list[str]:
    news = hall.news
    if news.state is None:
        name = hall.follower.name
        return [text("stage.waiting_named", name=name) if name else text("stage.waiting_none")]
    if not news.waiting:
        return [text("stage.waiting_bots")]
    first: dict[str, str] = {}
    for slot in news.waiting:
        said = text(
            "stage.waiting_person", name=hall.name(slot.player), game=find_game(slot.game).title, n=slot.index + 1
        )
        first.setdefault(slot.player, said)
    lines = list(first.values())[:3]
    return [*lines, text("stage.waiting_more", n=len(first) - 3)] if len(first) > 3 else lines


def taken_back(canvas: Canvas) -> None:
    canvas.pixels(text("stage.taken_back"), WIDTH / 2, 250, 12, palette.YELLOW, 0.5, WIDTH - 2 * MARGIN)
    canvas.text(text("stage.taken_back_what"), WIDTH / 2, 400, 44, palette.TEXT, 0.5, WIDTH - 2 * MARGIN)


def champion(canvas: Canvas, hall: Hall) -> None:
    """Who has won the tournament, and what that proves."""
    state = hall.state
    header(canvas, state.plan.title, hall.event_name)
    first = [line for line in standings(state) if line.place == 1]
    if hall.news.verdict:
        canvas.pixels(text("stage.verdict"), WIDTH / 2, 100, 8, palette.YELLOW, 0.5)
        y = 200 + canvas.paragraph(hall.news.verdict, WIDTH / 2, 200, WIDTH - 4 * MARGIN, 52, palette.TEXT, 0.5)
        names = ", ".join(hall.name(line.player) for line in first[:3])
        room = WIDTH - 4 * MARGIN
        canvas.paragraph(text("stage.first", names=names), WIDTH / 2, y + 30, room, 40, palette.QUIET, 0.5)
        canvas.text(sides_text(state), WIDTH / 2, HEIGHT - 120, 40, palette.TEXT, 0.5, room)
    else:
        title = "champion" if len(first) == 1 else "draw" if state.plan.format is Format.DUEL else "champions"
        canvas.pixels(text(f"stage.{title}"), WIDTH / 2, 110, 8, palette.YELLOW, 0.5)
        size = 120 if len(first) == 1 else 76 if len(first) == 2 else 56
        for number, line in enumerate(first[:4]):
            y = 210 + number * size * 1.25
            canvas.text(hall.name(line.player), WIDTH / 2, y, size, _colour(line), 0.5, WIDTH - 2 * MARGIN)
        below = 260 + min(4, len(first)) * size * 1.25
        games = " · ".join(find_game(game).title for game in state.plan.games)
        canvas.text(games, WIDTH / 2, below, 44, palette.TEXT, 0.5, WIDTH - 4 * MARGIN)
        canvas.text(state.plan.series.text(), WIDTH / 2, below + 60, 40, palette.QUIET, 0.5, WIDTH - 4 * MARGIN)
    if state.plan.practice:
        canvas.text(text("stage.rehearsal"), WIDTH / 2, HEIGHT - 60, LEAST, palette.QUIET, 0.5)


def _colour(line: StandingsLine) -> Colour:
    return COLOURS[0] if line.kind == "human" else COLOURS[1]


def standings_table(canvas: Canvas, hall: Hall, state: TournamentState) -> None:
    """The standings of a format in which everybody plays the same seeds."""
    header(canvas, state.plan.title, hall.event_name)
    canvas.pixels(text("stage.standings"), MARGIN, 70, 7, palette.YELLOW)
    lines = standings(state)
    columns = [(WIDTH - MARGIN - 12.0, "stage.seeds_won", [line.seeds_won for line in lines])]
    if any(line.won or line.drawn or line.lost for line in lines):  # a duel counts when both have played everything
        columns += [
            (780.0, "stage.won", [line.won for line in lines]),
            (910.0, "stage.drawn", [line.drawn for line in lines]),
            (1030.0, "stage.lost", [line.lost for line in lines]),
        ]
    pitch = min(84.0, 496.0 / min(LINES, len(lines)))
    for x, key, _ in columns:
        canvas.text(text(key), x, 92, LEAST, palette.QUIET, 1, 124 if x < 1100 else 190)
    for number, line in enumerate(lines[:LINES]):
        y = 144 + pitch * number
        canvas.box(MARGIN, y, WIDTH - 2 * MARGIN, pitch - 6, palette.PANEL)
        canvas.box(MARGIN, y, 10, pitch - 6, _colour(line))
        y += (pitch - 6 - 44) / 2
        canvas.text(f"{line.place}", MARGIN + 80, y, 44, palette.TEXT, 1)
        canvas.text(hall.name(line.player), MARGIN + 112, y, 44, _colour(line), room=500)
        for x, _, values in columns:
            canvas.text(f"{values[number]:,}", x, y, 44, palette.TEXT, 1, 120)
    said = sides_text(state)
    if len(lines) > LINES:
        canvas.text(text("stage.waiting_more", n=len(lines) - LINES), MARGIN, 660, LEAST, palette.QUIET, room=240)
    canvas.text(said, WIDTH - MARGIN, 658, 38, palette.TEXT, 1, WIDTH - 4 * MARGIN - 240 * (len(lines) > LINES))


def duel(canvas: Canvas, hall: Hall, state: TournamentState) -> None:
    """The series of a duel, game by game."""
    found = rounds(state)[0][0]
    header(canvas, state.plan.title, hall.event_name)
    canvas.pixels(text("stage.of_series"), WIDTH / 2, 70, 7, palette.YELLOW, 0.5)
    names = (hall.name(found.a), hall.name(found.b or found.a))
    canvas.text(names[0], MARGIN, 150, 64, COLOURS[0], 0, 580)
    canvas.text(names[1], WIDTH - MARGIN, 150, 64, COLOURS[1], 1, 580)
    height = min(200.0, 440.0 / len(found.games))
    top = 245 + (440 - height * len(found.games)) / 2
    for number, game in enumerate(found.games):
        _game_of_duel(canvas, hall, state, found, game, (top + height * number, height - 14))


def _game_of_duel(
    canvas: Canvas, hall: Hall, state: TournamentState, found: Duel, game: str, place: tuple[float, float]
) -> None:
    """One game of a duel: how it stands, and who has won which seed: the first above the line, the second below.

    Args:
        place: top and height in units.
    """
    one, (y, height) = found.games[game], place
    middle = y + height / 2
    canvas.panel(MARGIN, y, WIDTH - 2 * MARGIN, height)
    canvas.pixels(str(one.wins), MARGIN + 40, middle - 28, 8, COLOURS[0])
    canvas.pixels(str(one.losses), WIDTH - MARGIN - 40, middle - 28, 8, COLOURS[1], 1)
    strip = height >= 120
    above = middle - 58 if strip else middle - 42
    canvas.text(find_game(game).title, WIDTH / 2, above, 40, palette.TEXT, 0.5, 760)
    canvas.text(_stand(state, hall, found, game), WIDTH / 2, above + 42, LEAST, palette.QUIET, 0.5, 760)
    if not strip or not one.played:
        return
    side = min(30.0, 760.0 / one.played - 6)
    left, line = WIDTH / 2 - one.played * (side + 6) / 2, middle + 48
    a, b = (state.scores_of(found.stage, game, name, one.played) for name in (found.a, found.b or found.a))
    canvas.box(left - 20, line - 1, one.played * (side + 6) + 34, 3, palette.LINE)
    for index, (mine, theirs) in enumerate(zip(a, b, strict=True)):
        x = left + index * (side + 6)
        if mine is None or theirs is None or mine == theirs:
            canvas.box(x, line - 5, side, 10, palette.QUIET)
        else:
            first = mine > theirs
            canvas.box(x, line - side / 2 - 6 if first else line + 6, side, side / 2, COLOURS[not first])


def _stand(state: TournamentState, hall: Hall, found: Duel, game: str) -> str:
    one = found.games[game]
    if not one.played:
        return text("stage.not_played")
    tied = f" · {text('stage.tied', n=one.ties)}" if one.ties else ""
    if one.over and one.lead:
        return text("stage.wins", name=hall.name(found.a if one.lead > 0 else found.b or "")) + tied
    return (text("stage.draw") if one.over else state.plan.series.text()) + tied


def bracket(canvas: Canvas, hall: Hall, state: TournamentState, stage: str) -> None:
    """The part of a knockout around what was shown last.

    Args:
        stage: the round of what was shown last; empty if nothing was.
    """
    header(canvas, state.plan.title, hall.event_name)
    canvas.pixels(text("stage.bracket"), MARGIN, 64, 6, palette.YELLOW)
    played = rounds(state)
    count = (len(played[0]) * 2 - 1).bit_length()
    at = next((i for i, duels in enumerate(played) if any(one.stage == stage for one in duels)), len(played) - 1)
    first = max(0, min(at, count - ROUNDS))
    shown = range(first, min(count, first + ROUNDS))
    most = min(DUELS, len(played[0]) >> first)
    width = (WIDTH - 2 * MARGIN - GUTTER * (len(shown) - 1)) / len(shown)
    begin = _part(played[first], most, stage) if first < len(played) else 0
    for column, number in enumerate(shown):
        x = MARGIN + column * (width + GUTTER)
        canvas.text(round_title(state, number), x, 120, LEAST, palette.QUIET, room=width)
        slots = max(1, most >> column)
        duels = played[number] if number < len(played) else []
        for place in range(slots):
            if column:
                _joint(canvas, x, place, slots)
            at_place = (begin >> column) + place
            one = duels[at_place] if at_place < len(duels) else None
            _plate(canvas, hall, one, (x, _middle(place, slots) - PLATE / 2, width))


def _middle(place: int, slots: int) -> float:
    """Return where the middle of a plate is, in units from the top."""
    return 168 + 530 * (place + 0.5) / slots


def _joint(canvas: Canvas, x: float, place: int, slots: int) -> None:
    """Draw the lines from two duels to the one that their winners play."""
    above, below = (_middle(2 * place + i, 2 * slots) for i in (0, 1))
    for y in (above, below):
        canvas.box(x - GUTTER, y - 2, GUTTER / 2, 4, palette.LINE)
    canvas.box(x - GUTTER / 2 - 2, above - 2, 4, below - above + 4, palette.LINE)
    canvas.box(x - GUTTER / 2, _middle(place, slots) - 2, GUTTER / 2, 4, palette.LINE)


def _part(duels: list[Duel], slots: int, stage: str) -> int:
    """Return the first duel of the part of a round that is shown: where something is still open."""
    at = next((i for i, one in enumerate(duels) if not one.over and one.stage == stage), 0)
    return at // slots * slots


def _plate(canvas: Canvas, hall: Hall, one: Duel | None, place: tuple[float, float, float]) -> None:
    x, y, width = place
    canvas.panel(x, y, width, PLATE)
    if one is None:
        return
    seeds = one.seeds_won
    for i, name in enumerate((one.a, one.b)):
        line = y + 10 + 44 * i
        lost = one.over and name != one.winner
        colour = palette.QUIET if lost else palette.TEXT
        won = one.over and one.winner == name and one.how is not How.BYE
        if won:
            canvas.box(x + 3, line, 8, 40, palette.YELLOW)
        said = hall.name(name) if name is not None else text("stage.bye")
        canvas.text(said, x + 24, line + 2, 36, colour, room=width - 110)
        if one.b is not None:
            canvas.pixels(str(seeds[i]), x + width - 18, line + 6, 4, palette.YELLOW if won else colour, 1)
