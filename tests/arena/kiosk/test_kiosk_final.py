"""A complete event: a guest at a real kiosk, an agent that is sent in, a server for both, and a final that the guest
plays at a real window. Scripted keyboards press the keys; everything else is what runs at an event.

The pictures taken on the way lie in ARENA_ARTIFACTS, if that is set. ARENA_SOAK=1 plays five seeds instead of one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.load import ZOO
from arena.engine.eligibility import unranked_reason
from arena.scoreboard.server_tables import Role
from arena.scoreboard.store import Scoreboard
from arena.ui import palette
from recordings.codec import SUFFIX, read
from tests.arena.kiosk.hall import ARENA, PATIENCE, ROOT, Hall
from tests.arena.server.serving import Serving

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Xvfb is a display of Linux")

SEEDS = 5 if os.environ.get("ARENA_SOAK") else 1
ATTEMPTS = 5
"""A busy machine may miss the console's pace; then a game doesn't count, and is played again."""
GUEST = "Ada"
SETTINGS = f"""
name = "A complete event"
games = ["breakout"]
[stations]
names = ["Station 1"]
[final]
people = 1
bots = 1
seeds = {SEEDS}
"""


class Organizers:
    """Type commands about one event.

    Args:
        folder: of the event.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {"PYTHONPATH": str(ROOT), "ARENA_EVENT": str(folder)}

    def arena(self, *words: str, environment: dict[str, str] | None = None) -> str:
        """Return what a command prints; it must do what it should."""
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", ARENA, *words],
            env=environment or self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, f"arena {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def waiting(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.arena("tournament", "status", "final", "--json"))["waiting_for"]
        return found


@pytest.fixture
def organizers(tmp_path: Path) -> Organizers:
    folder = tmp_path / "organizers"
    folder.mkdir()
    (folder / "event.toml").write_text(SETTINGS)
    return Organizers(folder)


@pytest.fixture
def serving(organizers: Organizers) -> Iterator[Serving]:
    with Serving(organizers.folder, options=["--evaluation-seeds", "1"]) as running:
        yield running


@pytest.fixture
def hall(display: str, serving: Serving, tmp_path: Path) -> Iterator[Hall]:
    token = tmp_path / "token"
    token.write_text(serving.token(Role.STATION, "Station 1"))
    hall = Hall(display, tmp_path / "station", ["--server", serving.url, "--token-file", str(token)])
    try:
        yield hall
    finally:
        if hall.parent.poll() is None:
            hall.parent.terminate()
            hall.parent.wait()


def play_until_it_counts(hall: Hall, serving: Serving) -> None:
    """Let the guest play at the kiosk until a game counts, and wait until the server has it."""
    for number in range(ATTEMPTS):
        hall.to_the_match(GUEST)
        hall.wait_for_file("*.part")
        press_for_a_while(hall)
        hall.leave_game(lambda: hall.shows("your result", 6, palette.ORANGE))
        recordings = [read(path) for path in (hall.event / "recordings").glob(f"*{SUFFIX}")]
        assert len(recordings) == number + 1
        if any(unranked_reason(recording) is None for recording in recordings):
            break
        hall.wait_for("press fire", 5, palette.YELLOW)  # after a while the result goes by itself
    else:
        pytest.fail(f"none of {ATTEMPTS} games counted")
    anybody = serving.client()
    wait_for(lambda: any(one["player"] == GUEST for one in anybody.get("/results")), "the server hasn't the game")


def wait_for(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.2)


def press_for_a_while(hall: Hall) -> None:
    for _ in range(6):
        hall.key("space", "Left", "Right")


def sit_down(hall: Hall, serving: Serving, token: Path) -> None:
    """Play what the tournament waits for at the station, in a window."""
    environment = hall.environment | {"ARENA_EVENT": str(hall.event)}
    command = [sys.executable, "-c", ARENA, "tournament", "play", "final", GUEST, "--window"]
    command += ["--server", serving.url, "--token-file", str(token)]
    recordings = hall.event / "recordings"
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            deadline = time.monotonic() + PATIENCE
            while not list(recordings.glob("*.part")):
                assert process.poll() is None, "it ended before anything was played"
                assert time.monotonic() < deadline, "no game began"
                time.sleep(0.1)
            hall.shot("final")
            press_for_a_while(hall)
            hall.leave_game(lambda: process.poll() is not None)
        finally:
            process.kill()
        assert process.returncode == 0


def test_a_complete_event_with_kiosk_server_and_tournament(
    hall: Hall, serving: Serving, organizers: Organizers, tmp_path: Path
) -> None:
    participant = serving.client(Role.PARTICIPANT)
    bot = (ZOO / "breakout-quick.zip").read_bytes()
    sent = participant.send_agent(bot, "the-agent", name="Quick one", game="breakout", rules="5min")
    play_until_it_counts(hall, serving)
    assert hall.leave() == 0
    wait_for(lambda: participant.get(f"/agents/{sent['id']}")["agent"]["state"] == "done", "it isn't evaluated")

    organizers.arena("event", "freeze")
    organizers.arena("event", "announce", "3 1 4 1 5 9")
    organizers.arena("tournament", "new", "final", "--format", "team-battle", "--qualify")
    organizers.arena("tournament", "run", "final")
    assert [(one["player"], one["game"]) for one in organizers.waiting()] == [(GUEST, "breakout")] * SEEDS
    for _ in range(ATTEMPTS * SEEDS):
        sit_down(hall, serving, tmp_path / "token")
        if not organizers.waiting():
            break
    assert "Quick one" in organizers.arena("tournament", "run", "final")

    organizers.arena("event", "close")
    organizers.arena("report", "--clips", "0")
    assert GUEST in (organizers.folder / "report" / "report.html").read_text(encoding="utf-8")
    organizers.arena("event", "export", str(tmp_path / "proof"))
    alone = {name: value for name, value in organizers.environment.items() if name != "ARENA_EVENT"}
    assert "Everything is as claimed." in organizers.arena("event", "audit", str(tmp_path / "proof"), environment=alone)
    with Scoreboard.open(organizers.folder / "arena.sqlite") as board:
        assert {GUEST, "Quick one"} <= {result.player for result in board.results()}
