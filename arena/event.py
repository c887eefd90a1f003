"""The event folder: everything an event produces, in one place that can be copied, backed up or handed over."""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from envs.errors import EventError, shown
from recordings.storage import write_atomically

DEFAULT = Path("event")
VARIABLE = "ARENA_EVENT"
"""Environment variable that names the event folder where no `--event` is given."""

_TEMPLATE = """\
# One event of the arena. Everything it produces lies beside this file.
name = {name}
"""


@dataclass(frozen=True, slots=True)
class Event:
    """An event folder that is there and can be written."""

    folder: Path
    name: str

    @property
    def database(self) -> Path:
        return database_in(self.folder)

    @property
    def recordings(self) -> Path:
        return self.folder / "recordings"

    @property
    def report(self) -> Path:
        return self.folder / "report"


def database_in(folder: Path) -> Path:
    """Return where the scoreboard of an event folder lies; neither need exist."""
    return folder / "arena.sqlite"


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
    try:
        if folder.exists() and not folder.is_dir():
            raise EventError(f"The event folder {folder} is a file; choose another path with --event.")
        if not settings.exists():
            write_atomically(settings, _TEMPLATE.format(name=json.dumps(name)).encode())
        table = _read(settings)
        with tempfile.TemporaryFile(dir=folder) as file:  # said now rather than when the first game is over
            file.write(bytes(4096))
    except OSError as error:
        raise EventError(
            f"The event folder {folder} can't be used ({error.strerror or error}); free some space there, or choose "
            "another folder with --event."
        ) from None
    return Event(folder, table)


def _read(settings: Path) -> str:
    """Return the event's name from event.toml."""
    try:
        table = tomllib.loads(settings.read_bytes().decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise EventError(f"{settings} can't be read as TOML ({error}); correct it.") from None
    unknown = sorted(set(table) - {"name"})
    if unknown:
        raise EventError(f"{settings} has the unknown setting {shown(unknown[0])}; it takes exactly: name.")
    name = table.get("name")
    if not isinstance(name, str):
        came = "it is missing" if name is None else f"not {shown(name)}"
        raise EventError(f'{settings} must say name = "..." with a text, {came}.')
    return name
