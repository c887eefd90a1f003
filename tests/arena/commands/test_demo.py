"""The demo, from start to end, as a newcomer runs it, with one seed instead of six."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from arena.commands.demo import GAMES_SHOWN, run
from arena.engine.verify import verify_file
from arena.scoreboard.store import Scoreboard
from recordings.codec import SUFFIX


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """One thread for PyTorch: several wait for each other when other programs are busy, and 40 s become 160."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_the_demo_plays_verifies_and_shows_a_real_event(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    event = tmp_path / "event"
    publications = run(event, count=1, film_seconds=1)
    out = capsys.readouterr().out

    assert all(publication.verification.ok and publication.new for publication in publications)
    files = sorted((event / "recordings").glob(f"*{SUFFIX}"))
    assert sorted(publication.path for publication in publications) == files
    played = {(b.recording.rules.game, b.recording.player.name) for b in publications if b.recording is not None}
    assert {(game, script) for game in GAMES_SHOWN for script in ("script:basic", "script:random")} <= played
    shortest = min(files, key=lambda path: path.stat().st_size)
    assert verify_file(shortest)[1].ok

    with Scoreboard.open(event / "arena.sqlite") as board:
        assert {one.game for one in board.classes()} == set(GAMES_SHOWN)
        assert len(board.results()) == len(files)
    page = (event / "report" / "index.html").read_text(encoding="utf-8")
    assert "script:basic" in page
    assert (event / "report" / "demo.mp4").read_bytes()[4:8] == b"ftyp"

    assert f"{len(files)} of {len(files)} recordings replayed bit for bit" in out
    assert f"{event}/report/index.html" in out
    next_lines = re.findall(r"^(?:Next)? +(arena .*)$", out, re.MULTILINE)
    assert len(next_lines) == 4
    assert all(str(event) in line for line in next_lines if "watch" not in line)
