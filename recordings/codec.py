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

from envs.errors import ArenaError, RecordingError
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
        raise RecordingError(f"A recording has at most {MAX_BYTES:,} bytes; this one has {len(data):,}.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [member.filename for member in archive.infolist()]
            if names != [_ACTIONS, _MANIFEST]:
                raise RecordingError(f"A recording holds {_ACTIONS} and {_MANIFEST}; this file holds {_listed(names)}.")
            if any(m.compress_type != zipfile.ZIP_STORED or m.file_size > MAX_BYTES for m in archive.infolist()):
                raise RecordingError("A recording's members are stored, not compressed; these were packed otherwise.")
            actions, text = archive.read(_ACTIONS), archive.read(_MANIFEST)
        manifest = json.loads(text.decode("utf-8"))
    except RecordingError:
        raise
    except Exception as error:  # zipfile and json fail in many ways on bytes that somebody else chose
        raise RecordingError(f"This is not a whole recording: it can't be read as ZIP and JSON ({error}).") from None
    recording = _build(manifest, actions)
    if encode(recording) != data:
        raise RecordingError("This recording was edited or written by something else: encoded again it differs.")
    return recording


def read(path: Path) -> Recording:
    """Read a recording from a file.

    Raises:
        RecordingError: see `decode`; also when the file can't be read. The message names the file.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RecordingError(f"a recording has at most {MAX_BYTES:,} bytes, this file has more.")
        return decode(path.read_bytes())
    except OSError as error:
        raise RecordingError(f"{path}: can't be read ({error.strerror}).") from None
    except RecordingError as error:
        raise RecordingError(f"{path}: {error}") from None


def _build(manifest: Any, actions: bytes) -> Recording:
    if not isinstance(manifest, dict):
        raise RecordingError("The manifest must be a JSON object.")
    found = manifest.pop("format", None)
    if found != FORMAT:
        raise RecordingError(f"Expected a recording of format {FORMAT}; this one says {found!r}.")
    rules_id = manifest.pop("rules_id", None)
    try:
        recording = Recording.model_validate({**manifest, "actions": actions})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RecordingError(f"The manifest is wrong{f' at {where}' if where else ''}: {first['msg']}.") from None
    except ArenaError as error:
        raise RecordingError(f"The manifest is wrong: {error}") from None
    if rules_id != recording.rules.rules_id:
        raise RecordingError(f"The manifest's rules_id {rules_id!r} is not the one of its rules.")
    return recording


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name[:40]) for name in names[:4])
    return f"{len(names)} members ({shown})" if names else "nothing"
