"""Recordings on disk: nothing half-written under a final name, and a journal that survives the death of the process.

While an episode runs, its actions grow in a journal, `*.part`: one line of JSON (who, what, which seed), then one byte
per frame. At the end the recording is written to a temporary file, synced, renamed, and the journal removed. A journal
that is left behind is an episode whose process was killed; `arena.recover` replays it into a recording.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from envs.errors import EventError, RecordingError
from envs.rules import Rules
from recordings.codec import SUFFIX, encode
from recordings.recording import RecordedPlayer, Recording

JOURNAL_SUFFIX = ".part"
FLUSH_FRAMES = 60
"""Frames that are given to a journal together: when the process is killed, at most one second of play is lost."""


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of an episode before its first frame."""

    rules: Rules
    seed: int
    player: RecordedPlayer
    started_at: datetime


class Journal(Protocol):
    def append(self, actions: bytes) -> None: ...
    def discard(self) -> None: ...


class NullJournal:
    """For episodes that nobody would want back after a crash."""

    def append(self, actions: bytes) -> None:
        pass

    def discard(self) -> None:
        pass


class FileJournal:
    """An episode growing on disk. It never syncs: that would stop the game loop.

    Raises:
        EventError: the folder can't be written.
    """

    def __init__(self, folder: Path, header: Header) -> None:
        line = json.dumps(
            {
                "rules": header.rules.as_dict(),
                "seed": header.seed,
                "player": header.player.model_dump(mode="json"),
                "started_at": header.started_at.isoformat(),
            }
        )
        with _explained(folder):
            folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f"{_stem(header)}-", suffix=JOURNAL_SUFFIX, dir=folder)
            self.path = Path(name)
            self._file = os.fdopen(handle, "wb", buffering=1 << 16)
            self._file.write(line.encode() + b"\n")
            self._file.flush()

    def append(self, actions: bytes) -> None:
        """Hand actions to the operating system, which keeps them if this process is killed."""
        with _explained(self.path):
            self._file.write(actions)
            self._file.flush()

    def discard(self) -> None:
        """Remove the journal: its recording is safe, or the episode shall not count."""
        with contextlib.suppress(OSError):
            self._file.close()
        self.path.unlink(missing_ok=True)


def read_journal(path: Path) -> tuple[Header, bytes]:
    """Return the header and the actions of a journal that was left behind.

    Raises:
        RecordingError: not even the header was written whole.
    """
    line, _, actions = path.read_bytes().partition(b"\n")
    try:
        data: dict[str, Any] = json.loads(line)
        header = Header(
            rules=Rules.from_dict(data["rules"]),
            seed=data["seed"],
            player=RecordedPlayer.model_validate(data["player"]),
            started_at=datetime.fromisoformat(data["started_at"]),
        )
    except Exception as error:
        raise RecordingError(f"{path}: the journal has no readable header ({error}).") from None
    return header, actions


def save(recording: Recording, folder: Path) -> Path:
    """Write `recording` into `folder` under a name made of game, seed, player and content; return its path.

    Raises:
        EventError: the folder can't be written or the disk is full; nothing is left half-written.
    """
    data = encode(recording)
    header = Header(recording.rules, recording.seed, recording.player, recording.started_at)
    path = folder / f"{_stem(header)}-{hashlib.sha256(data).hexdigest()[:12]}{SUFFIX}"
    write_atomically(path, data)
    return path


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that after a crash either all of it or nothing is there under `path`.

    Raises:
        EventError: the folder can't be written or the disk is full.
    """
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".writing-", dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows can't open a folder; its rename is journalled by the file system
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _explained(path: Path) -> Any:
    try:
        yield
    except OSError as error:
        raise EventError(
            f"{path} can't be written ({error.strerror}); free some space or choose another folder."
        ) from None


def _stem(header: Header) -> str:
    player = re.sub(r"[^a-z0-9]+", "-", header.player.name.lower()).strip("-") or "player"
    return f"{header.rules.game}-{header.rules.label}-s{header.seed}-{player}"
