"""The secrets of an event, and the seeds of ranked matches that follow from one of them: the same for every guest,
and unknown before the event.

They lie in the event folder from the first start on. Anyone who has the folder can compute the seeds, so don't lend
the laptop to anyone before the event is over.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from arena.engine.seeds import SECRET_BYTES, final_seeds, new_secret
from envs.errors import EventError
from envs.rules import Rules
from envs.text_files import decode_text
from recordings.storage import write_atomically

FILE_NAME = "kiosk-seeds.txt"


SECRET_FILE = "secret"
_SECRET_BYTES = 32


def ranked_seeds(folder: Path, rules: Rules, count: int) -> tuple[int, ...]:
    """Return the first `count` ranked seeds of the event in `folder`, made like those of a final.

    They are never practice seeds. More of them begin with the same ones.

    Raises:
        EventError: the secret can't be read or written.
    """
    return final_seeds(_secret(folder), f"kiosk {rules.rules_id}", rules.game, "", count)


def shared(folder: Path) -> str:
    """Return the secret of the event in `folder`, for its other stations; make it the first time.

    Raises:
        EventError: see `ranked_seeds`.
    """
    return _secret(folder).hex()


def adopt(folder: Path, secret: str) -> None:
    """Take over the secret of another folder of the same event, so that both have the same seeds.

    Raises:
        EventError: the folder can't be written.
    """
    path = folder / FILE_NAME
    text = f"{secret}\n".encode()
    if not path.exists() or path.read_bytes() != text:
        _write(path, text)


def _write(path: Path, text: bytes) -> None:
    write_atomically(path, text)
    path.chmod(0o600)


def _secret(folder: Path) -> bytes:
    path = folder / FILE_NAME
    try:
        if not path.exists():
            _write(path, f"{new_secret().hex()}\n".encode())
        secret = bytes.fromhex(decode_text(path.read_bytes()).strip())
    except (OSError, ValueError) as error:
        raise EventError(f"The kiosk's seeds can't be made: {path} can't be used ({error}); restore it.") from None
    if len(secret) != SECRET_BYTES:
        raise EventError(f"{path} must hold {2 * SECRET_BYTES} hexadecimal digits, not {2 * len(secret)}; restore it.")
    return secret


def event_secret(folder: Path) -> bytes:
    """Return the event's secret, from which its hidden seeds follow; make it the first time.

    Raises:
        EventError: it can't be read or written.
    """
    path = folder / SECRET_FILE
    try:
        try:
            # Created with its rights, never readable by others not even for a moment; whoever comes second reads it.
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(_SECRET_BYTES))
                file.flush()
                os.fsync(file.fileno())
        text = decode_text(path.read_bytes()).strip()
        secret = bytes.fromhex(text)
    except (OSError, ValueError) as error:
        raise EventError(f"The event's secret {path} can't be read or written ({error}).") from None
    if len(secret) != _SECRET_BYTES:
        raise EventError(f"The event's secret {path} must be {2 * _SECRET_BYTES} hexadecimal digits; restore a backup.")
    return secret
