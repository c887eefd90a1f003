"""Figures of the server: a burst of uploads, the standings of a large event, and many spectators at once."""

from __future__ import annotations

import asyncio
import hashlib
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figure import Figure, survive

CLIENTS, EACH, TWICE = 50, 20, 4
"""Clients, results of each, and how many of these are sent a second time."""
PLAYERS, EPISODES = 1000, 100_000
BOTS = 100
"""Of the players."""
READS = 200
SPECTATORS, EVENTS = 500, 5
ROOT = Path(__file__).resolve().parents[2]
SERVE = "import sys; from arena.cli import main; sys.exit(main())"
BEGAN = datetime(2026, 5, 1, 18, 30, tzinfo=UTC)


def run() -> Iterator[Figure]:
    """Yield every figure of this suite."""
    yield from survive((_burst, _standings, _spectators))


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder for an event that goes away with it, whatever a server still writes there."""
    folder = Path(tempfile.mkdtemp(prefix="arena-benchmark-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Running:
    url: str
    tokens: list[str]
    pid: int


@contextmanager
def _serving(folder: Path, names: Sequence[str], role: str) -> Iterator[Running]:
    from arena.event.folder import open_event
    from arena.scoreboard.server_tables import Role
    from arena.scoreboard.store import Scoreboard
    from arena.server.access.tokens import Tokens
    from arena.server.clock import Clock

    event = open_event(folder)
    with Scoreboard.open(event.database) as board:
        made = Tokens(board, Clock())
        given = [made.add(Role(role), name)[1] for name in names]
    command = [sys.executable, "-c", SERVE, "serve", "--event", str(folder), "--port", "0", "--evaluators", "0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
        try:
            assert process.stdout is not None
            select.select([process.stdout], [], [], 60)
            line = process.stdout.readline().decode()
            url = line.split(": ", 1)[1].split("/ ")[0]
            _wait_for(url)
            yield Running(url, given, process.pid)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_for(url: str) -> None:
    from arena.client.api import Client

    with Client(url, timeout=60) as client:
        client.get("/health")


def _burst() -> Iterator[Figure]:
    """50 clients send 20 results each, some twice, all at once."""
    from arena.client.api import Client

    with (
        _folder() as folder,
        _serving(folder, [f"Client {number}" for number in range(CLIENTS)], "participant") as server,
    ):
        seconds: list[float] = []
        failures: list[str] = []
        sent: list[str] = []
        barrier = threading.Barrier(CLIENTS)

        def send(number: int) -> None:
            games = _games(f"Client {number}", EACH)
            sent.extend(hashlib.sha256(content).hexdigest() for content in games)
            with Client(server.url, server.tokens[number], timeout=60) as client:
                client.get("/me")
                barrier.wait()
                for i, content in enumerate([*games, *games[:TWICE]]):
                    begin = time.perf_counter()
                    try:
                        client.send_recording(content, f"{number}-{i % EACH}-benchmark")
                    except Exception as error:
                        failures.append(str(error))
                    seconds.append(time.perf_counter() - begin)

        threads = [threading.Thread(target=send, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with Client(server.url) as client:
            deadline = time.monotonic() + 900
            while client.get("/event")["episodes"] < CLIENTS * EACH and time.monotonic() < deadline:
                time.sleep(0.5)
            episodes = client.get("/event")["episodes"]
            stored = Counter(one["recording_sha256"] for one in client.get("/results", limit=1000))
    how = f"{CLIENTS} clients, {EACH} results each and {TWICE} of them again, all at once; verification runs beside it"
    detail = {**_percentiles(seconds), "requests": len(seconds), "failures": failures[:5]}
    yield Figure("an upload is acknowledged, p99", float(np.percentile(seconds, 99)), "< 1", how, " s", detail)
    unequal = sum(abs(stored[one] - 1) for one in {*sent, *stored})
    wrong = unequal + abs(episodes - len(sent)) + len(failures)
    yield Figure("results lost or doubled in the burst", wrong, "<= 0", how, detail={"episodes": episodes})


def _games(player: str, count: int) -> list[bytes]:
    """Recordings of different games, each left before its first frame: what is measured is the server."""
    from arena.engine.recover import replayed
    from envs.rules import named_rules
    from recordings.codec import encode
    from recordings.recording import RecordedPlayer
    from recordings.storage import Header

    left = replayed(Header(named_rules("breakout"), 7, RecordedPlayer(name=player, kind="human"), BEGAN), b"")
    return [encode(left.model_copy(update={"started_at": BEGAN + timedelta(seconds=i)})) for i in range(count)]


def _standings() -> Iterator[Figure]:
    """The standings of 1,000 players with 10 episodes each, then with 100 each."""
    from arena.event.folder import open_event
    from arena.scoreboard.store import Scoreboard

    measured: dict[int, list[float]] = {}
    for episodes in (EPISODES // 10, EPISODES):
        with _folder() as folder:
            with Scoreboard.open(open_event(folder).database) as board:
                plan = _fill(board, {"breakout": episodes})
            with _serving(folder, [], "spectator") as server:
                measured[episodes] = _reads(server.url)
    small, large = measured[EPISODES // 10], measured[EPISODES]
    how = f"{READS} requests one after the other for all {PLAYERS} lines as JSON, {EPISODES:,} episodes"
    detail = {**_percentiles(large), "query plan": plan}
    yield Figure("standings, p95", float(np.percentile(large, 95)) * 1000, "< 50", how, " ms", detail)
    ratio = float(np.median(large) / np.median(small))
    how = f"median with {EPISODES:,} episodes against {EPISODES // 10:,}, as many players"
    yield Figure("standings, cost of ten times the episodes", ratio, "< 1.3", how)


def _reads(url: str) -> list[float]:
    """Return how long the standings take, again and again."""
    from arena.client.api import Client

    seconds = []
    with Client(url, timeout=60) as client:
        (one,) = client.get("/classes")
        for number in range(READS + 10):
            begin = time.perf_counter()
            lines = client.get("/standings", game=one["game"], rules_id=one["rules_id"])
            if number >= 10:
                seconds.append(time.perf_counter() - begin)
            assert len(lines) == PLAYERS
    return seconds


def _fill(board: Any, episodes: Mapping[str, int]) -> list[str]:
    """Put so many episodes of each game straight into the tables, all players on the same seeds, and derive the
    standings; return the plan of the server's query for those of the first game."""
    from sqlalchemy import insert, text

    from arena.scoreboard.store import _restate_all
    from arena.scoreboard.tables import EpisodeRow, PlayerRow, RulesRow
    from arena.server.public_views import standings_lines
    from envs.rules import named_rules

    rng = np.random.default_rng(1)
    with board.writing() as session:
        players = [
            {"id": i + 1, "name": f"Player {i}", "kind": "human", "artifact": ""}
            if i >= BOTS
            else {"id": i + 1, "name": f"Bot {i}", "kind": "bot", "artifact": f"{i:064x}"}
            for i in range(PLAYERS)
        ]
        session.execute(insert(PlayerRow), players)
        for number, (game, count) in enumerate(episodes.items(), start=1):
            rules_id = named_rules(game).rules_id
            session.execute(insert(RulesRow).values(id=number, game=game, rules_id=rules_id, label="5min"))
            scores = rng.integers(0, 864, count)
            session.execute(insert(EpisodeRow), [_row(number, i, float(score)) for i, score in enumerate(scores)])
        _restate_all(session)
    with board.reading() as session:
        first = next(iter(episodes))
        query = standings_lines(first, named_rules(first).rules_id).compile(
            dialect=board.engine.dialect, compile_kwargs={"literal_binds": True}
        )
        return [row[-1] for row in session.execute(text(f"EXPLAIN QUERY PLAN {query}"))]


def _row(rules: int, i: int, score: float) -> dict[str, Any]:
    name = f"{rules * 10**9 + i:064x}"
    return {
        "rules": rules,
        "player": i % PLAYERS + 1,
        "seed": i // PLAYERS,
        "score": score,
        "frames": 18_000,
        "ended": "truncated",
        "recording_sha256": name,
        "digest": name,
        "play": name,
        "recording_name": f"{name}.arena.zip",
        "started_at": BEGAN + timedelta(seconds=i),
        "verified_at": BEGAN + timedelta(seconds=i + 300),
    }


def _spectators() -> Iterator[Figure]:
    """500 spectators listen, half of them as the big screen does; a game begins, and each is told."""
    from arena.client.api import Client

    with _folder() as folder, _serving(folder, ["Station"], "station") as server:
        before = _resident(server.pid)
        host, port = server.url.removeprefix("http://").split(":")
        with Client(server.url, server.tokens[0]) as station:
            delays = asyncio.run(_listen(host, int(port), station))
            after = _peak(server.pid)
    how = f"{SPECTATORS} streams, half of events and half of the big screen; {EVENTS} games begin, each told to all"
    detail = {**_percentiles(delays), "told": len(delays), "server before": before, "server at most": after}
    yield Figure("an event reaches a spectator, p99", float(np.percentile(delays, 99)), "< 1", how, " s", detail)
    yield Figure("events that did not arrive", SPECTATORS * EVENTS - len(delays), "<= 0", how)
    yield Figure("memory of the server with its spectators", after, "< 200", how, " MiB", {"before": before})


async def _listen(host: str, port: int, station: Any) -> list[float]:
    """Return the seconds from the request that causes an event to its arrival, for every spectator and event."""
    arrived: list[float] = []
    caused = 0.0

    async def watch(ready: asyncio.Semaphore, path: bytes, first: bytes, news: bytes) -> None:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: arena\r\n\r\n")
        await reader.readuntil(first)
        ready.release()
        try:
            while True:
                await reader.readuntil(news)
                arrived.append(time.perf_counter() - caused)
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    ready = asyncio.Semaphore(0)
    streams = [
        (b"/api/v1/events", b"retry: 2000", b"event: game-started"),
        (b"/live/feed", b"event: playing", b"event: playing"),  # the first one is how it is already
    ]
    watchers = [asyncio.create_task(watch(ready, *streams[number % 2])) for number in range(SPECTATORS)]
    for _ in watchers:
        await ready.acquire()
    for number in range(1, EVENTS + 1):
        ticket = await asyncio.to_thread(station.ticket, "Client 0", "breakout")
        caused = time.perf_counter()
        await asyncio.to_thread(station.start, ticket.id)
        deadline = time.monotonic() + 10
        while len(arrived) < number * SPECTATORS and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
    for watcher in watchers:
        watcher.cancel()
    await asyncio.gather(*watchers, return_exceptions=True)
    return arrived


def _resident(pid: int) -> float:
    return _status(pid, "VmRSS")


def _peak(pid: int) -> float:
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> float:
    """Return a size from /proc, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    return float("nan")


def _percentiles(seconds: list[float]) -> dict[str, float]:
    return {f"p{p}": float(np.percentile(seconds, p)) for p in (50, 95, 99, 100)}
