"""The kiosk as a guest meets it: a real display, real key presses from outside, and a process that is killed.

ARENA_SOAK=1 kills 50 times instead of once.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.load import house_bots
from agents.player import Kind
from arena.engine.eligibility import unranked_reason
from arena.scoreboard.store import Scoreboard
from arena.ui import palette
from envs.games import GAMES
from envs.step import End
from tests.arena.kiosk.hall import ARENA, PATIENCE, ROOT, Hall

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Xvfb is a display of Linux")

HOUSE_BOT = house_bots(GAMES["breakout"])[0]
"""The first in the list while nobody has played."""
KILLS = 50 if os.environ.get("ARENA_SOAK") else 1


@pytest.fixture
def hall(display: str, tmp_path: Path) -> Iterator[Hall]:
    hall = Hall(display, tmp_path)
    try:
        yield hall
    finally:
        if hall.parent.poll() is None:
            hall.parent.terminate()
            hall.parent.wait()


def test_a_guest_plays_and_stands_on_the_standings_and_a_kill_costs_only_the_running_game(hall: Hall) -> None:
    """Ada meets a house bot: a network, in a process of its own. (Small letters: a busy X server loses the Shift.)"""
    hall.to_the_match("ada", choice=0)
    ada = hall.verified("*-ada-*.arena.zip")  # five balls are lost soon
    choice = hall.verified(f"*-{HOUSE_BOT}-*.arena.zip")  # FIRE has let it play to its end quickly
    assert (ada.player.name, choice.player.name) == ("ada", HOUSE_BOT)
    assert ada.seed == choice.seed
    time.sleep(2.5)  # keys are ignored at first
    hall.wait_for(("you win!", "the machine wins", "a draw"), 6, palette.ORANGE, "Return")
    ranked = unranked_reason(ada) is None  # not where this machine was too busy to hold the console's pace
    if ranked:
        hall.wait_for(("place 1", "place 2"), 8, palette.ORANGE)
    time.sleep(2.5)
    hall.wait_for("press fire", 5, palette.YELLOW, "Return")

    rng = random.Random(1)
    for number in range(KILLS):
        hall.to_the_match(f"eve {number}")
        hall.wait_for_file("*.part")
        for _ in range(4 + rng.randrange(8)):
            hall.key("space", "Left")
        os.kill(hall.child(), signal.SIGKILL)
        hall.wait_for("press fire", 5, palette.YELLOW)
    assert hall.leave() == 0

    with Scoreboard.open(hall.event / "arena.sqlite") as board:
        results = {result.player: result for result in board.results() if result.kind is Kind.HUMAN}
    assert results.keys() == {*(["ada"] if ranked else []), *(f"eve {number}" for number in range(KILLS))}
    assert not ranked or results["ada"].score == ada.score
    assert all(results[f"eve {number}"].end is End.QUIT for number in range(KILLS))
    assert list((hall.event / "recordings").glob("*.part")) == []


def test_without_a_display_one_sentence_says_so(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")}
    done = subprocess.run(
        [sys.executable, "-c", ARENA, "kiosk", "--event", str(tmp_path / "event")],
        env=environment | {"PYTHONPATH": str(ROOT), "ARENA_CONFIG": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 2
    assert "No window can be shown here (" in done.stderr
    assert "Traceback" not in done.stderr
