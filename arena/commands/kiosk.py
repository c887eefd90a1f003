"""`arena kiosk`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from arena.client.api import Client, ConnectionMistake, ServerRefused, ServerUnreachable, UnknownHost
from arena.commands.options import DatabaseOption, EventOption, ServerOption, TokenFileOption, TokenOption, token_of
from arena.event.blocked_words import load_words
from arena.event.folder import KIOSK_SETTINGS, open_event
from arena.event.secrets import adopt
from arena.kiosk.settings import open_settings
from arena.processes.watchdog import keep_alive

GREET_SECONDS = 10.0


def kiosk(
    event: EventOption = None,
    size: Annotated[
        str | None,
        typer.Option(
            "--size", metavar="WxH", help="Open a window of this size instead of full screen.", show_default=False
        ),
    ] = None,
    db: DatabaseOption = None,
    server: ServerOption = "",
    token: TokenOption = "",
    token_file: TokenFileOption = None,
) -> None:
    """Run the arena as an arcade machine for guests.

    Recordings play until somebody presses a key. The guest then chooses game and opponent, enters a name, practises,
    plays a ranked match on the event's seeds and sees the place reached. F10 and the code in the event folder's
    kiosk.toml end it.
    """
    window = checked_size(size)
    the_event = open_event(event)
    open_settings(the_event.folder, the_event.settings)  # what is wrong in the files is said here, once
    load_words(the_event.folder)
    if server:
        os.environ["ARENA_TOKEN"] = token_of(token, token_file)
        _greet(the_event.folder, server, os.environ["ARENA_TOKEN"])
    typer.echo(f"To end the kiosk press F10 and type the exit_code of {the_event.folder / KIOSK_SETTINGS}.", err=True)
    watch_over(the_event.folder, db, window, server)


def _greet(folder: Path, server: str, token: str) -> None:
    """Say what the server takes this station for, and take the event's seeds from it. Where it doesn't answer, the
    kiosk goes on without it.

    Raises:
        ServerRefused: the token is none of a station.
        ConnectionMistake: the address is no arena server's, or its certificate isn't trusted.
    """
    with Client(server, token, GREET_SECONDS) as client:
        try:
            station = client.get("/station")
        except ServerUnreachable as error:
            if isinstance(error, ConnectionMistake) and not isinstance(error, UnknownHost):
                raise
            typer.echo(f"{error} Until it answers, games are kept here and sent later.", err=True)
        except ServerRefused as error:
            raise ServerRefused(f"The server doesn't take this for a station: {error}", error.status) from None
        else:
            adopt(folder, station["seeds"])
            typer.echo(f"This is {station['name']} of {client.url}.", err=True)


def checked_size(size: str | None) -> tuple[int, int] | None:
    if size is None:
        return None
    found = re.fullmatch(r"(\d{3,5})x(\d{3,5})", size)
    if found is None:
        raise typer.BadParameter(f"--size takes width x height in pixels, such as 1280x720, not {size!r}")
    return int(found[1]), int(found[2])


def watch_over(folder: Path, db: str | None, size: tuple[int, int] | None, server: str = "") -> None:
    """Run the kiosk until the organizer leaves it. The token for `server` is in the environment, as ARENA_TOKEN.

    Raises:
        EventError: see `keep_alive`.
    """
    keep_alive("kiosk", "arena.kiosk", [str(folder), db or "", f"{size[0]}x{size[1]}" if size else "", server])
