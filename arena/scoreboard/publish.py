"""From recordings to the scoreboard: nothing is booked that a fresh emulator did not replay."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from agents.player import Kind
from arena.engine.eligibility import unranked_reason
from arena.engine.verify import Verification, verify_files
from arena.scoreboard.results import Result
from envs.errors import RecordingError, ScoreboardError
from envs.step import End
from recordings.codec import SUFFIX, encode, read
from recordings.recording import Recording
from recordings.storage import save

if TYPE_CHECKING:
    from arena.scoreboard.store import Scoreboard  # the database: whoever only keeps recordings needn't wait for it


@dataclass(frozen=True, slots=True)
class Publication:
    """What became of one recording."""

    path: Path
    recording: Recording | None
    """None if the file could not be read."""
    verification: Verification
    new: bool
    """Whether the scoreboard did not have it before."""
    unranked: str | None = None
    """Why the scoreboard doesn't take it although it verifies, as a part of a sentence; None if it does."""


def keep(recording: Recording, folder: Path) -> Path:
    """Save `recording` in `folder` and return its path. A machine's game that lies there already, frame for frame, is
    not saved a second time: its path is returned. Every attempt of a person is saved.

    Raises:
        EventError: the folder can't be written or the disk is full; nothing is left half-written.
    """
    if recording.player.kind != Kind.HUMAN.value:
        for path in sorted(folder.glob(f"{recording.rules.game}-*-s{recording.seed}-*{SUFFIX}")):
            try:
                there = read(path)
            except RecordingError:
                continue
            if there == recording.model_copy(update={"started_at": there.started_at}):
                return path
    return save(recording, folder)


def publish(
    paths: Iterable[Path],
    scoreboard: Scoreboard,
    each: Callable[[Publication], None] = lambda publication: None,
    processes: int | None = None,
) -> list[Publication]:
    """Verify recordings and add the good ones to `scoreboard`, in the order of `paths`. Those that are there already
    stay as they are, so this may be repeated. Those that don't count (`arena.engine.eligibility`) are left out.

    Args:
        paths: recording files.
        scoreboard: where results go.
        each: called with every booking as it is made.
        processes: how many verify at once; None for all cores.

    Raises:
        ScoreboardError: the scoreboard can't be written.
    """
    publications = []
    for path, recording, verification in verify_files(paths, processes):
        new = False
        unranked = None if recording is None else unranked_reason(recording)
        if recording is not None and verification.ok and unranked is None:
            try:
                result = result_of(recording, path)
            except ScoreboardError as error:  # its file's name, or its date: one odd file shall not stop the others
                verification = replace(verification, ok=False, reason=str(error))
            else:
                new = scoreboard.add(result)
        publication = Publication(path, recording, verification, new, unranked)
        publications.append(publication)
        each(publication)
    return publications


def unpublished(folder: Path, scoreboard: Scoreboard) -> list[Path]:
    """Return the recordings in `folder` that `scoreboard` doesn't have, sorted: those of a process that was ended
    before it could book them, and files that can't be read; not those that don't count.

    Raises:
        ScoreboardError: the scoreboard can't be read.
    """
    paths = sorted(folder.glob(f"*{SUFFIX}"))
    if not paths:
        return []
    results = scoreboard.results() + scoreboard.voided()
    files = {result.recording_sha256 for result in results}
    plays = {_play_of(result) for result in results if result.end is not End.QUIT or result.kind is Kind.HUMAN}
    return [path for path in paths if not _is_published(path, files, plays)]


def _is_published(path: Path, files: set[str], plays: set[tuple[object, ...]]) -> bool:
    try:
        if _sha256(path) in files:
            return True
        recording = read(path)
        return unranked_reason(recording) is not None or _play_of(result_of(recording, path)) in plays
    except (OSError, RecordingError, ScoreboardError):
        return False


def _play_of(result: Result) -> tuple[object, ...]:
    """Return what the scoreboard tells episodes apart by."""
    return result.player, result.kind, result.artifact_sha256, result.rules_id, result.seed, result.play


def result_of(recording: Recording, path: Path, recording_sha256: str | None = None) -> Result:
    """Return the scoreboard's row for a verified recording.

    Args:
        recording: what is booked.
        path: its file; only the name counts.
        recording_sha256: of its bytes; None where they aren't at hand: it is encoded then.

    Raises:
        ScoreboardError: no scoreboard takes it, because of the name of its file, the year it names, or an agent's file
            that a person's or a script's game names: each would be a player of its own.
    """
    kind = Kind(recording.player.kind)
    if kind in (Kind.HUMAN, Kind.SCRIPT) and recording.player.artifact_sha256 is not None:
        who = "a person" if kind is Kind.HUMAN else "a script"
        raise ScoreboardError(f"This is a game of {who}, and it names an agent's file, which only a bot's game does.")
    return Result(
        player=recording.player.name,
        kind=kind,
        artifact_sha256=recording.player.artifact_sha256,
        game=recording.rules.game,
        rules_id=recording.rules.rules_id,
        rules_label=recording.rules.label,
        seed=recording.seed,
        score=recording.score,
        frames=recording.frames,
        end=recording.end,
        recording_sha256=recording_sha256 or hashlib.sha256(encode(recording)).hexdigest(),
        digest=recording.digest,
        recording_name=path.name,
        started_at=recording.started_at,
        verified_at=datetime.now(UTC),
    )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
