"""A match as a spectator follows it: a `Show` takes its turns and keeps one `Panel` per game up to date."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from agents.replay import ReplayPlayer
from arena.engine.match import Lane, Turn, play_lanes
from arena.stats.text import clock_of
from arena.ui.endings import ENDS
from arena.ui.strings import text
from envs.environment import SOUND_SAMPLES, ArenaEnv
from envs.errors import ArenaError
from envs.games import find_game
from envs.rules import Rules
from envs.step import End, Step
from recordings.recording import Recording

SILENCE = np.full(SOUND_SAMPLES, 128, np.uint8)
SILENCE.flags.writeable = False
"""The sound of a frame in which nothing sounds."""


class Panel:
    """What is shown of one lane.

    Args:
        name: who plays.
        rules: what is played.
        recorded_end: for a replay, how the recorded game ended: a replay that runs out of actions only says QUIT.
    """

    def __init__(self, name: str, rules: Rules, recorded_end: End | None = None) -> None:
        self.name = name
        self.title = find_game(rules.game).title
        self.max_frames = rules.max_frames
        self.recorded_end = recorded_end
        self.seed = 0
        self.score = 0
        self.step: Step | None = None
        self.moved = False
        """Whether the last turn emulated a frame."""
        self.lead = 0
        """Points by which this one of two games is ahead; 0 for the other, for equal ones, and for any other number."""

    def take(self, turn: Turn) -> None:
        """Follow one turn of the lane."""
        if turn.step.t == 0:
            self.seed, self.score = turn.seed, 0
        self.step = turn.step
        self.score += int(turn.step.reward) if turn.action is not None else 0
        self.moved = turn.action is not None

    @property
    def running(self) -> bool:
        return self.step is not None and self.step.end is None

    @property
    def note(self) -> str:
        """How the game ended, and by how much it leads; empty if there is nothing to say."""
        notes = [f"leads by {self.lead:,}"] if self.lead else []
        if self.step is not None and (end := self.step.end) is not None:
            notes.append(text(ENDS[self.recorded_end if end is End.QUIT and self.recorded_end else end]))
        return " · ".join(notes)

    @property
    def details(self) -> str:
        t, lives = (self.step.t, self.step.lives) if self.step else (0, 0)
        clock = f"{clock_of(t)} of {clock_of(self.max_frames)}"
        return f"{self.title} · seed {self.seed} · {lives} {'life' if lives == 1 else 'lives'} · {clock}"

    def picture(self) -> np.ndarray:
        """The game's picture: uint8 (height, 160, 3), RGB. For a lane that has moved on it is gone (`StaleStep`)."""
        assert self.step is not None
        return self.step.screen()

    def sound(self) -> np.ndarray:
        """The sound of the last frame: uint8 (512,); silence (128) where no frame was emulated."""
        return self.step.sound() if self.step is not None and self.moved else SILENCE


class Show:
    """A match as a spectator follows it, one emulated frame of all running games at a time.

    Args:
        turns: as `play_lanes` or `Match.play` yield them, perhaps through an observer.
        panels: one per lane, in order.
    """

    def __init__(self, turns: Iterator[Turn], panels: Sequence[Panel]) -> None:
        self.panels = tuple(panels)
        self.ticks = 0
        """Times that `advance` has moved on."""
        self._turns = turns

    def advance(self) -> bool:
        """Let every running game emulate one frame (a game that begins anew is at frame 1 then); False when all games
        are over, and nothing has changed."""
        last: int | None = None
        for turn in self._turns:
            opening = turn.step.t == 0 and turn.step.end is None
            if not opening and last is None:  # this round has one turn for each game that runs now
                last = max(i for i, panel in enumerate(self.panels) if panel.running)
                for panel in self.panels:
                    panel.moved = False
            self.panels[turn.lane].take(turn)
            if turn.lane == last and not opening:
                self.ticks += 1
                self._compare()
                return True
        for panel in self.panels:
            panel.moved = False
        return False

    def _compare(self) -> None:
        """Note who of two in the same game leads."""
        if len(self.panels) == 2 and self.panels[0].title == self.panels[1].title:
            first, second = self.panels
            first.lead = max(0, first.score - second.score)
            second.lead = max(0, second.score - first.score)


def replay(recordings: Sequence[Recording]) -> Show:
    """Return the show of one recording, or of two side by side, replayed by fresh emulators.

    Raises:
        ArenaError: none, or more than two recordings.
        UnknownGame, RomError, RulesError: what was recorded can't be played here.
    """
    if not 1 <= len(recordings) <= 2:
        raise ArenaError(f"One recording can be shown, or two side by side; {len(recordings)} came.")
    lanes = [
        Lane(ArenaEnv(r.rules, obs_type="ram"), ReplayPlayer(r.player.name, r.actions), iter((r.seed,)))
        for r in recordings
    ]
    return Show(play_lanes(lanes), [Panel(r.player.name, r.rules, r.end) for r in recordings])
