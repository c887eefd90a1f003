"""Which games count. A game that a person played by a clock that was wrong is kept, but not ranked."""

from __future__ import annotations

from agents.player import Kind
from envs.games import FPS
from recordings.recording import Pacing, Recording

TOLERANCE = 0.01
"""The part by which a person's game may run faster or slower than the console, and the part of its frames for which a
bot may be late: the same allowance for both."""
SLACK_SECONDS = 0.5
"""A short game may be off by this much whatever part of it that is, for both again."""
MOST_PAUSES = 3
PAUSE_SECONDS = 60.0
"""How long the pauses of one game may take together."""
PAUSE_SLACK_SECONDS = 5.0
"""For each pause: the countdown after it."""


def unranked_reason(recording: Recording) -> str | None:
    """Return why a recording doesn't count, as part of a sentence; None if it does.

    People's games must have run at the console's pace, with no more pauses than are allowed; bots must have decided in
    time, but for a few frames. A person's game is judged by nothing that the bot beside it did. A game without a word
    about its pace counts: a machine's, or one whose program was killed.
    """
    pacing = recording.pacing
    if pacing is None:
        return None
    if recording.player.kind != Kind.HUMAN.value:
        return _too_late(pacing.held_frames, recording.frames)
    return _wrong_pace(pacing, recording.frames) or _too_many_pauses(pacing)


def _too_late(held: int, frames: int) -> str | None:
    if held <= max(TOLERANCE * frames, SLACK_SECONDS * FPS):
        return None
    return f"the bot had not decided in time for {held:,} of its {frames:,} frames"


def _wrong_pace(pacing: Pacing, frames: int) -> str | None:
    rate = pacing.frames_per_second
    if rate == 0 or abs(rate / FPS - 1) <= TOLERANCE:  # 0: not two frames long
        return None
    if abs(frames / rate - frames / FPS) <= SLACK_SECONDS:
        return None
    return f"it ran at {rate:.2f} frames per second, too {'fast' if rate > FPS else 'slow'}: the console runs at {FPS}"


def _too_many_pauses(pacing: Pacing) -> str | None:
    pauses = pacing.pauses
    if len(pauses) > MOST_PAUSES:
        return f"it was paused {len(pauses)} times, {MOST_PAUSES} are allowed"
    seconds = sum(pause.ms for pause in pauses) / 1000
    if seconds > PAUSE_SECONDS + PAUSE_SLACK_SECONDS * len(pauses):
        return f"it was paused for {seconds:.0f} seconds, {PAUSE_SECONDS:.0f} are allowed"
    return None
