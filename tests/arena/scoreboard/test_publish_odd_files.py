"""One odd file doesn't keep the others from the scoreboard."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.load import load_player
from arena.engine.evaluate import play_seeds
from arena.scoreboard.publish import publish, unpublished
from arena.scoreboard.store import Scoreboard
from envs.games import GAMES
from envs.rules import named_rules
from recordings.recording import Recording
from recordings.storage import save


@pytest.fixture(scope="module")
def recordings() -> list[Recording]:
    rules = named_rules("breakout").varied(max_frames=30)
    return list(play_seeds(load_player("script:noop", GAMES["breakout"]), rules, (1, 2)))


def test_a_year_that_no_database_takes(tmp_path: Path, recordings: list[Recording]) -> None:
    odd = save(recordings[0].model_copy(update={"started_at": datetime(1, 1, 1, tzinfo=UTC)}), tmp_path)
    good = save(recordings[1], tmp_path)
    with Scoreboard.open(tmp_path / "arena.sqlite") as board:
        publications = publish([odd, good], board, processes=1)
        assert [(one.verification.ok, one.new) for one in publications] == [(False, False), (True, True)]
        assert "started_at" in publications[0].verification.reason
        assert unpublished(tmp_path, board) == [odd]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such file names")
def test_a_file_name_that_can_not_be_shown(tmp_path: Path, recordings: list[Recording]) -> None:
    path = tmp_path / "a\nb.arena.zip"
    shutil.copy(save(recordings[0], tmp_path), path)
    with Scoreboard.open(tmp_path / "arena.sqlite") as board:
        (publication,) = publish([path], board, processes=1)
    assert not publication.verification.ok
    assert not publication.new
