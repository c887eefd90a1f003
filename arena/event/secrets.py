"""The secrets of an event. Each is a file of its own in the event folder, made the first time that it is needed, for a
purpose of its own:

- `secret.hex`: the seeds of the final. Its hash is published when the event opens, and it is revealed at the end
  (`arena.event.lifecycle`).
- `secret`: the seeds on which the server evaluates submitted agents. It never leaves the folder.
- `kiosk-seeds.txt`: the seeds of ranked games, the same for every guest. The server gives it to its stations.

Anyone who has the folder can compute the seeds, so don't lend the laptop to anyone before the event is over.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from arena.engine.seeds import SECRET_BYTES, final_seeds, new_secret
from envs.errors import EventError
from envs.rules import Rules
from envs.text_files import decode_text
from recordings.storage import TEMPORARY_PREFIX

FINAL_FILE = "secret.hex"
EVALUATION_FILE = "secret"
RANKED_FILE = "kiosk-seeds.txt"


def make_final_secret(folder: Path) -> None:
    """Make the secret of the final, unless it is there.

    Raises:
        EventError: the folder can't be written.
    """
    _make(folder / FINAL_FILE)


def final_secret(folder: Path) -> bytes:
    """Return the secret of the final. It is never made anew: what was published is its hash.

    Raises:
        EventError: it isn't there, or can't be read.
    """
    return _read(folder / FINAL_FILE)


def evaluation_secret(folder: Path) -> bytes:
    """Return the secret behind the seeds on which submitted agents are evaluated; make it the first time.

    Raises:
        EventError: it can't be read or written.
    """
    return _read_or_make(folder / EVALUATION_FILE)


def ranked_seeds(folder: Path, rules: Rules, count: int) -> tuple[int, ...]:
    """Return the first `count` ranked seeds of the event in `folder`, made like those of a final.

    They are never practice seeds. More of them begin with the same ones.

    Raises:
        EventError: the secret can't be read or written.
    """
    return final_seeds(_read_or_make(folder / RANKED_FILE), f"kiosk {rules.rules_id}", rules.game, "", count)


def shared(folder: Path) -> str:
    """Return the secret of the ranked seeds, for the event's other stations, in hexadecimal; make it the first time.

    Raises:
        EventError: see `ranked_seeds`.
    """
    return _read_or_make(folder / RANKED_FILE).hex()


def adopt(folder: Path, secret: str) -> None:
    """Take over what `shared` returned for another folder of the same event, so that both have the same ranked seeds.

    Raises:
        EventError: the folder can't be written.
    """
    path = folder / RANKED_FILE
    text = f"{secret}\n"
    if not path.exists() or path.read_bytes() != text.encode():
        _write(path, text, replace=True)


def _read_or_make(path: Path) -> bytes:
    if not path.exists():
        _make(path)
    return _read(path)


def _make(path: Path) -> None:
    _write(path, f"{new_secret().hex()}\n", replace=False)


def _read(path: Path) -> bytes:
    try:
        secret = bytes.fromhex(decode_text(path.read_bytes()).strip())
    except (OSError, ValueError) as error:
        raise EventError(f"The event's secret {path} can't be read ({error}); restore it from a copy.") from None
    if len(secret) != SECRET_BYTES:
        raise EventError(
            f"The event's secret {path} must be {2 * SECRET_BYTES} hexadecimal digits, not {2 * len(secret)}; "
            "restore it from a copy."
        )
    return secret


def _write(path: Path, text: str, *, replace: bool) -> None:
    """Write a file that nobody but its owner can read, at no moment, all of it or nothing. Unless it may `replace` one,
    the first of two processes that make it wins."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=path.parent)  # of mode 600
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if replace or not _linked(temporary, path):
                temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise EventError(f"The event's secret {path} can't be written ({error.strerror or error}).") from None


def _linked(temporary: Path, path: Path) -> bool:
    """Give `temporary` the name `path`, unless something has it; return False where the file system knows no links."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return True
    except OSError:
        return False
    return True
