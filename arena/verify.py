"""Verification: a score counts only after a fresh emulator has replayed the actions and arrived at the same digest.

The replay runs through the match engine like any other game, from a freshly loaded ROM, never from a snapshot.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

from agents.replay import ReplayPlayer
from arena.match import Lane, play_lanes
from envs.environment import ArenaEnv
from envs.errors import ArenaError
from envs.games import FPS
from envs.rules import Rules
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
    """Replay `recording` and compare digest, score, length and end."""
    player = ReplayPlayer(recording.player.name, recording.actions)
    lane = Lane(_environment(recording.rules), player, iter((recording.seed,)))
    digest = EpisodeDigest()
    score = 0
    step = None
    for _, _, action, step in play_lanes([lane]):
        if action is not None:
            digest.add(step)
            score += int(step.reward)
    assert step is not None
    replayed = step.t
    if replayed < recording.frames:
        return _refused(f"the game was over after {replayed} of {recording.frames} frames", score, replayed)
    if digest.hexdigest() != recording.digest:
        frame = _first_difference(digest.checkpoints, recording)
        return _mismatch(recording, score, replayed, frame)
    if score != recording.score:
        return _refused(f"the score is {score}, not {recording.score}", score, replayed)
    # A replay that ran out of actions says QUIT; so do games that were left, killed or forfeited.
    if (step.end in (End.TERMINATED, End.TRUNCATED) or recording.end in (End.TERMINATED, End.TRUNCATED)) and (
        step.end is not recording.end
    ):
        return _refused(f"the game ended as {step.end}, not {recording.end}", score, replayed)
    return Verification(True, "replayed bit for bit", score, replayed)


def _first_difference(checkpoints: list[str], recording: Recording) -> int:
    pairs = zip(checkpoints, recording.checkpoints, strict=True)
    same = next((i for i, (here, there) in enumerate(pairs) if here != there), len(checkpoints))
    return min((same + 1) * CHECKPOINT_FRAMES, recording.frames)


def _mismatch(recording: Recording, score: int, frames: int, frame: int) -> Verification:
    begin = (frame - 1) // CHECKPOINT_FRAMES * CHECKPOINT_FRAMES
    where = f"the replay differs between frames {begin + 1} and {frame} ({begin / FPS:.0f}-{frame / FPS:.0f} s)"
    here = version("ale-py")
    if recording.ale_py != here:
        where += f"; it was recorded with ale-py {recording.ale_py}, here runs {here}"
    return Verification(False, where, score, frames, frame)


def _refused(reason: str, score: int, frames: int) -> Verification:
    return Verification(False, reason, score, frames)


@lru_cache(maxsize=4)
def _environment(rules: Rules) -> ArenaEnv:
    return ArenaEnv(rules, obs_type="ram")


def verify_file(path: Path) -> tuple[Recording | None, Verification]:
    """Read and verify one file; what can't be read is refused with the reader's sentence."""
    try:
        recording = read(path)
        return recording, verify(recording)
    except ArenaError as error:
        return None, Verification(False, str(error).removeprefix(f"{path}: "))


def verify_files(
    paths: Iterable[Path], processes: int | None = None
) -> Iterator[tuple[Path, Recording | None, Verification]]:
    """Verify many files over `processes` (default: all cores), yielding results in the order of `paths`."""
    listed = list(paths)
    count = min(processes or os.cpu_count() or 1, len(listed))
    if count <= 1:
        for path in listed:
            yield path, *verify_file(path)
        return
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        for path, (recording, outcome) in zip(listed, pool.map(verify_file, listed), strict=True):
            yield path, recording, outcome
