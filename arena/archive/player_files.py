"""The files of an event folder that belong to a player."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from arena.client.outbox import REFUSED, SENT, WAITING
from arena.event.folder import Event
from envs.errors import RecordingError
from recordings.codec import SUFFIX, decode, read
from recordings.recording import Recording
from recordings.storage import JOURNAL_SUFFIX, read_journal

FILMS, PLANS = "films", "evaluations"
TEXTS = (".txt", ".log", ".json", ".jsonl", ".toml", ".csv", ".md", ".html")


def player_of(content: bytes) -> str | None:
    """Return whose game the bytes of a recording are; None if they are none."""
    try:
        return decode(content).player.name
    except RecordingError:
        return None


def files_of_player(event: Event, player: str, artifacts: Collection[str], hashes: Collection[str]) -> Iterator[Path]:
    """Yield the files of a player: recordings, journals, receipts and what waits in the outbox, films, plans of
    evaluations, and agents; and all reports, which name everybody.

    Args:
        event: the event folder.
        player: the name.
        artifacts: SHA-256 of the agents that the player is or has handed in.
        hashes: SHA-256 of the player's recordings, as far as the scoreboard knows them.
    """
    mine = set(hashes)
    for path, recording in _recordings(event.folder):
        if recording.player.name == player:
            mine.add(hashlib.sha256(path.read_bytes()).hexdigest())
            yield path
    for path in _files(event.folder, f"*{JOURNAL_SUFFIX}*"):
        with suppress(RecordingError, OSError):
            if read_journal(path.read_bytes())[0].player.name == player:
                yield path
    outbox = event.folder / "outbox"
    for path in (*_files(outbox, f"*{WAITING}"), *_files(outbox, f"*{REFUSED}")):
        content = path.read_bytes().partition(b"\n")[2]
        if player_of(content) == player:
            mine.add(hashlib.sha256(content).hexdigest())
            yield path
    for path in _files(outbox, f"*{SENT}"):
        if mine & _values(path):
            yield path
    for path in _files(event.folder / FILMS, "*.mp4"):
        if any(part and sha.startswith(part) for part in path.stem.split("-") for sha in mine):
            yield path
    for path in _files(event.folder / PLANS, "*.json"):
        if {player, *artifacts} & _values(path):
            yield path
    for path in _files(event.agents, "*"):
        if artifacts and hashlib.sha256(path.read_bytes()).hexdigest() in artifacts:
            yield path
    yield from _files(event.report, "*")


def naming(event: Event, player: str) -> list[Path]:
    """Return the text files of an event folder in which the name stands: logs, and lists that people keep there."""
    spelled = "|".join(re.escape(one) for one in {player, json.dumps(player)[1:-1]})
    name = re.compile(rf"(?<!\w)(?:{spelled})(?!\w)")
    texts = [path for path in _files(event.folder, "*") if path.suffix in TEXTS]
    return [path for path in texts if name.search(path.read_bytes().decode(errors="replace"))]


def _recordings(folder: Path) -> Iterator[tuple[Path, Recording]]:
    for path in _files(folder, f"*{SUFFIX}"):
        with suppress(RecordingError):
            yield path, read(path)


def _files(folder: Path, pattern: str) -> list[Path]:
    return [path for path in sorted(folder.rglob(pattern)) if path.is_file()] if folder.is_dir() else []


def _values(path: Path) -> set[str]:
    """Return the texts in a JSON object."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return set()
    return {value for value in found.values() if isinstance(value, str)} if isinstance(found, dict) else set()
