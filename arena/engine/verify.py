"""Verification: a score counts only after a fresh emulator has replayed the actions and arrived at the same digest.

The replay runs through the match engine like any other game, from a freshly loaded ROM, never from a snapshot.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path

from arena.engine.replay import replay
from arena.processes.workers import WorkerDied, received, workers
from envs.errors import ArenaError, EventError
from envs.games import FPS
from envs.step import End
from recordings.codec import read
from recordings.digest import CHECKPOINT_FRAMES, EpisodeDigest
from recordings.recording import Recording


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of one verification."""

    ok: bool
    reason: str
    """One sentence; for a mismatch it names the first checkpoint that differs."""
    score: int | None = None
    """Points the replay arrived at; None where nothing could be replayed."""
    frames: int = 0
    """Emulated frames replayed."""
    mismatch_frame: int | None = None
    """Last frame of the first ten seconds that differ."""


def verify(recording: Recording) -> Verification:
    """Replay `recording` and compare digest, checkpoints, score, length and end.

    Raises:
        UnknownGame, RomError, RulesError: its rules can't be played here.
    """
    digest = EpisodeDigest()
    score = 0
    step = None
    for action, step in replay(recording.rules, recording.seed, recording.actions):
        if action is not None:
            digest.add(step)
            score += int(step.reward)
    assert step is not None
    replayed = step.t
    pairs = zip(digest.checkpoints, recording.checkpoints, strict=False)  # a replay may end early
    differing = next((i for i, (here, there) in enumerate(pairs) if here != there), None)
    if differing is None and replayed < recording.frames:
        return _refused(f"the game was over after {replayed} of {recording.frames} frames", score, replayed)
    if differing is not None or digest.hexdigest() != recording.digest:
        checkpoint = len(recording.checkpoints) if differing is None else differing
        frame = min((checkpoint + 1) * CHECKPOINT_FRAMES, recording.frames)
        return _mismatch(recording, score, replayed, frame)
    if score != recording.score:
        return _refused(f"the score is {score}, not {recording.score}", score, replayed)
    # A replay that ran out of actions says QUIT; so do games that were left, killed or forfeited.
    if (step.end in (End.TERMINATED, End.TRUNCATED) or recording.end in (End.TERMINATED, End.TRUNCATED)) and (
        step.end is not recording.end
    ):
        return _refused(f"the game ended as {step.end}, not {recording.end}", score, replayed)
    return Verification(True, "replayed bit for bit", score, replayed)


def _mismatch(recording: Recording, score: int, frames: int, frame: int) -> Verification:
    begin = (frame - 1) // CHECKPOINT_FRAMES * CHECKPOINT_FRAMES
    where = f"the replay differs between frames {begin + 1} and {frame} ({begin / FPS:.0f}-{frame / FPS:.0f} s)"
    here = version("ale-py")
    if recording.ale_py != here:
        where += f"; it was recorded with ale-py {recording.ale_py}, here runs {here}"
    return Verification(False, where, score, frames, frame)


def _refused(reason: str, score: int, frames: int) -> Verification:
    return Verification(False, reason, score, frames)


def verify_file(path: Path) -> tuple[Recording | None, Verification]:
    """Read and verify one file; what can't be read is refused with the reader's sentence."""
    recording = None
    try:
        recording = read(path)
        return recording, verify(recording)
    except ArenaError as error:
        return recording, Verification(False, str(error).removeprefix(f"{path}: "))


def verify_files(
    paths: Iterable[Path], processes: int | None = None
) -> Iterator[tuple[Path, Recording | None, Verification]]:
    """Verify many files over `processes` (default: all cores), yielding results in the order of `paths`. Closing the
    generator early ends the processes at once.

    Raises:
        EventError: a process has died, probably for want of memory.
    """
    listed = list(paths)
    count = min(processes or os.cpu_count() or 1, len(listed))
    if count <= 1:
        for path in listed:
            yield path, *verify_file(path)
        return
    with workers(_work, [()] * count) as pipes:
        yield from _collected(listed, pipes)


AHEAD = 2
"""Files that a process has before it, so that it needn't wait for this one."""


def _collected(paths: list[Path], pipes: list[Connection]) -> Iterator[tuple[Path, Recording | None, Verification]]:
    """Give every process a new file for each that it has done, and yield in order what comes back in any."""
    waiting = iter(enumerate(paths))
    done: dict[int, tuple[Recording | None, Verification]] = {}
    for pipe in pipes * AHEAD:
        _give(pipe, waiting)
    outcomes = received(pipes)
    for place, path in enumerate(paths):
        while place not in done:
            try:
                pipe, (number, outcome) = next(outcomes)
            except WorkerDied:
                raise EventError(
                    "A verifying process has died, perhaps for want of memory; try --processes 1."
                ) from None
            done[number] = outcome
            _give(pipe, waiting)
        yield path, *done.pop(place)


def _give(pipe: Connection, waiting: Iterator[tuple[int, Path]]) -> None:
    for task in waiting:
        with suppress(OSError):  # a dead process is noticed when its results are waited for
            pipe.send(task)
        return


def _work(pipe: Connection) -> None:
    """What one process does, until it is ended."""
    with suppress(EOFError):  # whoever gave the files is gone
        while True:
            number, path = pipe.recv()
            pipe.send((number, verify_file(path)))
