"""Which rules and seeds the server deals with."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path

from arena.server.errors import Refusal
from envs.environment import SEED_LIMIT, ale_seed_of
from envs.errors import EventError, SeedError, UnknownGame
from envs.games import find_game
from envs.rules import CLASSES, Rules, named_rules
from envs.text_files import decode_text

SECRET_FILE = "secret"
_SECRET_BYTES = 32


def check_ranked(rules: Rules) -> None:
    """Refuse rules that nobody agreed on: their results would stand alone, and any length could be asked of the server.

    Raises:
        Refusal: these are none of the named rules of a game that is here.
    """
    try:
        find_game(rules.game)
    except UnknownGame as error:
        raise Refusal(str(error)) from None
    if rules.label not in CLASSES:
        raise Refusal(f"These rules of {rules.game} are not ranked; this server takes {' and '.join(CLASSES)}.")


def ranked_rules(game: str, name: str) -> Rules:
    """Return the rules called `name` of `game`.

    Raises:
        UnknownGame, RomError, RulesError: there are none.
    """
    return named_rules(find_game(game), name)


def rules_from_json(text: str) -> Rules:
    return Rules.from_dict(json.loads(text))


def fresh_seed() -> int:
    """Return a seed that nobody can guess."""
    while True:
        seed = secrets.randbelow(SEED_LIMIT)
        try:
            ale_seed_of(seed)
        except SeedError:  # one in four thousand million
            continue
        return seed


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


def hidden_seeds(secret: bytes, rules: Rules, count: int) -> list[int]:
    """Return the seeds on which submitted agents are evaluated under `rules`: the same for all of them."""
    found: list[int] = []
    number = 0
    while len(found) < count:
        text = f"arena evaluation\n{rules.rules_id}\n{number}"
        seed = int.from_bytes(hmac.digest(secret, text.encode(), hashlib.sha256)[:8]) % SEED_LIMIT
        number += 1
        try:
            ale_seed_of(seed)
        except SeedError:
            continue
        found.append(seed)
    return found
