"""The games of a visit: practice, the rounds of the ranked match, and what stands between them."""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from functools import partial
from typing import cast

from arena.client.api import RankedTicket
from arena.kiosk.model import House
from arena.kiosk.rounds import draw_rounds, is_over
from arena.kiosk.screens.base import DEAF_SECONDS, MARGIN, Command, Input, KioskScreen, Next, To, Visit
from arena.play.limits import PRACTICE, RANKED, PlayLimits
from arena.play.opponent import NOBODY
from arena.play.session import play_game
from arena.ui import palette
from arena.ui.canvas import WIDTH, Canvas
from arena.ui.strings import text
from arena.ui.window import Stage
from envs.errors import AgentError, ArenaError

log = logging.getLogger(__name__)

NEXT_SECONDS = 60.0
"""Without a press for so long between two rounds, the match ends."""


class Practice(KioskScreen):
    """One game that is neither kept nor counted. Without a name in the visit, the guest has chosen to leave none."""

    def __init__(self, house: House, visit: Visit, now: float) -> None:
        super().__init__(house, now)
        self.visit = visit

    def work(self, stage: Stage) -> KioskScreen | Next:
        visit = self.visit
        seed = secrets.randbelow(self.house.event.settings.seeds.practice)
        limits = replace(PRACTICE, idle_seconds=self.house.settings.idle_game_seconds)
        try:
            name = visit.name or text("kiosk.guest")
            play_game(
                stage, self.house.rules(visit.game), seed, name, None, title=text("kiosk.practice"), limits=limits
            )
        except ArenaError as error:
            return Next(To.TROUBLE, visit=visit, sentence=str(error))
        if not visit.name:
            return Next(To.ATTRACT)
        return Next(To.NEXT_ROUND, visit=visit)

    def draw(self, canvas: Canvas, now: float) -> None:
        canvas.pixels(text("kiosk.practice"), WIDTH / 2, 330, 8, palette.TEXT, 0.5)


class NextRound(KioskScreen):
    """Between two rounds: how it stands, and who is next."""

    def __init__(self, house: House, visit: Visit, now: float) -> None:
        super().__init__(house, now)
        self.visit = visit
        self.accent = palette.GAME_COLOURS.get(visit.game.name, palette.SKY)
        self.seed = self._seed()
        self.refusal = ""
        """Why there is no ranked game, as a sentence; empty if there is."""
        if house.is_over:
            self.refusal = text("kiosk.over")
        elif not house.may_play(visit.game, visit.name):
            self.refusal = text("kiosk.enough")
        self.ticket: RankedTicket | None = None
        if not self.refusal:
            self._wish()

    def update(self, now: float) -> KioskScreen:
        answer = self.house.station.answer()
        if answer is None or self.refusal or self.ticket is not None:
            return self
        self.refusal = getattr(answer, "reason", "")
        if self.seed != (seed := self._seed()):  # the first word of the server has brought the event's
            self.seed = seed
            self._wish()
        elif not self.refusal:
            self.ticket = cast(RankedTicket, answer)
        return self

    def _seed(self) -> int:
        return self.house.seeds(self.visit.game)[len(self.visit.rounds)]

    def _wish(self) -> None:
        self.house.station.wish(self.visit.name, self.house.rules(self.visit.game), self.seed)

    @property
    def idle_seconds(self) -> float:
        return NEXT_SECONDS

    @property
    def deaf_seconds(self) -> float:
        return DEAF_SECONDS

    @property
    def is_waiting(self) -> bool:
        """Whether the rival is still getting ready."""
        return self.visit.at_work is not None and self.visit.at_work.loading

    def handle(self, pressed: Input, now: float) -> KioskScreen | Next:
        match pressed.command:
            case Command.GO if self.refusal:
                return self.given_up(now)
            case Command.GO if not self.is_waiting:
                return Next(To.PLAYING, visit=self.visit, seed=self.seed, ticket=self.ticket)
            case Command.BACK:
                return self.given_up(now)
        return self

    def given_up(self, now: float) -> Next:
        """End the match; what was played counts."""
        self.visit.end()
        return Next(To.COUNTING, visit=self.visit) if self.visit.rounds else Next(To.ATTRACT)

    def draw(self, canvas: Canvas, now: float) -> None:
        visit, rounds = self.visit, self.house.settings.rounds
        title = (
            text("kiosk.the_match") if rounds == 1 else text("kiosk.round_of", n=len(visit.rounds) + 1, rounds=rounds)
        )
        self.header(canvas, title, visit.game.title)
        choice = visit.choice.name if visit.choice else ""
        if choice:
            half = (WIDTH - 2 * MARGIN - 200) / 2
            canvas.text(visit.name, MARGIN + half, 152, 52, palette.SKY, 1, half)
            canvas.pixels(text("kiosk.versus"), WIDTH / 2, 166, 4, palette.QUIET, 0.5)
            canvas.text(choice, WIDTH - MARGIN - half, 152, 52, palette.ORANGE, 0, half)
        else:
            canvas.text(visit.name, WIDTH / 2, 152, 52, palette.SKY, 0.5, WIDTH - 2 * MARGIN)
        if visit.rounds:
            draw_rounds(canvas, visit, 250)
        elif not self.refusal:
            what = (
                text("kiosk.match_what", n=(rounds + 1) // 2)
                if choice and rounds > 1
                else text("kiosk.alone_what", n=rounds)
            )
            canvas.paragraph(what, WIDTH / 2, 280, 900, 34, palette.TEXT, 0.5)
        self._invite(canvas, now)

    def _invite(self, canvas: Canvas, now: float) -> None:
        at_work, awake = self.visit.at_work, now - self.since >= DEAF_SECONDS
        if at_work is not None and at_work.problem is not None:
            canvas.text(text("kiosk.rival_ill"), WIDTH / 2, 476, 30, palette.YELLOW, 0.5, WIDTH - 2 * MARGIN)
        if self.refusal:
            y = 500 if self.visit.rounds else 300
            canvas.paragraph(self.refusal, WIDTH / 2, y, 900, 36, palette.YELLOW, 0.5)
            self.footer(canvas, now, [(text("kiosk.cap_fire"), text("kiosk.hint_go_on"))])
            return
        if self.house.station.url and self.ticket is None and awake:
            canvas.text(text("kiosk.unseen"), WIDTH / 2, 512, 30, palette.YELLOW, 0.5, WIDTH - 2 * MARGIN)
        if self.is_waiting:
            name = self.visit.choice.name if self.visit.choice else ""
            waits = text("kiosk.rival_loading", name=name)
            canvas.text(waits, WIDTH / 2, 586, 34, palette.QUIET, 0.5, WIDTH - 2 * MARGIN)
        elif awake:
            canvas.panel(WIDTH / 2 - 240, 560, 480, 72, palette.YELLOW)
            canvas.pixels(text("kiosk.press_fire"), WIDTH / 2, 578, 5, palette.YELLOW, 0.5, 440)
        self.footer(canvas, now, [(text("kiosk.cap_fire"), text("kiosk.hint_start")), ("ESC", text("kiosk.hint_end"))])


class PlayingScreen(KioskScreen):
    """One ranked round.

    Args:
        seed: of the round.
        ticket: the server's; without one the game counts, but as not seen live.
    """

    def __init__(self, house: House, visit: Visit, now: float, seed: int, ticket: RankedTicket | None) -> None:
        super().__init__(house, now)
        self.visit = visit
        self.seed = seed
        self.ticket = ticket

    def work(self, stage: Stage) -> KioskScreen | Next:
        visit, house = self.visit, self.house
        rounds = house.settings.rounds
        opponent = visit.at_work.opponent if visit.at_work is not None else None
        title = text("kiosk.round_of", n=len(visit.rounds) + 1, rounds=rounds)
        try:
            played = play_game(
                stage,
                house.rules(visit.game),
                self.seed,
                visit.name,
                house.event.recordings,
                opponent=opponent or NOBODY,
                title=title,
                limits=limits_of(house),
                begin=partial(house.station.begin, self.ticket),
            )
        except ArenaError as error:
            if isinstance(error, AgentError) and visit.at_work is not None and opponent is not None:
                visit.at_work.give_up(error)  # it has died between two rounds; the guest goes on alone
                return Next(To.NEXT_ROUND, visit=visit)
            visit.end()
            return Next(To.TROUBLE, visit=visit, sentence=str(error))
        visit.rounds.append(played)
        if is_over(visit, rounds):
            visit.end()
            return Next(To.COUNTING, visit=visit)
        return Next(To.NEXT_ROUND, visit=visit)

    def draw(self, canvas: Canvas, now: float) -> None:
        canvas.pixels(text("kiosk.get_ready"), WIDTH / 2, 330, 8, palette.TEXT, 0.5)


def limits_of(house: House) -> PlayLimits:
    return replace(RANKED, idle_seconds=house.settings.idle_game_seconds)


class Trouble(KioskScreen):
    """Something that can't be helped here, in one sentence."""

    accent = palette.YELLOW

    def __init__(self, house: House, visit: Visit, sentence: str, now: float) -> None:
        super().__init__(house, now)
        self.visit = visit
        self.sentence = sentence
        log.warning("A game could not be played: %s", sentence)

    @property
    def idle_seconds(self) -> float:
        return min(20.0, self.house.settings.idle_seconds)

    @property
    def deaf_seconds(self) -> float:
        return DEAF_SECONDS

    def handle(self, pressed: Input, now: float) -> KioskScreen | Next:
        return self.given_up(now) if pressed.command in (Command.GO, Command.BACK) else self

    def given_up(self, now: float) -> Next:
        return Next(To.COUNTING, visit=self.visit) if self.visit.rounds else Next(To.ATTRACT)

    def draw(self, canvas: Canvas, now: float) -> None:
        self.header(canvas, text("kiosk.trouble"))
        y = 160 + canvas.paragraph(text("kiosk.trouble_what"), MARGIN, 160, WIDTH - 2 * MARGIN, 40)
        canvas.paragraph(self.sentence, MARGIN, y + 30, WIDTH - 2 * MARGIN, 28, palette.QUIET)
        self.footer(canvas, now, [(text("kiosk.cap_fire"), text("kiosk.hint_go_on"))])
