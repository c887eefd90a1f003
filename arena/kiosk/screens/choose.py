"""Choosing what to play, and against whom."""

from __future__ import annotations

import numpy as np
import pygame

from agents.load import SCRIPT_PREFIX
from agents.player import Kind
from arena.kiosk.model import House, OpponentChoice, still
from arena.kiosk.screens.base import MARGIN, Command, Input, KioskScreen, Next, To, Visit, menu_hints
from arena.ui import palette
from arena.ui.canvas import WIDTH, Canvas
from arena.ui.key_cap import number
from arena.ui.strings import has_text, text

GAP = 20


class ChooseGame(KioskScreen):
    """Tiles with the games."""

    def __init__(self, house: House, now: float, chosen: int = 0) -> None:
        super().__init__(house, now)
        self.chosen = chosen
        self.accent = palette.YELLOW
        self._best = [best_person(house, number) for number in range(len(house.games))]

    def handle(self, pressed: Input, now: float) -> KioskScreen | Next:
        count = len(self.house.games)
        match pressed.command:
            case Command.LEFT | Command.RIGHT:
                other = self.chosen ^ 1
                self.chosen = other if other < count else self.chosen
            case Command.UP if self.chosen >= 2:
                self.chosen -= 2
            case Command.DOWN if self.chosen + 2 < count:
                self.chosen += 2
            case Command.GO:
                return Next(To.CHOOSE_RIVAL, visit=Visit(self.house.games[self.chosen]))
            case Command.BACK:
                return Next(To.ATTRACT)
        return self

    def given_up(self, now: float) -> Next:
        return Next(To.ATTRACT)

    def draw(self, canvas: Canvas, now: float) -> None:
        self.header(canvas, text("kiosk.choose_game"), self.house.event.name)
        games = self.house.games
        rows = (len(games) + 1) // 2
        height = min(240.0, (500 - GAP * (rows - 1)) / rows)
        width = (WIDTH - 2 * MARGIN - GAP) / 2 if len(games) > 1 else WIDTH - 2 * MARGIN
        for place in range(len(games)):
            x = MARGIN + (place % 2) * (width + GAP)
            y = 132 + (place // 2) * (height + GAP)
            self._tile(canvas, place, x, y, width, height)
        self.footer(canvas, now, menu_hints("← ↑ ↓ →"))

    def _tile(self, canvas: Canvas, place: int, x: float, y: float, width: float, height: float) -> None:
        game = self.house.games[place]
        colour = palette.GAME_COLOURS.get(game.name, palette.SKY)
        chosen = place == self.chosen
        canvas.panel(x, y, width, height, colour if chosen else palette.LINE)
        if chosen:
            canvas.frame(x + 5, y + 5, width - 10, height - 10, colour, 4)
        picture_height = height - 36
        picture_width = picture_height * 1.25
        thumbnail(canvas, still(game), x + 18, y + 18, picture_width, picture_height)
        left, room = x + picture_width + 42, width - picture_width - 66
        canvas.pixels(game.title, left, y + 30, 4.5, colour, room=room)
        if height > 150:
            how = text(f"kiosk.how_{game.name}") if has_text(f"kiosk.how_{game.name}") else ""
            used = canvas.paragraph(how, left, y + 78, room, 26, palette.TEXT)
            if self._best[place] and used <= 36 * 2:
                canvas.text(self._best[place], left, y + height - 56, 26, palette.YELLOW, room=room)


def best_person(house: House, number_of_game: int) -> str:
    """Return a line that says how far people have come."""
    people = [s for s in house.standings(house.games[number_of_game]) if s.kind is Kind.HUMAN]
    if not people:
        return text("kiosk.best_none")
    return text("kiosk.best", score=number(max(person.best for person in people)))


def thumbnail(canvas: Canvas, picture: np.ndarray | None, x: float, y: float, width: float, height: float) -> None:
    """Show a game's still picture, smoothed: here its dots don't matter."""
    place = canvas.rect(x, y, width, height)
    if picture is None or place.width < 2 or place.height < 2:
        canvas.box(x, y, width, height, (0, 0, 0))
        return
    canvas.surface.blit(_scaled(picture, place.width, place.height), place)


_thumbnails: dict[tuple[int, int, int], pygame.Surface] = {}


def _scaled(picture: np.ndarray, width: int, height: int) -> pygame.Surface:
    import cv2

    key = (id(picture), width, height)  # stills live as long as the process
    if key not in _thumbnails:
        if len(_thumbnails) > 64:
            _thumbnails.clear()
        four_times = cv2.resize(picture, (picture.shape[1] * 8, picture.shape[0] * 4), interpolation=cv2.INTER_NEAREST)
        small = cv2.resize(four_times, (width, height), interpolation=cv2.INTER_AREA)
        _thumbnails[key] = pygame.image.frombuffer(small.tobytes(), (width, height), "RGB")
    return _thumbnails[key]


VISIBLE = 5
"""Rivals that fit on the screen; the list moves with the choice."""


class ChooseOpponent(KioskScreen):
    """A list of who can be played against; the last line is nobody."""

    def __init__(self, house: House, visit: Visit, now: float) -> None:
        super().__init__(house, now)
        self.visit = visit
        self.opponents: list[OpponentChoice | None] = [*house.opponents(visit.game), None]
        self.chosen = 0
        self.accent = palette.GAME_COLOURS.get(visit.game.name, palette.SKY)

    def handle(self, pressed: Input, now: float) -> KioskScreen | Next:
        match pressed.command:
            case Command.UP | Command.LEFT:
                self.chosen = max(0, self.chosen - 1)
            case Command.DOWN | Command.RIGHT:
                self.chosen = min(len(self.opponents) - 1, self.chosen + 1)
            case Command.GO:
                self.visit.choice = choice = self.opponents[self.chosen]
                if choice is not None:
                    self.visit.at_work = choice.start(self.house.rules(self.visit.game))
                return Next(To.ENTER_NAME, visit=self.visit)
            case Command.BACK:
                return Next(To.CHOOSE_GAME, chosen=self.house.games.index(self.visit.game))
        return self

    def given_up(self, now: float) -> Next:
        return Next(To.ATTRACT)

    def draw(self, canvas: Canvas, now: float) -> None:
        self.header(canvas, text("kiosk.choose_rival"), self.visit.game.title)
        first = min(max(0, self.chosen - VISIBLE + 2), max(0, len(self.opponents) - VISIBLE))
        for line, choice in enumerate(self.opponents[first : first + VISIBLE]):
            self._line(canvas, choice, 134 + 100 * line, first + line == self.chosen)
        self._arrows(canvas, first)
        if self.opponents == [None]:
            canvas.paragraph(text("kiosk.no_rival"), MARGIN, 260, WIDTH - 2 * MARGIN, 32, palette.QUIET)
        self.footer(canvas, now, menu_hints("↑ ↓"))

    def _line(self, canvas: Canvas, choice: OpponentChoice | None, y: float, chosen: bool) -> None:
        width = WIDTH - 2 * MARGIN - 50
        canvas.panel(MARGIN, y, width, 88, self.accent if chosen else palette.LINE)
        if chosen:
            canvas.frame(MARGIN + 5, y + 5, width - 10, 78, self.accent, 4)
            canvas.pixels(">", MARGIN + 28, y + 26, 5, self.accent)
        left, right = MARGIN + 72, MARGIN + width - 30
        if choice is None:
            canvas.text(text("kiosk.alone"), left, y + 9, 36)
            canvas.text(text("kiosk.alone_how"), left, y + 49, 24, palette.QUIET)
            return
        canvas.text(choice.name, left, y + 9, 36, room=width - 420)
        how = "rival_script" if choice.agent.startswith(SCRIPT_PREFIX) else "rival_trained"
        how = "rival_guest" if choice.named is not None else how
        canvas.text(text(f"kiosk.{how}"), left, y + 49, 24, palette.QUIET, room=width - 420)
        if choice.mean is not None:
            canvas.text(number(round(choice.mean)), right, y + 9, 36, palette.YELLOW, 1, 280)
            canvas.text(text("kiosk.rival_mean"), right, y + 49, 24, palette.QUIET, 1, 280)

    def _arrows(self, canvas: Canvas, first: int) -> None:
        """Show at the right that the list goes on."""
        if first > 0:
            canvas.pixels("↑", WIDTH - MARGIN - 30, 150, 5, palette.QUIET)
        if first + VISIBLE < len(self.opponents):
            canvas.pixels("↓", WIDTH - MARGIN - 30, 580, 5, palette.QUIET)
