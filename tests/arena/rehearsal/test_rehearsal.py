"""`arena demo --full`, a whole event in small: stopped, killed, gone on with, and looked at afterwards.

ARENA_SOAK=1 plays the event in its full size.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agents.human import Button, action_of
from agents.player import Kind
from arena.rehearsal.full_event import run
from arena.rehearsal.scripted_people import SUFFIX, ScriptedPerson, buttons_of
from arena.rehearsal.sizes import EVENING, RehearsalSize
from arena.scoreboard.store import Scoreboard
from envs.errors import EventError
from envs.rules import named_rules

ROOT = Path(__file__).parents[3]
SOAK = bool(os.environ.get("ARENA_SOAK"))
PATIENCE = 300.0
"""Seconds that a busy machine may take for one step."""
TRAINING = """
[ppo]
envs = 2
n_steps = 32
batch_size = 32
n_epochs = 1
learning_rate = 2.5e-4
"""


def small(folder: Path) -> RehearsalSize:
    config = folder / "small.toml"
    config.write_text(TRAINING)
    options = ("--algo", "ppo", "--steps", "64", "--episodes", "1", "--config", str(config), "--threads", "1")
    return RehearsalSize(
        games=("breakout",),
        people=(ScriptedPerson("Ada", 0.3), ScriptedPerson("Ben", 0.9)),
        training=options,
        practice=1,
        evaluation=1,
        best_people=1,
        best_bots=1,
        battle=1,
        duel=1,
        clips=1,
    )


def rehearsing(folder: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start a rehearsal in a process of its own."""
    code = (
        "from pathlib import Path; from arena.rehearsal.full_event import run; from test_rehearsal import small\n"
        f"run(Path({str(folder)!r}), small(Path({str(folder.parent)!r})))"
    )
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'scripts'}:{Path(__file__).parent}"}
    with log.open("ab") as output:
        return subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=output, stderr=output)


def wait_for(log: Path, text: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while text not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)


def programs_of(folder: Path) -> list[str]:
    """Return the command lines of the programs that run for the event in `folder`."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (path / "environ").read_bytes():
                found.append((path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


def wait_until_alone(folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while left := programs_of(folder):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for programs in /proc, which is Linux")
def test_a_whole_event_that_is_stopped_killed_and_gone_on_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, log = tmp_path / "event", tmp_path / "log"
    log.touch()
    with rehearsing(folder, log) as process:
        wait_for(log, "$ python scripts/train.py", process)
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)
    assert "Stopped in step 2. To go on: arena demo --full --event" in log.read_text()
    wait_until_alone(folder)

    with rehearsing(folder, log) as process:
        wait_for(log, "2 games played at the stations", process)
        process.kill()
    wait_until_alone(folder)
    assert 4 <= len(json.loads((folder / "rehearsal.json").read_text())["done"]) < 7

    run(folder, EVENING if SOAK else small(tmp_path))
    told = capsys.readouterr().out
    assert "Going on in" in told
    assert "Everything is as claimed." in told
    assert "The event is over" in told
    wait_until_alone(folder)
    look_at(folder)

    run(folder, small(tmp_path))
    again = capsys.readouterr().out
    assert "The event is over" in again
    assert "$" not in again, "nothing is done twice"


def look_at(folder: Path) -> None:
    """Check what an event has left."""
    with Scoreboard.open(folder / "arena.sqlite") as board:
        results = board.results()
    people = {result.player for result in results if result.kind is Kind.HUMAN}
    assert people == {f"Ada{SUFFIX}", f"Ben{SUFFIX}"}
    assert {result.player for result in results} >= {"tiny", "breakout-taught"}
    assert len({result.seed for result in results if result.seed >= 2**20}) >= 3
    report = (folder / "report" / "report.html").read_text(encoding="utf-8")
    assert f"Ada{SUFFIX}" in report
    assert "Rehearsal" in report
    assert (folder / "report" / "report.pdf").read_bytes().startswith(b"%PDF")
    assert (folder / "data" / "results.parquet").stat().st_size > 0
    assert json.loads((folder / "proof" / "standings.json").read_text())["tournaments"].keys() == {"battle", "duel"}
    assert not (folder / "proof" / "rehearsal.json").exists(), "tokens stay here"


def test_another_event_is_left_alone(tmp_path: Path) -> None:
    shutil.copyfile(Path(__file__), tmp_path / "something")
    with pytest.raises(EventError, match="holds no rehearsal; name a new folder"):
        run(tmp_path, small(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small.toml", "something"]


@pytest.mark.parametrize("game", ["breakout", "ms_pacman", "space_invaders", "boxing"])
def test_scripted_keys_say_what_was_meant(game: str) -> None:
    """What a script wants becomes keys, and the keys become the same action again."""
    actions = named_rules(game).action_set
    assert [action_of(buttons_of(action), actions) for action in actions] == list(actions)
    assert buttons_of(14) == (Button.UP, Button.RIGHT, Button.FIRE)
