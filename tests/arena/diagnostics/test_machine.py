"""The doctor finds what is wrong, says what to do, and never breaks down itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import ale_py.roms
import pytest

from agents.scripts import make_script
from arena.diagnostics import machine
from arena.diagnostics.machine import Check, CheckStatus, checks
from arena.engine.evaluate import play_seeds
from envs import GAMES
from envs.rules import named_rules
from envs.step import End
from recordings.storage import save

NAMES = [
    *("python", "packages", "pygame", "roms", "emulator", "golden recordings", "event folder", "disk"),
    *("display", "sound", "pads", "processor", "clock", "timing", "sandbox", "postgresql", "torch"),
]


def found(folder: Path) -> dict[str, Check]:
    return {check.name: check for check in checks(folder)}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Check]]:
    folder = tmp_path_factory.mktemp("doctor") / "not" / "made" / "yet"
    yield list(checks(folder))
    assert not folder.parent.parent.exists(), "looking made a folder"


def test_everything_is_looked_at(here: list[Check]) -> None:
    assert [check.name for check in here] == NAMES


def test_what_the_arena_cannot_do_without_is_well(here: list[Check]) -> None:
    needed = {*NAMES} - {
        "display",
        "sound",
        "pads",
        "processor",
        "timing",
        "torch",
    }  # these depend on where the tests run
    assert {check.name: check for check in here if check.name in needed and check.status is not CheckStatus.OK} == {}


def test_whatever_is_not_well_says_what_to_do(here: list[Check]) -> None:
    for check in here:
        assert check.sentence
        assert "\n" not in check.sentence + check.advice
        assert bool(check.advice) == (check.status is not CheckStatus.OK), check


def test_a_missing_rom_and_a_foreign_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in Path(ale_py.roms.__file__).parent.glob("*.bin"):
        if path.stem in GAMES and path.stem != "pacman":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "breakout.bin").write_bytes(b"another game")
    monkeypatch.setenv("ALE_ROMS_DIR", str(tmp_path))
    roms = list(machine._roms())
    failed = [check.sentence for check in roms if check.status is CheckStatus.FAIL]
    assert len(failed) == 2
    assert "breakout.bin is not the known ROM" in failed[0]
    assert "pacman.bin" in failed[1]
    assert "Ms. Pac-Man" in roms[-1].sentence
    emulator = machine._kept("emulator", machine._emulator)
    assert emulator.status is CheckStatus.FAIL
    assert "breakout.bin" in emulator.sentence


def test_an_emulator_that_plays_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "SELF_TEST_SEED", 8)  # the same as another emulator, seen from the digest
    assert machine.self_test_digest() != machine.SELF_TEST_DIGEST
    check = machine._emulator()
    assert check.status is CheckStatus.FAIL
    assert "otherwise than other machines" in check.sentence


def test_golden_recordings_are_replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = named_rules("pacman").varied(max_frames=60)
    (recording,) = play_seeds(make_script("random", GAMES["pacman"]), rules, [1])
    save(recording, tmp_path)
    monkeypatch.setattr(machine, "GOLDEN", tmp_path)
    assert machine._golden() == Check("golden recordings", CheckStatus.OK, "Replayed bit for bit: pacman.")
    cut = {"frames": 30, "actions": recording.actions[:30], "end": End.QUIT}
    save(recording.model_copy(update=cut), tmp_path)
    check = machine._golden()
    assert check.status is CheckStatus.FAIL
    assert check.sentence.startswith("pacman: ")


def test_an_event_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "event").write_text("")
    for folder in (tmp_path / "event", tmp_path / "event" / "below"):
        check = machine._writable(folder)
        assert check.status is CheckStatus.FAIL
        assert "--event" in check.advice


def test_a_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine._disk(tmp_path).status is CheckStatus.OK
    monkeypatch.setattr(machine, "FREE_BYTES", 10**18)
    assert machine._disk(tmp_path).status is CheckStatus.WARN
    monkeypatch.setattr(machine, "SCRAPE_BYTES", 10**18)
    assert machine._disk(tmp_path).status is CheckStatus.FAIL


def test_a_display_that_nobody_sees_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    display, sound, _ = machine._display_and_sound(machine._start_probe())
    assert display.status is CheckStatus.WARN
    assert sound.status is CheckStatus.OK
    monkeypatch.setenv("SDL_AUDIODRIVER", "none such")
    _, sound, _ = machine._display_and_sound(machine._start_probe())
    assert sound.status is CheckStatus.WARN


def test_a_display_that_hangs_hangs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_PROBE", "import time; time.sleep(600)")
    monkeypatch.setattr(machine, "PROBE_SECONDS", 0.2)
    display, sound, _ = machine._display_and_sound(machine._start_probe())
    assert (display.status, sound.status) == (CheckStatus.WARN, CheckStatus.WARN)


def test_a_check_that_breaks_down_is_a_failed_check() -> None:
    def broken() -> Check:
        raise ZeroDivisionError("by zero")

    check = machine._kept("broken", broken)
    assert check.status is CheckStatus.FAIL
    assert check.name == "broken"
    assert "ZeroDivisionError" in check.sentence
