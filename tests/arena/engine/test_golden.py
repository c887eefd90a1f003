"""The golden recordings: what the emulator does under the arena's rules, fixed for good."""

from __future__ import annotations

from pathlib import Path

import pytest

import recordings
from arena.engine.verify import verify
from envs.games import GAMES
from recordings.codec import SUFFIX, read

FOLDER = Path(recordings.__file__).parent / "golden"
GOLDEN = sorted(FOLDER.glob(f"*{SUFFIX}"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name.removesuffix(SUFFIX))
def test_it_replays_bit_for_bit(path: Path) -> None:
    outcome = verify(read(path))
    assert outcome.ok, outcome.reason


@pytest.mark.parametrize("game", GAMES)
def test_every_game_has_several_seeds_and_players(game: str) -> None:
    mine = [read(path) for path in GOLDEN if path.name.startswith(f"{game}-5min-")]
    assert len({recording.seed for recording in mine}) >= 3
    assert {recording.player.name for recording in mine} >= {"script:basic", "script:random", "script:noop"}
