"""Leads a person through a game: waits for the frame, reads what is held, counts down, pauses, asks before leaving.

A pause hides the picture, is limited in number and time, and stands in the recording. Everything that stops the game
(the question before leaving, a pad that was unplugged) is such a pause: there is no other way to look at a standing
picture and think.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from enum import Enum, auto
from math import ceil

from agents.human import Button
from agents.player import PlayerQuit
from arena.play.limits import CONFIRM_KEYS, SCREEN_SECONDS, PlayLimits
from arena.play.opponent import Opponent
from arena.play.view import View
from arena.ui.frame_clock import FrameClock
from arena.ui.lines import Line, draw_lines, hint, line, title
from arena.ui.palette import TEXT
from arena.ui.strings import text
from arena.ui.window import Press, Stage
from envs.step import Step

AGAIN_SECONDS = 2.0
"""How soon the second Esc must come where there is no pause left to ask in."""
READY_SECONDS = 20.0
"""How long the game waits for the opponent's first decision. Then it begins, and the opponent's actions are held."""
WORDLESS_SECONDS = 0.7
"""For so long nothing is said about that wait."""
IDLE_WARNING_SECONDS = 10.0


class PauseAnswer(Enum):
    """What a person says on a screen that hides the game, besides leaving."""

    GO_ON = auto()
    ASK = auto()
    """Whether to leave."""


class WindowHands:
    """The `Hands` of one game at the window.

    Args:
        stage: where the person plays.
        view: draws the game.
        clock: of this game.
        limits: of this game.
        opponent: who plays beside the person; waited for before the countdown, and never again.
    """

    def __init__(self, stage: Stage, view: View, clock: FrameClock, limits: PlayLimits, opponent: Opponent) -> None:
        self._opponent = opponent
        self._stage = stage
        self._view = view
        self._clock = clock
        self._limits = limits
        self._pauses = 0
        self._paused_for = 0.0
        self._escaped = -AGAIN_SECONDS

    def next(self, step: Step) -> Sequence[Button]:
        """See `agents.human.Hands`. What stops the game stops it here."""
        if step.t == 0:
            self._begin()
        while True:
            self._clock.tick()
            if not self._stopped(step):
                return self._stage.held.frame()

    def _begin(self) -> None:
        self._stage.pads_state.unplugged.clear()
        self._stage.last_input = time.monotonic()
        keys = [hint(text("play.keys_move")), hint(text("play.keys_fire")), self._keys("play.keys_other")]
        keys += self._of_pads("play.pad_keys")
        self._await_opponent(keys)
        self._count_down(text("play.ready"), keys, may_leave=True)

    def _keys(self, key: str) -> Line:
        """Return the line that says what the other keys do."""
        more = "" if self._stage.keeps_size else f"   {text('play.keys_full_screen')}"
        return hint(text(key) + more)

    def _of_pads(self, key: str) -> list[Line]:
        """Return the line for who plays with a pad; none where there is none."""
        return [hint(text(key))] if self._stage.pads else []

    def _await_opponent(self, keys: list[Line]) -> None:
        """Show who is getting ready until the opponent's first decision is there, or it has had time enough."""
        began = time.monotonic()
        while not self._opponent.ready() and (waited := time.monotonic() - began) < READY_SECONDS:
            self._escape_twice(self._stage.poll())
            self._show([title(text("play.ready")), self._loading_line(waited), *keys])
            if self._stage.closed:
                return

    def _loading_line(self, waited: float) -> Line:
        """What stands where the seconds are counted: usually the wait is over before it could be read."""
        player = self._opponent.player
        if waited < WORDLESS_SECONDS or player is None:
            return (str(self._limits.countdown), 3.0, TEXT)
        return line(text("play.loading", name=player.info.name))

    def _stopped(self, step: Step) -> bool:
        """Do what was asked for; True if the game has stood still for it."""
        stage = self._stage
        stopped = False
        for press in stage.poll():
            if stopped:
                break  # what else was pressed in this frame meant the game that ran
            if press.key == "p" or press.pad == "start":
                stopped = self._pause(step, self._pause_lines)
            elif press.key == "escape" or press.pad == "back":
                stopped = self._leave(step)
            elif press.key == "f10":
                self._view.phosphor = not self._view.phosphor
                stage.say(text("play.phosphor_on" if self._view.phosphor else "play.phosphor_off"))
        while stage.pads_state.unplugged:
            stopped = self._without_pad(step, stage.pads_state.unplugged.pop()) or stopped
        if stage.closed:
            raise PlayerQuit
        self._watch_idle()
        return stopped

    def _watch_idle(self) -> None:
        limit = self._limits.idle_seconds
        if limit is None:
            return
        left = limit - (time.monotonic() - self._stage.last_input)
        if self._stage.held.any():
            self._stage.last_input = time.monotonic()
        elif left <= 0:
            raise PlayerQuit
        elif left < IDLE_WARNING_SECONDS:
            self._view.note = text("play.idle", n=ceil(left))
            return
        self._view.note = ""

    # -- what stops the game ---------------------------------------------------------------------------------------

    def _seconds_left(self) -> float:
        return self._limits.pause_seconds - self._paused_for

    def _may_pause(self) -> bool:
        return self._pauses < self._limits.pauses and self._seconds_left() > 0

    def _pause_lines(self, seconds: int) -> list[Line]:
        more = self._limits.pauses - self._pauses
        left = "play.pauses_left" if more > 0 else "play.pause_last"
        counted = [hint(text(left, n=more, seconds=seconds))] if self._limits.counts else []
        keys = [self._keys("play.keys_paused"), *self._of_pads("play.pad_paused")]
        return [title(text("play.paused")), line(text("play.pause_go_on")), *counted, *keys]

    def _leave_lines(self, seconds: int) -> list[Line]:
        what = text("play.leave_counts" if self._limits.counts else "play.leave_practice")
        lines = [title(text("play.leave")), line(what)]
        if self._limits.counts and self._opponent.player is not None:
            lines.append(line(text("play.leave_loses", name=self._opponent.player.info.name)))
        lines += [line(text("play.leave_keys")), *self._of_pads("play.pad_leave")]
        return [*lines, hint(text("play.pause_time", seconds=seconds))] if self._limits.counts else lines

    def _leave(self, step: Step) -> bool:
        """Ask before leaving. Where no pause is left to ask in, a second Esc is the answer."""
        if self._may_pause():
            return self._pause(step, self._leave_lines, leaving=True)
        self._escape()
        return False

    def _escape(self) -> None:
        """Leave if this is the second Esc within two seconds; say so after the first."""
        now = time.monotonic()
        if now - self._escaped < AGAIN_SECONDS:
            self._stage.say("")
            raise PlayerQuit
        self._escaped = now
        self._stage.say(text("play.leave_again"))

    def _without_pad(self, step: Step, name: str) -> bool:
        if not self._may_pause():
            self._stage.say(text("play.pad_gone_toast", name=name))
            return False
        lines = [title(text("play.pad_gone", name=name)), line(text("play.pad_gone_what"))]
        return self._pause(step, lambda seconds: [*lines, *self._pause_lines(seconds)[1:3]])

    def _pause(self, step: Step, lines: Callable[[int], list[Line]], leaving: bool = False) -> bool:
        """Hide the game until the person goes on or the time for pauses is used up; True if the game stood still.

        Args:
            step: the frame at which it stops.
            lines: what to show, given the seconds that are left.
            leaving: whether they ask if the game is to be left. Where they don't, Esc leads to that question.
        """
        if not self._may_pause():
            self._stage.say(text("play.no_pauses"))
            return False
        self._pauses += 1
        stage, began = self._stage, time.monotonic()
        stage.speaker.stop()
        try:
            while (left := self._seconds_left() - (time.monotonic() - began)) > 0 and not stage.closed:
                answer = self._answer(leaving)
                if answer is PauseAnswer.GO_ON:
                    break
                if answer is PauseAnswer.ASK:
                    lines, leaving = self._leave_lines, True
                self._watch_idle()
                self._show(lines(ceil(left)))
            self._paused_for += time.monotonic() - began
            self._count_down(text("play.go_on"), [])
        finally:
            self._clock.paused(step.t, time.monotonic() - began)
            stage.last_input = time.monotonic()
        return True

    def _answer(self, leaving: bool) -> PauseAnswer | None:
        """Return what the person wants; None if nothing was said yet. Raises PlayerQuit to leave."""
        for press in self._stage.poll():
            confirms = press.key in CONFIRM_KEYS or press.pad == "start"
            if leaving and confirms:
                raise PlayerQuit
            if press.key == "escape" or press.pad == "back":
                return PauseAnswer.GO_ON if leaving else PauseAnswer.ASK
            if confirms or press.key == "p" or press.button is Button.FIRE:
                return PauseAnswer.GO_ON
        return None

    def _count_down(self, words: str, more: list[Line], may_leave: bool = False) -> None:
        """Count the seconds down on a hidden game. After a pause nothing leaves it: who hammers on Esc plays on."""
        until = time.monotonic() + self._limits.countdown
        while (left := until - time.monotonic()) > 0 and not self._stage.closed:
            presses = self._stage.poll()
            if may_leave:
                self._escape_twice(presses)
            self._show([title(words), (str(ceil(left)), 3.0, TEXT), *more])
        self._stage.held.clear()

    def _escape_twice(self, presses: Sequence[Press]) -> None:
        for press in presses:
            if press.key == "escape" or press.pad == "back":
                self._escape()

    def _show(self, lines: list[Line]) -> None:
        self._view.draw_hidden()
        draw_lines(self._stage, lines, self._view.line)
        self._stage.show()
        time.sleep(SCREEN_SECONDS)
