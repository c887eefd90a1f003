"""From recordings to the scoreboard: nothing is booked that a fresh emulator did not replay."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from agents.player import Kind
from arena.results import Result
from arena.scoreboard import Scoreboard
from arena.verify import Verification, verify_files
from recordings.recording import Recording


@dataclass(frozen=True, slots=True)
class Booking:
    """What became of one recording."""

    path: Path
    recording: Recording | None
    """None if the file could not be read."""
    verification: Verification
    new: bool
    """Whether the scoreboard did not have it before."""


def book(
    paths: Iterable[Path], scoreboard: Scoreboard, each: Callable[[Booking], None] = lambda booking: None
) -> list[Booking]:
    """Verify recordings over all cores and add the good ones to `scoreboard`.

    Args:
        paths: recording files.
        scoreboard: where results go.
        each: called with every booking as it is made.

    Raises:
        ScoreboardError: the scoreboard can't be written.
    """
    bookings = []
    for path, recording, verification in verify_files(paths):
        new = False
        if recording is not None and verification.ok:
            new = scoreboard.add(result_of(recording, path))
        booking = Booking(path, recording, verification, new)
        bookings.append(booking)
        each(booking)
    return bookings


def result_of(recording: Recording, path: Path) -> Result:
    """Return the scoreboard's row for a verified recording."""
    return Result(
        player=recording.player.name,
        kind=Kind(recording.player.kind),
        artifact_sha256=recording.player.artifact_sha256,
        game=recording.rules.game,
        rules_id=recording.rules.rules_id,
        rules_label=recording.rules.label,
        seed=recording.seed,
        score=recording.score,
        frames=recording.frames,
        end=recording.end,
        recording_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        digest=recording.digest,
        recording_name=path.name,
        started_at=recording.started_at,
        verified_at=datetime.now(UTC),
    )
