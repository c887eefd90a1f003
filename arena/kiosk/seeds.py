"""The seeds of the ranked matches: the same for every guest of an event, and unknown before it.

They follow from a secret that lies in the event folder from the first start on. Who has the folder can compute them;
so had the laptop better not be lent out before the event is over.
"""

from __future__ import annotations

from pathlib import Path

from arena.seeds import SECRET_BYTES, final_seeds, new_secret
from envs.errors import EventError
from envs.rules import Rules
from envs.text_files import decode_text
from recordings.storage import write_atomically

FILE_NAME = "kiosk-seeds.txt"


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
