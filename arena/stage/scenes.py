"""The scenes of the show and what follows on what. A scene lives in frames of the show, 59.92 a second: while the show
is paused no time goes by in it."""

from __future__ import annotations

import logging
import time

import numpy as np

from arena.stage import draw_common, draw_playing, draw_tables
from arena.stage.audience import Hall
from arena.stage.replay import SideBySide, sources_of
from arena.stage.schedule import Bout, lines_of, scores_of
from arena.tournament.model import Format, TournamentState
from arena.ui.canvas import Canvas
from arena.ui.strings import text
from envs.errors import ArenaError
from envs.games import FPS

log = logging.getLogger(__name__)

MATCHUP_SECONDS = 9.0
COUNTDOWN = 3
END_SECONDS = 2.5
"""How long the last picture of a game stands."""
WINNER_SECONDS = 12.0
TABLE_SECONDS = 10.0
TAKEN_BACK_SECONDS = 6.0
CHAMPION_SECONDS = 20.0
FIRST_SECONDS = 5.0
"""Back within so long of a game's beginning means the scene before."""
RUSH_SECONDS = 0.012
"""How long the emulators may run ahead between two pictures."""
KEEP_FRAMES = round(2 * FPS)
"""So often the place in a game is kept."""
LOOK_FRAMES = 15
"""So often a scene that waits looks whether there is something to show."""


class Scene:
    """One scene. `update`, `skip` and `back` return the scene to show next, usually itself.

    Args:
        hall: what all share.
    """

    seconds = float("inf")
    """How long it is shown if nobody presses a key."""
    every = 2
    """It is drawn every nth frame."""

    def __init__(self, hall: Hall) -> None:
        self.hall = hall
        self.frame = 0

    @property
    def age(self) -> float:
        """Seconds that it has been on."""
        return self.frame / FPS

    def update(self) -> Scene:
        """Let one frame's time go by."""
        self.frame += 1
        return self.after() if self.age >= self.seconds else self

    def after(self) -> Scene:
        """What follows by itself."""
        return next_scene(self.hall)

    def skip(self) -> Scene:
        return self.after()

    def back(self) -> Scene:
        bout = self.hall.before[-1] if self.hall.before else None
        again = self.hall.again(bout) if bout is not None else None
        return VersusScene(self.hall, again) if again is not None else self

    def draw(self, canvas: Canvas) -> None:
        raise NotImplementedError

    def leave(self) -> None:
        """Let go of what it holds, since another scene follows. Called once."""
        self.close()

    def close(self) -> None:
        """Let go of what it holds. May be called more than once."""


def next_scene(hall: Hall) -> Scene:
    """Return the next bout's first scene, or what is shown while there is none."""
    bout = hall.next_bout()
    if bout is not None:
        return VersusScene(hall, bout)
    if hall.news.over and hall.news.state is not None and hall.state.scores:
        return ChampionScene(hall)
    return WaitingScene(hall)


class WaitingScene(Scene):
    """There is nothing to show yet."""

    every = 20

    def update(self) -> Scene:
        self.frame += 1
        if self.frame % LOOK_FRAMES:
            return self
        if self.hall.next_bout() is not None or self.hall.news.over:
            return next_scene(self.hall)
        if self.age >= 2 * TABLE_SECONDS and self.hall.news.state is not None and self.hall.known().scores:
            return TableScene(self.hall)
        return self

    def skip(self) -> Scene:
        found = next_scene(self.hall)
        return self if isinstance(found, WaitingScene) else found

    def draw(self, canvas: Canvas) -> None:
        draw_tables.waiting(canvas, self.hall)


class ChampionScene(WaitingScene):
    """The tournament is over, and all was shown."""

    def update(self) -> Scene:
        self.frame += 1
        if self.frame % LOOK_FRAMES:
            return self
        if self.hall.next_bout() is not None or not self.hall.news.over:
            return next_scene(self.hall)
        return TableScene(self.hall) if self.age >= CHAMPION_SECONDS else self

    def skip(self) -> Scene:
        return TableScene(self.hall)

    def draw(self, canvas: Canvas) -> None:
        draw_tables.champion(canvas, self.hall)


class BoutScene(Scene):
    """A scene of one bout. If a score of it is taken back, or the tournament changes, it ends."""

    def __init__(self, hall: Hall, bout: Bout) -> None:
        super().__init__(hall)
        self.bout = bout
        self.lines = lines_of(hall.state, bout)
        self._state = hall.state

    def update(self) -> Scene:
        hall = self.hall
        if hall.news.state is not self._state:
            if hall.news.state is None or not self._is_still_there(hall.state):
                return TakenBackScene(hall)
            self._state = hall.state
            self.lines = lines_of(hall.state, self.bout)
        return super().update()

    def _is_still_there(self, state: TournamentState) -> bool:
        return set(self.lines) <= {score.number for score in state.scores.values()}

    @property
    def state(self) -> TournamentState:
        """The tournament that the bout belongs to, as this scene has seen it last."""
        return self._state


class TakenBackScene(Scene):
    """The organizers have undone what was shown just now."""

    seconds = TAKEN_BACK_SECONDS

    def draw(self, canvas: Canvas) -> None:
        draw_tables.taken_back(canvas)


class VersusScene(BoutScene):
    """Who meets whom, and a countdown."""

    seconds = MATCHUP_SECONDS

    @property
    def count(self) -> int:
        """What the countdown says; 0 before it begins."""
        left = self.seconds - self.age
        return int(left) + 1 if left <= COUNTDOWN else 0

    def after(self) -> Scene:
        return begun(self.hall, self.bout)

    def back(self) -> Scene:
        before = [bout for bout in self.hall.before if bout.key != self.bout.key]
        again = self.hall.again(before[-1]) if before else None
        if again is None:
            return VersusScene(self.hall, self.bout)
        self.hall.before = before[:-1]
        return VersusScene(self.hall, again)

    def draw(self, canvas: Canvas) -> None:
        draw_common.matchup(canvas, self.hall, self.state, self.bout, self.count)


def begun(hall: Hall, bout: Bout, frame: int = 0) -> Scene:
    """Return the games of a bout, from `frame` on; where they can't be shown, what came of them."""
    seed = hall.seed_of(bout)
    try:
        if seed is None:
            raise ArenaError("Its seed isn't known here.")
        return PlayingScene(hall, bout, seed, frame)
    except ArenaError as error:
        log.warning("%s can't be shown: %s", bout.key, error)
    except Exception:
        log.exception("%s can't be shown", bout.key)
    return WinnerScene(hall, bout, None) if None not in scores_of(hall.state, bout) else next_scene(hall)


class PlayingScene(BoutScene):
    """Both games, side by side."""

    every = 1

    def __init__(self, hall: Hall, bout: Bout, seed: int, frame: int = 0) -> None:
        super().__init__(hall, bout)
        self._seed = seed
        sources = sources_of(hall.state, bout, hall.news.running, seed, hall.recordings)
        names = (hall.name(bout.a), hall.name(bout.b))
        self.duel = SideBySide(names, hall.state.plan.rules[bout.game], seed)
        self.duel.feed(sources)
        self._rush_to = frame
        """The frame that is looked for, as quickly as the emulators can."""
        self._over_for = 0
        self._news = hall.news
        self._picture = draw_playing.Picture()

    @property
    def rushing(self) -> bool:
        return self.duel.ticks < self._rush_to

    def update(self) -> Scene:
        found = super().update()
        if found is not self:
            return found
        if self.hall.news is not self._news:
            self._news = self.hall.news
            if self.duel.live and not self._fed():
                return next_scene(self.hall)
        self._move()
        if self.frame % KEEP_FRAMES == 0 and not self.rushing:
            self._keep()
        if self.duel.over:
            self._over_for += 1
            if self._over_for >= END_SECONDS * FPS:
                return self.after()
        return self

    def _fed(self) -> bool:
        """Take what is new of the games; False if it is another game."""
        try:
            sources = sources_of(self._state, self.bout, self._news.running, self._seed, self.hall.recordings)
            return self.duel.feed(sources)
        except ArenaError as error:
            log.warning("%s can't be shown any more: %s", self.bout.key, error)
            return not self.duel.live  # what is there is shown to the end

    def _move(self) -> None:
        if not self.rushing:
            self.duel.advance()
            self.hall.stage.speaker.feed(self.duel.sound())
            return
        until = time.perf_counter() + RUSH_SECONDS
        while self.rushing and time.perf_counter() < until:
            if not self.duel.advance():
                self._rush_to = 0

    def _keep(self) -> None:
        memory = self.hall.remembered
        memory.now, memory.frame, memory.tries = self.bout.key, self.duel.ticks, 0
        self.hall.keep()

    def after(self) -> Scene:
        a, b = (panel.score for panel in self.duel.panels)
        published = None not in scores_of(self.state, self.bout)
        if not published and not self.duel.over:
            return next_scene(self.hall)
        return WinnerScene(self.hall, self.bout, self.duel.leads.copy(), (a, b))

    def skip(self) -> Scene:
        """To the end of the games; once more, to what came of them. Games that are still played are left: they are
        shown when they are over."""
        if self.rushing or self.duel.over:
            return self.after()
        if self.duel.live:
            self.hall.put_off(self.bout)
            return next_scene(self.hall)
        self._rush_to = self.state.plan.rules[self.bout.game].max_frames
        self.hall.stage.speaker.stop()
        return self

    def back(self) -> Scene:
        if self.duel.ticks < FIRST_SECONDS * FPS:
            return VersusScene(self.hall, self.bout)
        return begun(self.hall, self.bout)

    def leave(self) -> None:
        super().leave()
        memory = self.hall.remembered
        memory.now, memory.frame, memory.tries = "", 0, 0

    def close(self) -> None:
        self.hall.stage.speaker.stop()
        self.duel.close()

    def draw(self, canvas: Canvas) -> None:
        note = text("stage.to_the_end") if self.rushing else ""
        self._picture.draw(canvas, self.hall, self.state, self.bout, self.duel, note)


class WinnerScene(BoutScene):
    """What came of a bout.

    Args:
        leads: int64 (frames + 1,), by how many points the first was ahead; None if the games couldn't be shown.
        shown: the scores of games that were shown as they were played.
    """

    seconds = WINNER_SECONDS

    def __init__(self, hall: Hall, bout: Bout, leads: np.ndarray | None, shown: tuple[int, int] | None = None) -> None:
        super().__init__(hall, bout)
        self.leads = leads
        self.shown = shown
        hall.mark(bout, shown)
        hall.before = [*(one for one in hall.before if one.key != bout.key), bout]

    @property
    def scores(self) -> tuple[int, int] | None:
        """The booked scores, or those that were seen."""
        a, b = scores_of(self.state, self.bout)
        return (a.score, b.score) if a is not None and b is not None else self.shown

    @property
    def published(self) -> bool:
        return None not in scores_of(self.state, self.bout)

    def after(self) -> Scene:
        if self.hall.news.state is None or not self.hall.known().scores:
            return next_scene(self.hall)
        return TableScene(self.hall)

    def back(self) -> Scene:
        return begun(self.hall, self.bout)

    def draw(self, canvas: Canvas) -> None:
        draw_common.winner(canvas, self.hall, self.state, self.bout, self.scores, self.leads, published=self.published)


class TableScene(Scene):
    """Standings, bracket or series, as the audience knows them."""

    seconds = TABLE_SECONDS

    def update(self) -> Scene:
        return next_scene(self.hall) if self.hall.news.state is None else super().update()

    def draw(self, canvas: Canvas) -> None:
        if self.hall.news.state is None:
            return
        state = self.hall.known()
        match state.plan.format:
            case Format.KNOCKOUT:
                last = self.hall.before[-1] if self.hall.before else None
                draw_tables.bracket(canvas, self.hall, state, last.stage if last is not None else "")
            case Format.DUEL:
                draw_tables.duel(canvas, self.hall, state)
            case _:
                draw_tables.standings_table(canvas, self.hall, state)
