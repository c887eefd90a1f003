"""The seeds of the ranked matches: the same for every guest of an event, and unknown before it.

They follow from a secret that lies in the event folder from the first start on. Who has the folder can compute them;
so had the laptop better not be lent out before the event is over.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from itertools import count as counting
from pathlib import Path

from arena.seeds import PRACTICE_SEEDS
from envs.environment import SEED_LIMIT, ale_seed_of
from envs.errors import EventError, SeedError
from recordings.storage import write_atomically

FILE_NAME = "kiosk-seeds.txt"
_BYTES = 32


def ranked_seeds(folder: Path, rules_id: str, count: int) -> tuple[int, ...]:
    """Return the first `count` ranked seeds of the event in `folder` under the rules called `rules_id`.

    They are never practice seeds. More of them begin with the same ones.

    Raises:
        EventError: the secret can't be read or written.
    """
    secret = _secret(folder)
    seeds: list[int] = []
    for number in counting():
        if len(seeds) == count:
            break
        words = hmac.new(secret, f"kiosk {rules_id} {number}".encode(), hashlib.sha256).digest()
        seed = PRACTICE_SEEDS + int.from_bytes(words[:8], "big") % (SEED_LIMIT - PRACTICE_SEEDS)
        try:
            ale_seed_of(seed)
        except SeedError:  # one in four thousand million means the wall clock to the emulator
            continue
        seeds.append(seed)
    return tuple(seeds)


def _secret(folder: Path) -> bytes:
    path = folder / FILE_NAME
    try:
        if not path.exists():
            write_atomically(path, f"{secrets.token_hex(_BYTES)}\n".encode())
            path.chmod(0o600)
        secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise EventError(f"The kiosk's seeds can't be made: {path} can't be used ({error}); restore it.") from None
    if len(secret) != _BYTES:
        raise EventError(f"{path} must hold {2 * _BYTES} hexadecimal digits, not {2 * len(secret)}; restore it.")
    return secret
