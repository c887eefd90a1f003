"""The event folder: everything an event produces, in one place that can be copied, backed up or handed over."""

from __future__ import annotations

import logging
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from arena.event.settings import EventSettings, is_address, read_settings, template
from envs.errors import EventError
from envs.text_files import read_toml
from recordings.storage import write_atomically

DEFAULT = Path("event")
SETTINGS = "event.toml"
KIOSK_SETTINGS = "kiosk.toml"
VARIABLE = "ARENA_EVENT"
"""Environment variable that names the event folder where no `--event` is given."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """An event folder that is there and can be written."""

    folder: Path
    settings: EventSettings

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def database(self) -> Path:
        return database_in(self.folder)

    @property
    def recordings(self) -> Path:
        return self.folder / "recordings"

    @property
    def agents(self) -> Path:
        return self.folder / "agents"

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
    settings = folder / SETTINGS
    try:
        if folder.exists() and not folder.is_dir():
            raise EventError(f"The event folder {folder} is a file; choose another path with --event.")
        if not settings.exists():
            write_atomically(settings, template(name).encode())
        table = read_settings(settings.read_bytes(), str(settings))
        with tempfile.TemporaryFile(dir=folder) as file:  # said now rather than when the first game is over
            file.write(bytes(4096))
    except OSError as error:
        raise EventError(
            f"The event folder {folder} can't be used ({error.strerror or error}); free some space there, or choose "
            "another folder with --event."
        ) from None
    return Event(folder, table)


def server_url(event: Event) -> str:
    """Return the address of the scoreboard that people are shown: `url` in event.toml, or in kiosk.toml, where older
    events have it. Empty if there is none."""
    kiosk = event.folder / KIOSK_SETTINGS
    if event.settings.url or not kiosk.exists():
        return event.settings.url
    try:
        url = read_toml(kiosk).get("url", "")
    except EventError as error:
        log.warning("No address is shown: %s", error)
        return ""
    if not is_address(url):
        log.warning("No address is shown: url in %s must begin with http:// or https://.", kiosk)
        return ""
    return str(url)
