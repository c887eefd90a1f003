"""The story of each final, and its highlights, found by replaying its recordings."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from arena.engine.replay import replay
from arena.event.folder import Event
from arena.report.gather import NotableDuel, Report
from arena.tournament.model import TournamentState
from arena.ui.palette import LIGHT, OTHER
from arena.ui.video import export
from envs.errors import ArenaError
from envs.games import FPS, find_game
from recordings.codec import read
from recordings.recording import Recording

WINDOW = 10.0
"""Seconds of a swing or a streak."""
CLIP = 12.0
"""Seconds of a film."""
CLOSE = 0.1
"""A finish is close if the lead is at most this share of the better score."""
REPLAYS = 12
"""Pairs of games that are replayed at most, all finals together: five minutes of play take over a second."""
CLIPS = 3


@dataclass(frozen=True, slots=True)
class Course:
    """How one seed went: both recordings and the points at every second."""

    a: Recording
    b: Recording
    seconds: NDArray[np.float64]
    points_a: NDArray[np.int64]
    """Points of A at each of `seconds`; after its game is over they stay."""
    points_b: NDArray[np.int64]

    @property
    def lead(self) -> NDArray[np.int64]:
        return self.points_a - self.points_b


@dataclass(frozen=True, slots=True)
class Story:
    """A final in one game."""

    tournament: str
    """Its name."""
    title: str
    game: str
    a: str
    b: str
    colour_a: str
    colour_b: str
    courses: Sequence[Course]

    @property
    def text(self) -> str:
        """Return the story in a sentence or two."""
        won = sum(int(course.lead[-1]) > 0 for course in self.courses)
        lost = sum(int(course.lead[-1]) < 0 for course in self.courses)
        turns = [self._turns(course) for course in self.courses]
        winner, mine, others = (self.a, won, lost) if won >= lost else (self.b, lost, won)
        shown = f"{len(self.courses)} {'seed' if len(self.courses) == 1 else 'seeds'}"
        level = len(self.courses) - won - lost
        tied = f", with {level} level" if level else ""
        head = f"On the {shown} shown {winner} was ahead at the end {mine} to {others}{tied}."
        if won == lost:
            head = f"On the {shown} shown {self.a} and {self.b} were level at the end, {won} to {lost}{tied}."
        most = max(turns, default=0)
        if most == 0:
            return f"{head} The lead never changed hands."
        often = "once" if sum(turns) == 1 else f"{sum(turns)} times"
        most_of_them = "" if most == 1 else ", all on one seed" if most == sum(turns) else f", {most} times on one seed"
        return f"{head} The lead changed hands {often}{most_of_them}."

    @staticmethod
    def _turns(course: Course) -> int:
        signs = np.sign(course.lead)
        signs = signs[signs != 0]
        return int(np.sum(signs[1:] != signs[:-1]))


@dataclass(frozen=True, slots=True)
class Highlight:
    """A moment that is worth a film."""

    kind: str
    text: str
    game: str
    recordings: tuple[Recording, ...]
    begin: float
    """Seconds."""
    weight: float
    """More is better, among those of one kind."""


@dataclass(frozen=True, slots=True)
class HighlightClip:
    """A film of a highlight."""

    kind: str
    text: str
    mp4: bytes

    @property
    def data(self) -> str:
        """The film as a data: address."""
        return "data:video/mp4;base64," + base64.b64encode(self.mp4).decode("ascii")


def stories(report: Report, event: Event, replays: int = REPLAYS) -> list[Story]:
    """Replay the finals of a report; recordings that are gone are left out."""
    told = [(one, game, final) for one in reversed(report.tournaments) for game, final in one.finals.items()]
    each = max(1, replays // len(told)) if told else 0
    found: list[Story] = []
    for tournament, game, final in told:  # those of the last tournament first
        if replays <= 0:
            break
        state = tournament.state
        human = [state.entrant(name).human for name in (final.a, final.b)]
        first, second = (LIGHT["people" if one else "bots"] for one in human)
        second = OTHER if first == second else second
        courses = list(_courses(state, game, final, event, min(each, replays)))
        replays -= len(courses)
        if courses:
            found.append(Story(state.plan.name, tournament.title, game, final.a, final.b, first, second, courses))
    return found


def _courses(state: TournamentState, game: str, final: NotableDuel, event: Event, most: int) -> Iterator[Course]:
    count = 0
    for index in range(state.plan.series.most):
        pair = [state.scores.get((final.stage, game, index, name)) for name in (final.a, final.b)]
        if count >= most or pair[0] is None or pair[1] is None:
            return
        with suppress(ArenaError):  # a recording that is gone, or was made on another machine's ROMs
            recordings = [read(event.recordings / (one.recording or "")) for one in pair if one is not None]
            yield course(recordings[0], recordings[1])
            count += 1


def course(a: Recording, b: Recording) -> Course:
    """Replay two games on one seed and return how they went."""
    longest = max(a.frames, b.frames)
    frames = np.unique(np.append(np.arange(0, longest, round(FPS)), longest))
    points = [_points(recording, frames) for recording in (a, b)]
    return Course(a, b, frames / FPS, *points)


def _points(recording: Recording, frames: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the points after each of `frames`."""
    rewards = np.zeros(int(frames[-1]) + 1, np.int64)
    for action, step in replay(recording.rules, recording.seed, recording.actions):
        if action is not None and step.reward:
            rewards[step.t] = int(step.reward)
    return np.asarray(np.cumsum(rewards)[frames])


def highlights(found: Sequence[Story], count: int = CLIPS) -> list[Highlight]:
    """Return the best moments: of each kind the best, from a game that isn't shown yet if there is one, then the
    second best, until there are `count`."""
    moments = [moment for story in found for one in story.courses for moment in _moments(story, one)]
    by_kind: dict[str, list[Highlight]] = {}
    for moment in sorted(moments, key=lambda moment: -moment.weight):
        by_kind.setdefault(moment.kind, []).append(moment)
    chosen: list[Highlight] = []
    while len(chosen) < count and any(by_kind.values()):
        for waiting in by_kind.values():
            if waiting and len(chosen) < count:
                shown = {moment.game for moment in chosen}
                new = next((moment for moment in waiting if moment.game not in shown), waiting[0])
                waiting.remove(new)
                chosen.append(new)
    return chosen


def _moments(story: Story, one: Course) -> Iterator[Highlight]:
    """Yield the largest swing, the best streak and the finish of one seed."""
    title = find_game(story.game).title
    scale = max(int(one.points_a[-1]), int(one.points_b[-1]), 1)
    width = min(round(WINDOW), len(one.lead) - 1)
    if width < 1:
        return
    pair = (one.a, one.b)
    swing = one.lead[width:] - one.lead[:-width]
    at = int(np.argmax(np.abs(swing)))
    if swing[at]:
        who, other = (story.a, story.b) if swing[at] > 0 else (story.b, story.a)
        text = f"{title}: {who} gains {abs(int(swing[at])):,} points on {other} within ten seconds."
        yield Highlight("Largest swing", text, story.game, pair, float(one.seconds[at]), abs(int(swing[at])) / scale)
    for recording, points in ((one.a, one.points_a), (one.b, one.points_b)):
        streak = points[width:] - points[:-width]
        at = int(np.argmax(streak))
        if streak[at] > 0:
            text = f"{title}: {recording.player.name} makes {int(streak[at]):,} points within ten seconds."
            weight = int(streak[at]) / max(int(points[-1]), 1) * min(1.0, int(points[-1]) / scale)
            yield Highlight("Best streak", text, story.game, (recording,), float(one.seconds[at]), weight)
    final = int(one.lead[-1])
    if min(int(one.points_a[-1]), int(one.points_b[-1])) > 0 and abs(final) <= CLOSE * scale:
        end = float(one.seconds[-1])
        ahead = story.a if final > 0 else story.b
        text = (
            f"{title}: {ahead} wins the seed by {abs(final):,} points of {scale:,}."
            if final
            else f"{title}: both end with {scale:,} points."
        )
        begin = max(0.0, end - CLIP)
        yield Highlight("Photo finish", text, story.game, pair, begin, -abs(final) / scale)


def films(moments: Sequence[Highlight], each: Callable[[], None] = lambda: None) -> list[HighlightClip]:
    """Film highlights."""
    clips = []
    with tempfile.TemporaryDirectory() as folder:
        for number, moment in enumerate(moments):
            path = Path(folder) / f"{number}.mp4"
            longest = max(recording.frames for recording in moment.recordings) / FPS
            begin = max(0.0, min(moment.begin - 1, longest - CLIP))
            export(moment.recordings, path, seconds=(begin, begin + CLIP))
            clips.append(HighlightClip(moment.kind, moment.text, path.read_bytes()))
            each()
    return clips
