"""Recordings on disk: nothing half-written under a final name, and a journal that survives the death of the process.

While an episode runs, its actions grow in a journal, `*.part`: one line of JSON (who, what, which seed), then one byte
per frame. At the end the recording is written to a temporary file, synced, renamed, and the journal removed. A journal
that is left behind is an episode whose process was killed; `arena.engine.recover` replays it into a recording.

The process that writes a journal holds a lock on it, which the operating system drops when the process dies, however
it dies. The lock is taken before the first byte is written: a journal that isn't empty and can be locked has lost its
writer.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Protocol

from envs.errors import EventError, RecordingError, tidy
from envs.rules import Rules
from recordings.codec import SUFFIX, encode, read
from recordings.recording import RecordedPlayer, Recording

JOURNAL_SUFFIX = ".part"
TEMPORARY_PREFIX = ".writing-"
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
    def append(self, actions: bytes | bytearray) -> None: ...
    def close(self) -> None: ...
    def discard(self) -> None: ...


class NullJournal:
    """For episodes that nobody would want back after a crash."""

    def append(self, actions: bytes | bytearray) -> None:
        pass

    def close(self) -> None:
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
            # Recovery may be looking at the empty file just now; it lets go at once. Not waiting for it would leave a
            # running game to the next recovery. Where the file system knows no locks, recovery gets none either.
            _lock(self._file, wait=True)
            self._file.write(line.encode() + b"\n")
            try:
                self._file.flush()
            except OSError:
                self.discard()
                raise

    def append(self, actions: bytes | bytearray) -> None:
        """Hand actions to the operating system, which keeps them if this process is killed.

        Raises:
            EventError: the disk is full.
        """
        with _explained(self.path):
            self._file.write(actions)
            self._file.flush()

    def close(self) -> None:
        """Leave the journal for recovery: the episode was broken off."""
        with contextlib.suppress(OSError):  # what can't be written now is lost, as if the process had been killed
            self._file.close()

    def discard(self) -> None:
        """Remove the journal: its recording is safe, or the episode shall not count."""
        self.close()
        with _explained(self.path):
            self.path.unlink(missing_ok=True)


@contextlib.contextmanager
def left_behind(path: Path) -> Iterator[bytes | None]:
    """Hold a journal whose writer is gone and give its bytes; give None where a living process holds it."""
    with path.open("r+b") as file:
        yield file.read() if _lock(file) else None


def _lock(file: IO[bytes], *, wait: bool = False) -> bool:
    """Lock an open file until it is closed; False if another process has it (unless this waits for it, on Windows for
    ten seconds) or the file system knows no locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(1 << 30)  # the lock is on one byte, which others then can't read: take one that is never written
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
            file.seek(0)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def read_journal(content: bytes) -> tuple[Header, bytes]:
    """Return the header and the actions of a journal.

    Raises:
        RecordingError: its header wasn't written whole, or isn't one.
    """
    line, newline, actions = content.partition(b"\n")
    try:
        if not newline:
            raise ValueError("its first line has no end")
        data: dict[str, Any] = json.loads(line)
        header = Header(
            rules=Rules.from_dict(data["rules"]),
            seed=data["seed"],
            player=RecordedPlayer.model_validate(data["player"]),
            started_at=datetime.fromisoformat(data["started_at"]),
        )
    except Exception as error:  # whatever stands in a file that was cut
        raise RecordingError(f"The journal has no readable header ({tidy(error)}).") from None
    return header, actions


def save(recording: Recording, folder: Path) -> Path:
    """Write `recording` into `folder` under a name made of game, seed, player and content; return its path.

    Raises:
        EventError: the folder can't be written or the disk is full; nothing is left half-written.
    """
    return save_encoded(encode(recording), recording, folder)


def save_encoded(content: bytes, recording: Recording, folder: Path) -> Path:
    """Do what `save` does with a recording whose bytes are at hand.

    Args:
        content: what `recording` was decoded from, or `encode` made of it.

    Raises:
        EventError: see `save`.
    """
    path = folder / f"{_stem(header_of(recording))}-{hashlib.sha256(content).hexdigest()[:12]}{SUFFIX}"
    write_atomically(path, content)
    return path


def header_of(recording: Recording) -> Header:
    """Return what was known before the first frame; no two episodes have the same."""
    return Header(recording.rules, recording.seed, recording.player, recording.started_at)


def saved_with(header: Header, folder: Path) -> Path | None:
    """Return the recording that `save` has put into `folder` for the episode of `header`, if there is one."""
    for path in sorted(folder.glob(f"{_stem(header)}-*{SUFFIX}")):
        with contextlib.suppress(RecordingError):
            if header_of(read(path)) == header:
                return path
    return None


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that after a crash either all of it or nothing is there under `path`.

    Raises:
        EventError: the folder can't be written or the disk is full.
    """
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=path.parent)
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
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = error.strerror or error
        raise EventError(f"{path} can't be written ({what}); free some space or choose another folder.") from None


def _stem(header: Header) -> str:
    player = re.sub(r"[^a-z0-9]+", "-", header.player.name.lower()).strip("-") or "player"
    return f"{header.rules.game}-{header.rules.label}-s{header.seed}-{player}"
