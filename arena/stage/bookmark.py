"""Where the show stands, on disk: whoever starts it again goes on there. No names are kept in it."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from envs.errors import ArenaError
from recordings.storage import write_atomically

FILE_NAME = "stage.json"

log = logging.getLogger(__name__)


@dataclass(slots=True)
class ShownBouts:
    """What was shown of one tournament, and what was on when the show ended."""

    seen: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Lines of the log, by `Bout.key`."""
    now: str = ""
    """The key of the bout that is on; empty if none."""
    frame: int = 0
    """How far it is."""
    tries: int = 0
    """How often the show was started again since it got any further."""


def load(folder: Path) -> dict[str, ShownBouts]:
    """Return what is remembered, by tournament. What can't be read is forgotten: then the show begins anew."""
    path = folder / FILE_NAME
    if not path.exists():
        return {}
    try:
        data = json.loads(path.read_bytes())
        return {str(name): _memory(one) for name, one in data.items()}
    except Exception as error:  # whatever somebody has put there
        log.warning("%s can't be read (%s); the show begins anew.", path, error)
        return {}


def _memory(data: dict[str, Any]) -> ShownBouts:
    seen = {str(key): tuple(int(line) for line in lines) for key, lines in data["seen"].items()}
    return ShownBouts(seen, str(data["now"]), int(data["frame"]), int(data["tries"]))


def text_of(memories: dict[str, ShownBouts]) -> bytes:
    """Return what `save` writes."""
    data = {name: asdict(one) for name, one in memories.items()}
    return (json.dumps(data, indent=1) + "\n").encode()


def save(text: bytes, folder: Path) -> None:
    """Keep `text_of` some memories. If that fails the show goes on; a restart then begins further back."""
    try:
        write_atomically(folder / FILE_NAME, text)
    except ArenaError as error:
        log.warning("The place in the show can't be kept: %s", error)
