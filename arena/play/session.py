"""One game, or a match of several, that a person plays at the window, alone or beside an opponent.

The match engine is the one that plays everything else. The person's lane comes first: its `act` waits for the frame,
so the opponent's lane runs by the same clock. In the loop nothing is synced, sent or collected; what has to be written
is written by another thread, or after the person's game.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple, cast

from agents.human import Button, HumanPlayer
from agents.player import Player
from arena.client.offline import Kept, keep_here
from arena.engine.env_pool import borrowed
from arena.engine.match import Lane, Turn, observed, play_lanes
from arena.play.hands import WindowHands
from arena.play.keeper import Keeper, LiveObserver, PlayedGame
from arena.play.limits import CONFIRM_KEYS, RANKED, SCREEN_SECONDS, PlayLimits
from arena.play.opponent import NOBODY, GhostOpponent, Opponent
from arena.play.view import View
from arena.ui.endings import ENDS
from arena.ui.frame_clock import FrameClock
from arena.ui.lines import Line, draw_lines, hint, line
from arena.ui.lines import title as title_line
from arena.ui.palette import YELLOW
from arena.ui.show import Panel, Show
from arena.ui.strings import text
from arena.ui.window import Press, Stage
from envs.environment import ale_seed_of
from envs.rules import Rules
from envs.step import End
from recordings.recording import Pacing

DEAF_SECONDS = 2.0
"""For so long after a game keys are ignored: who is still hammering on them skips nothing."""
FAST_FRAMES = 4
"""Emulated frames between two pictures while the opponent plays on alone."""
PICTURE_SECONDS = 1 / 60
MOST_LEFT_OUT = 3
"""Pictures in a row that may be left out on a machine that is too slow to draw them all."""


class Round(NamedTuple):
    """One game of a person, with what played beside it."""

    seed: int
    person: PlayedGame
    opponent: PlayedGame | None
    """None if nobody played there. A game that was broken off when the person left ends as QUIT and lies nowhere."""

    @property
    def winner(self) -> int:
        """1: the person, -1: the opponent, 0: neither, or nobody played beside. Who leaves loses the round; nobody wins
        it against a game that could not come to its end."""
        if self.opponent is None:
            return 0
        mine, theirs = self.person.recording, self.opponent.recording
        if mine.end is End.QUIT:
            return -1
        if theirs.end is End.QUIT and self.opponent.path is None and mine.score >= theirs.score:
            return 0
        return (mine.score > theirs.score) - (mine.score < theirs.score)


def play_match(
    stage: Stage,
    rules: Rules,
    seeds: Sequence[int],
    name: str,
    folder: Path | None,
    *,
    opponent: Opponent = NOBODY,
    limits: PlayLimits = RANKED,
    begin: Callable[[int], Kept] = lambda number: keep_here,
) -> list[Round]:
    """Play `seeds` one after the other; a game that is left ends the match. A seed is looked up when its game begins.
    `begin` is called with the number of each game, 0 for the first, and returns what takes its recordings. For the rest
    see `play_game`."""
    rounds: list[Round] = []
    for number, seed in enumerate(seeds, start=1):
        words = text("play.round", n=number, all=len(seeds), seed=seed)
        label = words if len(seeds) > 1 else text("play.alone", seed=seed)
        rounds.append(
            play_game(
                stage,
                rules,
                seed,
                name,
                folder,
                opponent=opponent,
                title=label,
                limits=limits,
                begin=partial(begin, number - 1),
            )
        )
        if rounds[-1].person.recording.end is End.QUIT or stage.closed:
            break
    return rounds


def play_game(
    stage: Stage,
    rules: Rules,
    seed: int,
    name: str,
    folder: Path | None,
    *,
    opponent: Opponent = NOBODY,
    title: str = "",
    limits: PlayLimits = RANKED,
    begin: Callable[[], Kept] = lambda: keep_here,
) -> Round:
    """Let a person play one game, from the countdown to the key that leaves its last screen.

    Args:
        stage: the window. Afterwards `stage.closed` tells whether the person closed it.
        rules: what is played.
        seed: the environment's seed.
        name: the person's.
        folder: where the game grows while it runs and its recording is saved; None writes nothing.
        opponent: who plays beside the person; it is begun here.
        title: a line on the screen, such as the number of the round.
        limits: what the person may do besides playing.
        begin: called when nothing can keep the game from beginning any more. What it returns is called with every
            recording that was saved, and where; an EventError from it is one of the disk, too.

    Raises:
        PlayerNameError, SeedError, RomError, RulesError: this can't be played.
        AgentError, RecordingError: the opponent can't play this.
    """
    ale_seed_of(seed)
    opponent.begin(rules, seed)
    clock = FrameClock(rules.max_frames)
    panels = [Panel(name, rules)] + ([] if opponent.player is None else [_opponent_panel(opponent, rules)])
    view = View(stage, panels, title)
    players: list[Player] = [HumanPlayer(name, WindowHands(stage, view, clock, limits, opponent))]
    panels[0].name = players[0].info.name
    players += [] if opponent.player is None else [opponent.player]

    def pacing(lane: int) -> Pacing:
        return clock.pacing(opponent.held_frames if lane else 0)

    with borrowed(rules, len(players)) as envs, ThreadPoolExecutor(1) as writer, _quiet_memory():
        keeper = Keeper(folder, writer, begin())
        observer = LiveObserver(rules, players, keeper, folder, pacing)
        lanes = [Lane(env, one, iter((seed,))) for env, one in zip(envs, players, strict=True)]
        game = _Game(stage, view, clock, opponent, limits)
        with closing(cast("Generator[Turn]", play_lanes(lanes))) as turns, closing(observer):
            game.play(Show(observed(turns, observer), panels))
            if len(panels) > 1 and panels[1].running:
                observer.break_off(panels[1])
        game.save(keeper)
        person = keeper.played(persons=True)
        assert person is not None  # the engine ends every game, whatever the person does
        game.end_screen(person)
        return Round(seed, person, _ghost(opponent) or keeper.played(persons=False))


def _ghost(opponent: Opponent) -> PlayedGame | None:
    return PlayedGame(opponent.recording, None, None) if isinstance(opponent, GhostOpponent) else None


@contextmanager
def _quiet_memory() -> Iterator[None]:
    """Let Python collect no garbage inside: that would stop the game for a moment."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


class _Game:
    """What happens at the window in one game."""

    def __init__(self, stage: Stage, view: View, clock: FrameClock, opponent: Opponent, limits: PlayLimits) -> None:
        self._stage = stage
        self._view = view
        self._clock = clock
        self._opponent = opponent
        self._limits = limits
        self._panels = view.panels
        self._given_up = False
        """Whether the person has chosen not to wait until there is room for the recording."""

    def play(self, show: Show) -> None:
        """Play until the person's game is over, then let the opponent's go on to its end."""
        stage, view, person = self._stage, self._view, self._panels[0]
        left_out = 0
        while show.advance() and person.running:
            stage.speaker.feed(person.sound())
            if self._clock.behind() and left_out < MOST_LEFT_OUT:
                left_out += 1
                continue
            left_out = 0
            view.held_frames = self._opponent.held_frames
            view.draw()
            stage.show()
        stage.speaker.stop()
        self._play_on(show)

    def _play_on(self, show: Show) -> None:
        """Nobody is kept waiting now: the opponent's game goes on faster, and still faster when a key is pressed. Esc
        or closing the window breaks it off, and who has left the game isn't asked to watch."""
        stage, view = self._stage, self._view
        if len(self._panels) < 2 or not self._panels[1].running or stage.closed or self._left():
            return
        opponent = self._panels[1].name
        self._opponent.patient()
        hurried = False
        deaf_until = time.monotonic() + DEAF_SECONDS
        while not stage.closed:
            view.note = text("play.to_the_end" if hurried else "play.bot_plays_on", name=opponent)
            view.draw()
            stage.show()
            until = time.monotonic() + PICTURE_SECONDS
            frames = 0
            while (hurried or frames < FAST_FRAMES) and time.monotonic() < until:
                frames += 1
                if not show.advance():
                    view.note = ""
                    return
            presses = stage.poll()
            if time.monotonic() > deaf_until:
                if any(press.key == "escape" for press in presses):
                    return
                hurried = hurried or any(_goes_on(press) for press in presses)
            time.sleep(max(0.0, until - time.monotonic()))

    def _left(self) -> bool:
        step = self._panels[0].step
        return step is not None and step.end is End.QUIT

    def save(self, keeper: Keeper) -> None:
        """See that everything is saved; while the disk is full, ask the person to make room."""
        while (problem := keeper.problem()) is not None and not self._stage.closed:
            self._view.draw()
            lines = [title_line(text("play.disk")), hint(problem), line(text("play.disk_keys"))]
            if not self._wait(lines, None):
                self._given_up = True
                return
            keeper.try_again()

    def end_screen(self, played: PlayedGame) -> None:
        """Show how it ended until the person goes on."""
        if self._stage.closed:
            return
        self._view.note = ""
        self._view.draw()
        self._wait(self._end_lines(played), self._limits.idle_seconds)

    def _end_lines(self, played: PlayedGame) -> list[Line]:
        person = self._panels[0]
        lines = [title_line(text(ENDS[played.recording.end])), (f"{person.score:,}", 2.2, YELLOW)]
        if len(self._panels) > 1 and (outcome := self._outcome()):
            lines.append(line(outcome))
        if self._given_up:
            lines.append(hint(text("play.given_up")))
        elif self._limits.counts and played.unranked is not None:
            lines.append(hint(text("play.unranked", reason=played.unranked)))
        return [*lines, hint(text("play.press_fire"))]

    def _outcome(self) -> str:
        """Who has won; empty where a game was broken off before that was clear."""
        first, second = self._panels
        gap = first.score - second.score
        if self._left() or (second.running and gap >= 0):
            return ""
        if gap == 0:
            return text("play.draw")
        return text("play.wins", name=(first if gap > 0 else second).name, n=f"{abs(gap):,}")

    def _wait(self, lines: list[Line], seconds: float | None) -> bool:
        """Show `lines` until the person goes on (True), presses Esc, or the seconds are over (False). For the first two
        seconds keys are ignored."""
        stage = self._stage
        began = time.monotonic()
        while not stage.closed and (seconds is None or time.monotonic() - began < seconds):
            for press in stage.poll():
                if time.monotonic() - began > DEAF_SECONDS:
                    if press.key == "escape" or press.pad == "back":
                        return False
                    if _goes_on(press):
                        return True
            if stage.resized:
                self._view.draw()
            draw_lines(stage, lines, self._view.line)
            stage.show()
            time.sleep(SCREEN_SECONDS)
        return False


def _goes_on(press: Press) -> bool:
    return press.button is Button.FIRE or press.key in CONFIRM_KEYS or press.pad == "start"


def _opponent_panel(opponent: Opponent, rules: Rules) -> Panel:
    assert opponent.player is not None
    name = opponent.player.info.name
    if isinstance(opponent, GhostOpponent):
        return Panel(text("play.ghost", name=name), rules, opponent.recording.end)
    return Panel(name, rules)
