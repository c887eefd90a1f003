"""ROM files, checked before the emulator sees them.

ALE's C++ loader only warns about a patched ROM, and ends the process when the file is missing; both must be found in
Python first. `ALE_ROMS_DIR` names another folder of ROMs, as in ale-py.
"""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from pathlib import Path

import ale_py.roms

from envs.errors import RomError
from envs.games import Game


def rom_path(game: Game) -> Path:
    """Return where the ROM of `game` is expected; the file need not exist."""
    folder = os.environ.get("ALE_ROMS_DIR") or Path(ale_py.roms.__file__).parent
    return Path(folder) / f"{game.name}.bin"


def rom_sha256(game: Game) -> str:
    """Return the SHA-256 of the checked ROM file of `game`, in hexadecimal.

    Raises:
        RomError: the file is missing, or is not the one that the arena (the four games) or ale-py (all others) knows.
    """
    path = rom_path(game)
    try:
        stat = path.stat()
        return _checked_sha256(game, path, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        raise RomError(
            f"The ROM of {game.title} was expected at {path}, but it can't be read ({error.strerror}); "
            "reinstall ale-py, or unset ALE_ROMS_DIR if it names the wrong folder."
        ) from None


@cache
def _checked_sha256(game: Game, path: Path, _mtime_ns: int, _size: int) -> str:
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if game.rom_sha256 is not None:
        known = found == game.rom_sha256
    else:
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        known = _ale_py_md5().get(f"{game.name}.bin") == md5
    if not known:
        expected = f"SHA-256 {game.rom_sha256[:16]}…" if game.rom_sha256 else "the MD5 in ale-py's list"
        raise RomError(
            f"{path} is not the known ROM of {game.title}: expected {expected}, found SHA-256 {found[:16]}…; "
            "reinstall ale-py, or unset ALE_ROMS_DIR."
        )
    return found


@cache
def _ale_py_md5() -> dict[str, str]:
    text = (Path(ale_py.roms.__file__).parent / "md5.json").read_text(encoding="utf-8")
    hashes: dict[str, str] = json.loads(text)
    return hashes
