"""Recordings with something wrong in them: the container or the manifest is written by hand."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from recordings.codec import manifest_json
from recordings.recording import Recording

FIELDS = [
    *("ale_py", "ale_seed", "checkpoints", "digest", "end", "format", "frames", "pacing", "player", "rules"),
    *("rules_id", "score", "seed", "started_at"),
]
"""The keys of the manifest."""

PATHS = [
    *FIELDS,
    *(f"rules.{name}" for name in ("game", "mode", "difficulty", "sticky", "action_set", "max_frames", "rom_sha256")),
    *("player.name", "player.kind", "player.artifact_sha256", "new", "rules.new", "player.new"),
]
"""All places of the manifest, and some that it hasn't."""

VALUES: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        2**53,
        -(2**63),
        10**30,
        0.0,
        -0.0,
        0.5,
        1e308,
        [],
        [0],
        ["f" * 64],
        {},
        {"a": 1},
        [[]],
    ),
    *("", "0", "x", "terminated", "truncated", "\x00", "\x1b[31m", "\u202e", "é", "e\u0301", "a" * 64, "f" * 10_000),
    *("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000Z", "0001-01-01T00:00:00.000000Z", "2026-01-01T00:00Z"),
]
"""Values of all sorts, to be put anywhere."""


def packed(actions: bytes, manifest: bytes, method: int = zipfile.ZIP_STORED) -> bytes:
    """The two members in a ZIP like the real one."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in (("actions.bin", actions), ("manifest.json", manifest)):
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            member.create_system = 3
            member.external_attr = 0o644 << 16
            member.compress_type = method
            archive.writestr(member, content)
    return buffer.getvalue()


def dumped(manifest: Any, *, ascii_only: bool = False) -> str:
    return json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=ascii_only)


def with_text(recording: Recording, change: Callable[[str], str]) -> bytes:
    """The recording with another text for its manifest."""
    return packed(recording.actions, change(manifest_json(recording)).encode("utf-8", "surrogatepass"))


def with_value(manifest: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The manifest with one value replaced or added; `path` is like `rules.mode`."""
    key, _, inner = path.partition(".")
    return manifest | {key: with_value(manifest[key], inner, value) if inner else value}


def with_field(recording: Recording, path: str, value: Any, *, sealed: bool = False) -> bytes:
    """The recording with one value of its manifest replaced; if `sealed`, with the `rules_id` of its rules then."""
    manifest = with_value(json.loads(manifest_json(recording)), path, value)
    if sealed:
        manifest["rules_id"] = hashlib.sha256(dumped(manifest["rules"], ascii_only=True).encode()).hexdigest()
    return with_text(recording, lambda _: dumped(manifest))
