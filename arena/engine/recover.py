"""Recovery: what a killed process was playing becomes recordings.

A journal that its process left behind (see `recordings.storage`) is replayed through the match engine. The recording
ends as QUIT, unless the journal reaches the end of the game. Run it when the program starts; it may be killed at any
point and run again.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from arena.engine.replay import replay
from envs.errors import EventError, RecordingError, RulesError, SeedError, UnknownGame, tidy
from recordings.recorder import Recorder
from recordings.recording import Recording
from recordings.storage import (
    JOURNAL_SUFFIX,
    TEMPORARY_PREFIX,
    Header,
    NullJournal,
    left_behind,
    read_journal,
    save,
    saved_with,
)

ASIDE_SUFFIX = ".unreadable"
STALE_SECONDS = 600
"""A temporary file, or a journal without a first byte, of this age has no writer: writing takes milliseconds."""

log = logging.getLogger(__name__)


def recover(folder: Path) -> list[Path]:
    """Turn the journals left behind in `folder` into recordings there; return the new paths.

    Journals that a living process is still writing are not touched. One that can't be read or replayed is kept under
    its name with `.unreadable` added, and a warning says why. Temporary files that nobody writes any more are removed.

    Raises:
        EventError: the folder can't be written or the disk is full; the journals stay as they are.
        RomError: a ROM is missing or foreign; the journals stay as they are.
    """
    try:
        for path in folder.glob(f"{TEMPORARY_PREFIX}*"):
            with suppress(FileNotFoundError):  # here and below: another process was faster
                if _is_stale(path):
                    path.unlink()
        found = [_recovered(path) for path in sorted(folder.glob(f"*{JOURNAL_SUFFIX}"))]
    except OSError as error:
        raise EventError(f"{folder} can't be tidied up ({error.strerror or error}); are its files yours?") from None
    return [path for path in found if path is not None]


def _recovered(path: Path) -> Path | None:
    """Recover one journal; None where there is nothing to do."""
    with suppress(FileNotFoundError):
        try:
            with left_behind(path) as content:
                if content is None or (content == b"" and not _is_stale(path)):
                    return None
                saved = _save(content, path.parent) if content else None
        except (RecordingError, RulesError, SeedError, UnknownGame, ValidationError) as error:
            aside = path.replace(path.with_name(path.name + ASIDE_SUFFIX))
            log.warning("The journal %s can't be recovered and is kept as %s: %s", path.name, aside.name, tidy(error))
            return None
        path.unlink(missing_ok=True)
        return saved
    return None


def _save(content: bytes, folder: Path) -> Path | None:
    """Save the recording of a journal's content, unless its process had come to that itself."""
    header, actions = read_journal(content)
    if saved_with(header, folder) is not None:
        return None
    return save(replayed(header, actions), folder)


def replayed(header: Header, actions: bytes) -> Recording:
    """Return the recording of `actions` played in the game of `header`.

    Raises:
        RecordingError: the game is over before the actions are, or one of them is not in the action set.
    """
    recorder = Recorder(header, NullJournal())
    for action, step in replay(header.rules, header.seed, actions):
        if action is not None:
            recorder.add(action, step)
    if step.t < len(actions):
        raise RecordingError(f"its game was over after {step.t} of {len(actions)} frames, or it was written over.")
    return recorder.recording(step)


def _is_stale(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > STALE_SECONDS
