"""Recordings to bytes and back.

A recording is a ZIP file of two stored members with fixed metadata, so that one episode has exactly one spelling:
reading encodes again and compares, which refuses every file that is not byte for byte what this module writes.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from envs.errors import ArenaError, RecordingError, shown, tidy
from recordings.recording import FORMAT, Recording

SUFFIX = ".arena.zip"
MAX_BYTES = 2 * 2**20
"""Largest file that is looked at: a million frames, their checkpoints and a manifest fit."""

_ACTIONS, _MANIFEST = "actions.bin", "manifest.json"


def manifest_json(recording: Recording) -> str:
    """Return the text of `manifest.json`: sorted keys, no spaces, Unicode as it is."""
    manifest = recording.model_dump(mode="json")
    manifest["format"] = FORMAT
    manifest["rules_id"] = recording.rules.rules_id
    return json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def encode(recording: Recording) -> bytes:
    """Return the one byte string that stands for `recording`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in ((_ACTIONS, recording.actions), (_MANIFEST, manifest_json(recording).encode())):
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            member.create_system = 3  # the same bytes on Windows
            member.external_attr = 0o644 << 16
            archive.writestr(member, content)
    return buffer.getvalue()


def decode(data: bytes) -> Recording:
    """Return the recording that `data` stands for.

    Raises:
        RecordingError: `data` is cut, edited, too large, of another version, or contradicts itself.
    """
    if len(data) > MAX_BYTES:
        raise RecordingError(f"A recording has at most {MAX_BYTES:,} bytes; this file has more.")
    try:
        recording = _build(*_members(data))
        again = encode(recording)
    except RecordingError:
        raise
    except Exception as error:  # zipfile, json and pydantic fail in many ways on bytes that somebody else chose
        what = tidy(error) or type(error).__name__
        raise RecordingError(f"This is not a whole recording: it can't be read as ZIP and JSON ({what}).") from None
    if again != data:
        raise RecordingError("This recording was edited or written by something else: encoded again it differs.")
    return recording


def read(path: Path) -> Recording:
    """Read a recording from a file.

    Raises:
        RecordingError: see `decode`; also when the file can't be read. The message names the file.
    """
    try:
        with path.open("rb") as file:
            return decode(file.read(MAX_BYTES + 1))
    except OSError as error:
        raise RecordingError(f"{path}: can't be read ({error.strerror}).") from None
    except RecordingError as error:
        raise RecordingError(f"{path}: {error}") from None


def _members(data: bytes) -> tuple[Any, bytes]:
    """Return the manifest's JSON value and the actions."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if [member.filename for member in members] != [_ACTIONS, _MANIFEST]:
            raise RecordingError(
                f"A recording holds {_ACTIONS} and {_MANIFEST}; this file holds "
                + (f"{len(members)} members, first {shown(members[0].filename)}." if members else "nothing.")
            )
        if any(m.compress_type != zipfile.ZIP_STORED or m.file_size > MAX_BYTES for m in members):
            raise RecordingError("A recording's members are stored, not compressed; this file was packed otherwise.")
        return json.loads(archive.read(_MANIFEST).decode("utf-8")), archive.read(_ACTIONS)


def _build(manifest: Any, actions: bytes) -> Recording:
    if not isinstance(manifest, dict):
        raise RecordingError("The manifest must be a JSON object.")
    found = manifest.pop("format", None)
    if found != FORMAT:
        raise RecordingError(f"Expected a recording of format {FORMAT}; this one says {shown(found)}.")
    rules_id = manifest.pop("rules_id", None)
    try:
        recording = Recording.model_validate({**manifest, "actions": actions})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = tidy(".".join(str(part) for part in first["loc"]), 80)
        raise RecordingError(f"The manifest is wrong{f' at {where}' if where else ''}: {tidy(first['msg'])}.") from None
    except ArenaError as error:
        raise RecordingError(f"The manifest is wrong: {error}") from None
    if rules_id != recording.rules.rules_id:
        raise RecordingError(f"The manifest's rules_id {shown(rules_id)} is not the one of its rules.")
    return recording
