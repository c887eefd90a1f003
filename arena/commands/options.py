"""Options that several commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from arena.client.addresses import AddressError, clean_token
from envs.text_files import read_text

ServerOption = Annotated[
    str, typer.Option("--server", metavar="URL", envvar="ARENA_SERVER", help="The server's address.")
]
TokenOption = Annotated[
    str,
    typer.Option(
        "--token",
        metavar="TOKEN",
        envvar="ARENA_TOKEN",
        help="Your token; safer in ARENA_TOKEN, which other users can't see.",
    ),
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        envvar="ARENA_TOKEN_FILE",
        help="A file that holds the token.",
        show_default=False,
    ),
]
MOST_TOKEN_BYTES = 4096


def whole(text: str) -> int:
    """Parse an option that takes a whole number."""
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"expected a whole number, not {text!r}") from None


def _at_least_one(value: int | None) -> int | None:
    if value is not None and value < 1:
        raise typer.BadParameter(f"expected 1 or more, not {value}")
    return value


GameArgument = Annotated[
    str, typer.Argument(metavar="GAME", help="breakout, pacman, ms_pacman, space_invaders or another ALE game.")
]
EventOption = Annotated[
    Path | None,
    typer.Option(
        "--event",
        metavar="DIR",
        envvar="ARENA_EVENT",
        help="Event folder; ./event by default.",
        show_default=False,
    ),
]
RulesOption = Annotated[str, typer.Option("--rules", metavar="NAME", help="5min (ranked) or 30min.")]
SeedsOption = Annotated[int, typer.Option("--seeds", metavar="N", parser=whole, help="How many seeds to play.")]
FirstSeedOption = Annotated[int, typer.Option("--first-seed", metavar="N", parser=whole, help="The first seed.")]
ProcessesOption = Annotated[
    int | None,
    typer.Option(
        "--processes",
        metavar="N",
        parser=whole,
        callback=_at_least_one,
        help="How many run at once; one per core by default.",
        show_default=False,
    ),
]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--db",
        metavar="URL",
        help="Scoreboard: a file, sqlite:///FILE or postgresql+psycopg://...; default: the event folder's.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


def token_of(token: str, file: Path | None) -> str:
    """Return the token that was given, itself or in a file, without what clings to it. A file that was typed comes
    before ARENA_TOKEN.

    Raises:
        EventError: the file can't be read.
        AddressError: it can't be a token.
    """
    typed_file = file is not None and str(file) != os.environ.get("ARENA_TOKEN_FILE")
    only_variable = token == os.environ.get("ARENA_TOKEN") and typed_file
    if file is None or (token and not only_variable):
        return clean_token(token)
    found = clean_token(read_text(file, MOST_TOKEN_BYTES))
    if not found:
        raise AddressError(f"The token file {file} is empty; put the token into it, alone on its line.")
    return found
