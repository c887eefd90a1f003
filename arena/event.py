"""The event folder: everything an event produces, in one place that can be copied, backed up or handed over."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from envs.errors import EventError
from recordings.storage import write_atomically

DEFAULT = Path("event")
VARIABLE = "ARENA_EVENT"
"""Environment variable that names the event folder where no `--event` is given."""

_TEMPLATE = """\
# One event of the arena. Everything it produces lies beside this file.
name = "{name}"
"""


@dataclass(frozen=True, slots=True)
class Event:
    """An event folder that is there and can be written."""

    folder: Path
    name: str

    @property
    def database(self) -> Path:
        return self.folder / "arena.sqlite"

    @property
    def recordings(self) -> Path:
        return self.folder / "recordings"

    @property
    def report(self) -> Path:
        return self.folder / "report"


def event_folder(chosen: Path | None) -> Path:
    """Return the event folder: the chosen one, else `ARENA_EVENT`, else `./event`."""
    return chosen or Path(os.environ.get(VARIABLE) or DEFAULT)


def open_event(chosen: Path | None, name: str = "Arena") -> Event:
    """Open the event folder, and create it first if there is none.

    Args:
        chosen: the folder, or None for `event_folder`'s default.
        name: the name of a new event.

    Raises:
        EventError: the path is a file, can't be written, or its event.toml can't be used.
    """
    folder = event_folder(chosen)
    settings = folder / "event.toml"
    if folder.exists() and not folder.is_dir():
        raise EventError(f"The event folder {folder} is a file; choose another path with --event.")
    if not settings.exists():
        write_atomically(settings, _TEMPLATE.format(name=name).encode())
    try:
        table = tomllib.loads(settings.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise EventError(f"{settings} can't be read as TOML: {error}.") from None
    unknown = sorted(set(table) - {"name"})
    if unknown or not isinstance(table.get("name"), str):
        what = f"has the unknown setting {unknown[0]!r}" if unknown else 'must say name = "..."'
        raise EventError(f"{settings} {what}; it takes exactly: name.")
    return Event(folder, table["name"])
