"""`arena evaluate` with everything that an organizer asks of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arena import cli


@pytest.fixture
def event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("ARENA_EVENT", raising=False)
    return tmp_path / "event"


AGENT = """
class Agent:
    def reset(self, *, seed, action_set): self.games = seed
    def act(self, step):
        if step.t == 50: raise ValueError("fifty is enough")
        return 0
    def close(self): pass
def make_player(game): return Agent()
"""


def test_hidden_seeds_in_the_sandbox_with_delays_and_checks(event: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = "evaluate script:random --game breakout --seeds 3 --hidden --sandbox --delay 0 --delay 350 --check"
    assert cli.main([*words.split(), "--processes", "1"]) == 0
    out, err = capsys.readouterr()
    assert "6 of 6 recordings" in out
    assert "Percentiles: 5th " in out
    assert "Human-normalized: " in out
    assert "     0 ms" in out
    assert "   350 ms" in out
    assert "Open loop: its actions of seed " in out
    assert "Played again: the same actions in 3 of 3 games." in out
    assert "6 games on seeds drawn just now" in err
    (plan,) = (event / "evaluations").iterdir()
    planned = json.loads(plan.read_text())["seeds"]
    assert cli.main(["scoreboard", "--game", "breakout", "--json"]) == 0
    standings = capsys.readouterr().out
    assert "script:random, 350 ms" in standings
    assert len(planned) == 3


def test_what_broke_down_is_counted_and_said(event: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.py").write_text(AGENT)
    command = ["evaluate", "mine.py", "--game", "pacman", "--seeds", "2", "--processes", "1"]
    assert cli.main(command) == 0
    assert "mine broke down in 2 of 2 games" in capsys.readouterr().out
    assert cli.main([*command, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["classes"]
    assert (found["forfeits"], found["human_normalized"], found["delay_ms"]) == (2, None, 0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--delay 150", "0, 100, 200, 350 ms, not 150"),
        ("--delay soon", "expected a whole number"),
        ("--hidden --seeds 0", "1 to 100,000"),
        ("--cluster 127.0.0.1:9", "no Dask scheduler at 127.0.0.1:9"),
    ],
)
def test_what_is_wrong_is_said(
    event: Path, words: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("arena.engine.cluster.CONNECT_SECONDS", 1)
    assert cli.main(["evaluate", "script:random", "--game", "breakout", *words.split()]) == 2
    assert said in " ".join(capsys.readouterr().err.replace("│", " ").split())
