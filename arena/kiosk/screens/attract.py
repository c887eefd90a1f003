"""The screen that nobody plays on: games of the event, and between them the standings."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from agents.player import Kind
from arena.kiosk.clips import CLIP_SECONDS, AttractBot, AttractClip, recorded_clip
from arena.kiosk.model import House
from arena.kiosk.screens.base import MARGIN, Command, Input, KioskScreen, Next, To
from arena.kiosk.standings_table import draw_standings
from arena.scoreboard.results import Standing
from arena.ui import palette
from arena.ui.canvas import WIDTH, Canvas
from arena.ui.key_cap import number
from arena.ui.qr import code_of
from arena.ui.strings import text
from envs.errors import AgentError, ArenaError
from envs.games import Game
from recordings.codec import read

STANDINGS_SECONDS = 10.0
LOAD_AFTER_SECONDS = 6.0
"""Only so long after the last key a bot is loaded that will play live: whoever comes next doesn't wait for that."""
ROWS = 7
"""Lines of the standings."""


class Attract(KioskScreen):
    """Shows clips and standings in turn until somebody presses a key."""

    pictures_per_second = 60
    """A game must be seen at its own rate: what it draws in every second frame only would vanish."""

    def __init__(self, house: House, now: float) -> None:
        super().__init__(house, now)
        self._turns = count()
        self._schedule: list[tuple[Game, Path | str | None]] = []
        """What is still to come: a recording, a bot that plays live, or None for the game's standings."""
        self._next_live: AttractBot | None = None
        """The next bot in the programme, while it is getting ready."""
        self._missed: tuple[Game, str] | None = None
        """A bot that was not ready at its turn: something else is shown first."""
        self._standings: list[Standing] = []
        self.clip: AttractClip | None = None
        self.game = house.games[0]
        self._until = now
        self._next(now)

    @property
    def idle_seconds(self) -> float:
        return float("inf")

    def handle(self, pressed: Input, now: float) -> KioskScreen | Next:
        if pressed.command is Command.BACK:
            return self
        self.close()
        return Next(To.CHOOSE_GAME)

    def update(self, now: float) -> KioskScreen:
        self._load_live(now)
        with suppress(ArenaError):  # a clip that can't be played on is over
            if now < self._until and (self.clip is None or self.clip.update(now)):
                return self
        self._next(now)
        return self

    def _next(self, now: float) -> None:
        """Go on to the next thing that can be shown."""
        if self.clip is not None:
            self.clip.close()
        if self._show_missed(now):
            return
        for _ in range(2 * len(self.house.games) + 1):  # the last of them are standings: those can be shown
            if len(self._schedule) < 2:
                self._schedule += self._planned(next(self._turns))
            self.game, what = self._schedule.pop(0)
            if what is None:
                self.clip, self._until = None, now + STANDINGS_SECONDS
                self._standings = self.house.standings(self.game)
                return
            with suppress(ArenaError):  # a file that is gone or broken is left out
                self.clip, self._until = self._clip(what, now), now + CLIP_SECONDS
                return

    def _clip(self, what: Path | str, now: float) -> AttractClip:
        """Return what is shown; in place of a bot that isn't ready a game that comes with the arena.

        Raises:
            ArenaError: there is nothing.
        """
        if isinstance(what, Path):
            return recorded_clip(read(what), now)
        with suppress(AgentError):  # its process has died; `_show_missed` gives it up
            if self._is_ready(self.game, what):
                return self._live_clip(now)
        self._missed = (self.game, what)
        return recorded_clip(read(self.house.golden(self.game)), now)

    def _show_missed(self, now: float) -> bool:
        """Show the bot that was not ready at its turn, if it is now; else give it up."""
        missed, self._missed = self._missed, None
        if missed is None:
            return False
        with suppress(ArenaError):
            if self._is_ready(*missed):
                self.clip, self._until = self._live_clip(now), now + CLIP_SECONDS
                return True
        if self._next_live is not None:
            self._next_live.close()
            self._next_live = None
        return False

    def _is_ready(self, game: Game, agent: str) -> bool:
        """Whether that bot can begin now.

        Raises:
            AgentError: its process has died.
        """
        live = self._next_live
        return live is not None and (live.agent, live.rules) == (agent, self.house.rules(game)) and live.ready()

    def _live_clip(self, now: float) -> AttractClip:
        live, self._next_live = self._next_live, None
        assert live is not None
        return live.clip(now)

    def _planned(self, turn: int) -> list[tuple[Game, Path | str | None]]:
        """Return a round of the programme: for every game one clip, another one each turn, and its standings."""
        schedule: list[tuple[Game, Path | str | None]] = []
        for game in self.house.games:
            clips: Sequence[Path | str] = self.house.clips(game) or self.house.performers(game)
            if clips:
                schedule.append((game, clips[turn % len(clips)]))
            schedule.append((game, None))
        return schedule

    def _load_live(self, now: float) -> None:
        """See that the next bot in the programme gets ready."""
        if self._next_live is None and now - self.touched >= LOAD_AFTER_SECONDS:
            plan = ((game, what) for game, what in self._schedule if isinstance(what, str))
            coming = self._missed or next(plan, None)
            playing = self.clip is not None and self.clip.live  # one at a time
            if coming is not None and not playing:
                self._next_live = AttractBot(coming[1], self.house.rules(coming[0]))
        if self._next_live is not None:
            with suppress(ArenaError):
                self._next_live.ready()

    def close(self) -> None:
        """Let the processes of bots that play live go."""
        for one in (self.clip, self._next_live):
            if one is not None:
                one.close()
        self._next_live = None

    # -- drawing -----------------------------------------------------------------------------------------------------

    def draw(self, canvas: Canvas, now: float) -> None:
        self.accent = palette.GAME_COLOURS.get(self.game.name, palette.SKY)
        if self.clip is not None:
            self._draw_clip(canvas, self.clip, now)
        else:
            self._draw_standings(canvas, now)

    def _draw_clip(self, canvas: Canvas, clip: AttractClip, now: float) -> None:
        canvas.box(0, 0, 852, 720, (0, 0, 0))
        canvas.game(clip.picture(), 20, 24, 812, 672)
        left, room = 892, WIDTH - MARGIN - 892
        canvas.pixels(text("kiosk.title"), left, 56, 9, palette.TEXT, room=room)
        canvas.text(self.house.event.name, left, 130, 30, palette.QUIET, room=room)
        canvas.pixels(self.game.title, left, 206, 5, self.accent, room=room)
        kind = "person" if clip.kind is Kind.HUMAN else "machine_live" if clip.live else "machine"
        canvas.text(clip.name, left, 256, 34, room=room)
        canvas.text(text(f"kiosk.{kind}"), left, 300, 26, palette.QUIET, room=room)
        canvas.pixels(number(clip.score), left, 346, 8, palette.YELLOW, room=room)
        self._invitation(canvas, now, left, room)

    def _draw_standings(self, canvas: Canvas, now: float) -> None:
        canvas.pixels(self.game.title, MARGIN, 50, 7, self.accent, room=780)
        canvas.text(text("kiosk.standings"), MARGIN, 112, 28, palette.QUIET)
        left, room = 892, WIDTH - MARGIN - 892
        draw_standings(canvas, self._standings[:ROWS], MARGIN, 168, left - 40 - MARGIN, self.accent)
        canvas.pixels(text("kiosk.title"), left, 56, 9, palette.TEXT, room=room)
        canvas.text(self.house.event.name, left, 130, 30, palette.QUIET, room=room)
        if not self._standings:
            canvas.paragraph(text("kiosk.nobody_yet"), MARGIN, 300, left - 40 - MARGIN, 40)
        self._invitation(canvas, now, left, room)

    def _invitation(self, canvas: Canvas, now: float, left: float, room: float) -> None:
        """What to do, and where the scoreboard is."""
        url = self.house.url or self.house.station.url
        below = 424 if url else 560
        canvas.panel(left, below, room, 92, palette.YELLOW)
        canvas.pixels(text("kiosk.press_fire"), left + room / 2, below + 28, 5, palette.YELLOW, 0.5, room - 30)
        canvas.text(text("kiosk.press_how"), left + room / 2, below + 100, 24, palette.QUIET, 0.5, room)
        if url:
            side = 128.0
            canvas.matrix(code_of(url), left, 560, side)
            canvas.text(text("kiosk.scoreboard"), left + side + 18, 562, 26, palette.QUIET, room=room - side - 18)
            shown = url.split("://", 1)[1].rstrip("/")
            for line, part in enumerate(_halves(shown)):
                canvas.text(part, left + side + 18, 604 + 34 * line, 26, room=room - side - 18)


def _halves(address: str) -> list[str]:
    """Break an address after its host where it is long."""
    host, slash, rest = address.partition("/")
    if len(address) <= 16 or not rest:
        host, colon, port = address.partition(":")
        return [address] if len(address) <= 16 or not colon else [host, colon + port]
    return [host, slash + rest]
