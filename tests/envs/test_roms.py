"""ROM files are checked before the emulator sees them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from envs.environment import ArenaEnv
from envs.errors import RomError
from envs.games import GAMES, find_game
from envs.roms import rom_path, rom_sha256
from envs.rules import named_rules

BREAKOUT, PONG = find_game("breakout"), find_game("pong")


@pytest.fixture
def roms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own with the ROMs of Breakout and Pong, named by ALE_ROMS_DIR."""
    for game in (BREAKOUT, PONG):
        shutil.copy(rom_path(game), tmp_path)
    monkeypatch.setenv("ALE_ROMS_DIR", str(tmp_path))
    return tmp_path


def patch(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)


def test_the_folder_can_be_chosen(roms: Path) -> None:
    assert rom_path(BREAKOUT) == roms / "breakout.bin"
    assert rom_sha256(BREAKOUT) == BREAKOUT.rom_sha256
    assert ArenaEnv(named_rules("breakout")).start(1).lives == 5


@pytest.mark.parametrize("game", [*GAMES, "pong"])
def test_a_missing_rom(game: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALE_ROMS_DIR", str(tmp_path))
    with pytest.raises(RomError, match=rf"expected at .*{game}\.bin, but it can't be read \(No such file") as caught:
        named_rules(game)
    assert "ALE_ROMS_DIR" in str(caught.value)


def test_a_missing_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALE_ROMS_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(RomError, match="can't be read"):
        rom_sha256(BREAKOUT)


def test_a_folder_in_the_roms_place(roms: Path) -> None:
    (roms / "breakout.bin").unlink()
    (roms / "breakout.bin").mkdir()
    with pytest.raises(RomError, match="can't be read"):
        rom_sha256(BREAKOUT)


@pytest.mark.parametrize("game", [BREAKOUT, PONG], ids=["breakout", "pong"])
def test_a_patched_rom(game: object, roms: Path) -> None:
    assert game in (BREAKOUT, PONG)
    chosen = BREAKOUT if game is BREAKOUT else PONG
    rom_sha256(chosen)
    patch(rom_path(chosen))
    with pytest.raises(RomError, match=r"is not the known ROM of .*: expected .*, found SHA-256"):
        rom_sha256(chosen)


def test_another_games_rom(roms: Path) -> None:
    shutil.copy(roms / "pong.bin", roms / "breakout.bin")
    with pytest.raises(RomError, match="is not the known ROM of Breakout"):
        named_rules("breakout")


def test_an_empty_rom(roms: Path) -> None:
    (roms / "breakout.bin").write_bytes(b"")
    with pytest.raises(RomError, match="is not the known ROM"):
        named_rules("breakout")


def test_rules_of_another_rom() -> None:
    with pytest.raises(RomError, match=r"another ROM of Breakout: they name SHA-256 0{16}…, the file here has"):
        ArenaEnv(named_rules("breakout").varied(rom_sha256="0" * 64))


def test_a_rom_that_changes_while_the_program_runs(roms: Path) -> None:
    env = ArenaEnv(named_rules("breakout"))
    env.start(1)
    patch(roms / "breakout.bin")
    with pytest.raises(RomError, match="is not the known ROM"):
        env.start(2)
    (roms / "breakout.bin").unlink()
    with pytest.raises(RomError, match="can't be read"):
        env.start(3)


def test_a_missing_rom_does_not_end_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ALE itself would call exit()."""
    monkeypatch.setenv("ALE_ROMS_DIR", str(tmp_path))
    code = (
        "from envs.errors import ArenaError\nfrom envs.environment import make_env\n"
        "try: make_env('breakout')\nexcept ArenaError as error: print('caught', error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("caught The ROM of Breakout was expected at")
