"""Text files as people's programs write them: UTF-8 with or without a byte order mark, or UTF-16 with one, as
PowerShell's `>` makes it; lines may end in any way."""

from __future__ import annotations

import codecs
import tomllib
from pathlib import Path
from typing import Any

from envs.errors import EventError, tidy

MOST_BYTES = 2**22
"""Of a text file that a person has written; larger ones are something else."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark begins it
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode_text(content: bytes) -> str:
    r"""Return the text in the bytes of a file, without its mark, with `\n` at the end of lines.

    Raises:
        ValueError: it is no text; the message says why in a few words.
    """
    mark, encoding = next(((mark, name) for mark, name in _MARKS if content.startswith(mark)), (b"", "utf-8"))
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"byte {error.start + len(mark)} is no {encoding[:6].upper().rstrip('-')}; save it as UTF-8"
        ) from None
    if "\0" in text:
        raise ValueError(f"it has null bytes (the first is character {text.index(chr(0))}); save it as UTF-8")
    return text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def read_text(path: Path, most: int = MOST_BYTES) -> str:
    """Return the text in a file, see `decode_text`.

    Args:
        path: of the file.
        most: bytes that it may have.

    Raises:
        EventError: it can't be read, is larger, or is no text.
    """
    try:
        return decode_text(_content(path, most))
    except ValueError as error:
        raise EventError(f"{path} can't be read as text ({error}).") from None


def read_toml(path: Path) -> dict[str, Any]:
    """Return what stands in a TOML file.

    Raises:
        EventError: it can't be read, or is no TOML.
    """
    return parse_toml(_content(path, MOST_BYTES), str(path))


def parse_toml(content: bytes, where: str) -> dict[str, Any]:
    """Return what stands in the bytes of a TOML file.

    Args:
        content: of the file.
        where: what a message calls the file.

    Raises:
        EventError: it is no TOML.
    """
    try:
        return tomllib.loads(decode_text(content))
    except RecursionError:
        reason = "it is nested too deeply"
    except ValueError as error:  # no text, no TOML, or a number of more digits than Python reads
        reason = tidy(error, 120)
    raise EventError(f"{where} can't be read as TOML ({reason}); correct it.")


def _content(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        reason = getattr(error, "strerror", None) or tidy(error)
        raise EventError(f"{path} can't be read ({reason}); check the path and its permissions.") from None
    if len(content) > most:
        raise EventError(f"{path} can't be read: a text of at most {most:,} bytes was expected, and it is larger.")
    return content
