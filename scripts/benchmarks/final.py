"""Figures of the final: schedule and standings of a large league, the report of a large event, kills."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure, spread, timed

GAMES = ("breakout", "ms_pacman", "space_invaders")
BOTS, PEOPLE, SEEDS = 200, 100, 50
EPISODES = 5000
KILLS = int(os.environ.get("ARENA_KILLS", "100"))
PLAYED_FRAMES = 3600


def run() -> Iterator[Figure]:
    """Yield every figure of this suite."""
    folder = Path(tempfile.mkdtemp(prefix="arena-benchmark-"))
    try:
        yield _league(folder)
        yield _report(folder)
        yield _kills(folder)
    finally:
        shutil.rmtree(folder)


def _league(folder: Path) -> Figure:
    """All scores are in the log; what is timed is reading it, replaying it, and the standings."""
    from arena.event.log import Log
    from arena.scoreboard.store import Scoreboard
    from arena.tournament.model import state_of
    from arena.tournament.standings import open_slots, standings
    from envs.rules import named_rules

    rng = random.Random(0)
    names = [(f"bot {i}", "script") for i in range(BOTS)] + [(f"person {i}", "human") for i in range(PEOPLE)]
    plan = {
        "name": "league", "title": "League", "format": "round robin",
        "rules": {g: named_rules(g).as_dict() for g in GAMES},
        "entrants": [{"name": n, "kind": k, "agent": None if k == "human" else n} for n, k in names],
        "series": {"kind": "best of", "n": SEEDS},
    }  # fmt: skip
    lines: list[tuple[str, dict[str, Any]]] = [("new", plan)]
    for game in GAMES:
        for index in range(SEEDS):
            lines += [("score", _score(game, index, name, rng)) for name, _ in names]
    missing = lines.pop()  # so that there is something left to schedule
    with Scoreboard.open(folder / "league.sqlite") as board:
        log = Log(board.engine)
        log.append("tournament:league", lines, 0)

        def work() -> None:
            state = state_of(log.entries("tournament:league"))
            assert [slot.player for slot in open_slots(state)] == [missing[1]["player"]]
            assert len(standings(state)) == len(names)

        seconds = [timed(work) for _ in range(3)]
    return Figure(
        "schedule and standings of 200 bots and 100 people in 3 games on 50 seeds",
        spread(seconds)["median"],
        "< 5",
        f"{len(lines):,} lines read from the database and replayed, 44,850 duels; median of 3",
        unit=" s",
        detail=spread(seconds),
    )


def _score(game: str, index: int, player: str, rng: random.Random) -> dict[str, Any]:
    return {
        "stage": "round 1", "game": game, "index": index, "player": player, "seed": 2**21 + index,
        "score": rng.randrange(1000), "frames": 1000, "end": "terminated", "recording": f"{game}-{index}-{player}",
        "sha256": hashlib.sha256(f"{game} {index} {player}".encode()).hexdigest(),
    }  # fmt: skip


def _report(folder: Path) -> Figure:
    """A final with real recordings, and thousands of results beside it."""
    from agents.player import Kind
    from arena.event.folder import open_event
    from arena.report.write import write_report
    from arena.scoreboard.results import Result
    from arena.scoreboard.store import Scoreboard
    from arena.tournament.runner import TournamentRunner, machine
    from envs.rules import named_rules
    from envs.step import End

    event = open_event(folder / "event", "Benchmark")
    rules = {g: named_rules(g).varied(max_frames=PLAYED_FRAMES) for g in GAMES}
    rng = random.Random(0)
    with Scoreboard.open(event.database) as board:
        one = TournamentRunner(event, board, "final")
        players = [machine(agent, list(GAMES)).model_dump(mode="json") for agent in ("script:basic", "script:random")]
        one.create(
            {
                "title": "Final", "format": "duel", "entrants": players, "series": {"kind": "best of", "n": 3},
                "rules": {g: r.as_dict() for g, r in rules.items()}, "practice": True,
            }
        )  # fmt: skip
        one.run()
        began = datetime(2026, 1, 1, tzinfo=UTC)
        for number in range(EPISODES - len(board.results())):
            game = GAMES[number % 3]
            name = hashlib.sha256(str(number).encode()).hexdigest()
            board.add(
                Result(
                    player=f"player {number // 3 % 60}", kind=Kind.HUMAN, artifact_sha256=None, game=game,
                    rules_id=rules[game].rules_id, rules_label=rules[game].label, seed=number,
                    score=rng.randrange(5000), frames=18_000, end=End.TERMINATED, recording_sha256=name, digest=name,
                    recording_name=f"{name}.arena.zip",
                    started_at=began + timedelta(minutes=number), verified_at=began,
                )
            )  # fmt: skip
        seconds = timed(lambda: write_report(event, board, event.report))
        sizes = {path.name: path.stat().st_size for path in event.report.iterdir()}
    return Figure(
        "report of an event with 5,000 episodes",
        seconds,
        "< 60",
        "HTML with plots, the replayed final and three films, and PDF; 62 players, one run",
        unit=" s",
        detail={"bytes": sizes},
    )


KILLER = """
import sys
from pathlib import Path
from benchmarks.final import kill_often
kill_often(Path(sys.argv[1]), int(sys.argv[2]))
"""


def conduct(folder: Path) -> str:
    """Begin or go on with a small knockout; return its standings."""
    from arena.event.folder import open_event
    from arena.scoreboard.store import Scoreboard
    from arena.tournament.runner import TournamentRunner, machine
    from arena.tournament.standings import standings
    from envs.rules import named_rules

    event = open_event(folder, "Killed")
    with Scoreboard.open(event.database) as board:
        one = TournamentRunner(event, board, "cup")
        if not one.log.entries(one.stream):
            rules = {"space_invaders": named_rules("space_invaders").varied(max_frames=1800).as_dict()}
            agents = ("script:random", "script:noop", "script:basic")
            players = [machine(agent, ["space_invaders"]).model_dump(mode="json") for agent in agents]
            series = {"kind": "best of", "n": 7}
            values = {"title": "Cup", "format": "knockout", "rules": rules, "entrants": players, "series": series}
            one.create({**values, "practice": True})
        state = one.run(processes=1)
        return json.dumps([line.plain() for line in standings(state)])


def _kills(folder: Path) -> Figure:
    """Kill the process again and again, at a moment between its start and its end, and compare the standings."""
    here = Path(__file__).resolve().parent.parent
    environment = os.environ | {"PYTHONPATH": f"{here}{os.pathsep}{here.parent}"}
    command = [sys.executable, "-c", KILLER, str(folder), str(KILLS)]
    found = json.loads(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    return Figure(
        "tournaments that end otherwise after kills",
        found["wrong"],
        "<= 0",
        f"{found['kills']} times SIGKILL at a random moment of {found['tournaments']} knockouts, up to five in each",
        detail=found,
    )


def kill_often(folder: Path, kills: int) -> None:
    """Conduct one tournament after the other in forks of this process, which has imported everything and has no
    threads, and kill each up to five times; print as JSON what came of it."""
    expected = conduct(folder / "warm")
    whole = timed(lambda: _runs_until_killed(folder / "timed", None))
    rng = random.Random(0)
    done = wrong = number = 0
    while done < kills:
        number += 1
        place = folder / f"killed {number}"
        for _ in range(5):
            if _runs_until_killed(place, rng.uniform(0.05, 1.0) * whole):
                break
            done += 1
        wrong += conduct(place) != expected
        shutil.rmtree(place)
    print(json.dumps({"kills": done, "tournaments": number, "wrong": wrong, "seconds": whole}))


def _runs_until_killed(folder: Path, seconds: float | None) -> bool:
    """Conduct in a fork, killed after `seconds`; return whether it came to the end."""
    child = os.fork()
    if child == 0:
        try:
            conduct(folder)
            os._exit(0)
        finally:  # never go on as the parent
            os._exit(1)
    until = None if seconds is None else time.monotonic() + seconds
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            if status != 0:  # it broke down by itself: no kill, and no end
                raise RuntimeError(f"a tournament ended with {os.waitstatus_to_exitcode(status)}")
            return True
        if until is not None and time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return False
        time.sleep(0.005)
