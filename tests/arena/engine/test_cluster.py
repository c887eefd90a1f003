"""Evaluation on a real Dask scheduler with real worker processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from arena.engine.cluster import ClusterError, evaluate_on
from arena.engine.evaluate import Handling, evaluate
from arena.engine.verify import verify
from envs.errors import AgentError, SeedError
from envs.rules import named_rules
from recordings.codec import encode
from recordings.recording import Recording

pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox of the workers exists on Linux")

ROOT = Path(__file__).parents[3]
RULES = named_rules("space_invaders").varied(max_frames=300)


class Cluster:
    """A scheduler and its workers, each a process of its own, on loopback."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "scheduler.json"
        self._log = (folder / "log").open("wb")
        self._environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        self.processes: list[subprocess.Popen[bytes]] = []
        self.start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", self._file)
        deadline = time.monotonic() + 300
        while not self._file.exists():
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.05)
        self.address: str = json.loads(self._file.read_text())["address"]

    def start(self, what: str, *options: Any) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", what, *map(str, options)],
            env=self._environment,
            stdout=self._log,
            stderr=self._log,
        )
        self.processes.append(process)
        return process

    def worker(self) -> subprocess.Popen[bytes]:
        return self.start(
            "worker", self.address, "--nthreads", 1, "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"
        )

    def close(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()
        self._log.close()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with closing(Cluster(tmp_path)) as cluster:
        yield cluster


def timeless(recording: Recording) -> bytes:
    """The recording's file, but for the clock: everything else must be the same wherever it was played."""
    return encode(recording.model_copy(update={"started_at": datetime(2026, 1, 1, tzinfo=UTC)}))


def test_a_machine_that_dies_costs_no_game_and_changes_none(cluster: Cluster) -> None:
    first, _ = cluster.worker(), cluster.worker()
    seeds = range(100, 112)
    recordings = []
    for recording in evaluate_on(cluster.address, "script:basic", RULES, seeds, share=2):
        recordings.append(recording)
        if len(recordings) == 1:
            first.kill()
            first.wait()
    assert sorted(r.seed for r in recordings) == list(seeds)
    here = {r.seed: timeless(r) for r in evaluate("script:basic", RULES, seeds, 1)}
    assert {r.seed: timeless(r) for r in recordings} == here
    assert len(set(here.values())) == len(seeds)
    assert all(verify(r).ok for r in recordings)


def test_an_agent_travels_as_content(cluster: Cluster, tmp_path: Path) -> None:
    """The file is gone when the games are played, and the delay comes along."""
    cluster.worker()
    agent = tmp_path / "mine.py"
    agent.write_text(
        "class Agent:\n"
        "    def reset(self, *, seed, action_set): self.seed = seed\n"
        "    def act(self, step): return step.t // 7 % 2\n"
        "    def close(self): pass\n"
        "def make_player(game): return Agent()\n"
    )
    rules = RULES.varied(max_frames=40)
    games = evaluate_on(cluster.address, str(agent), rules, [5, 6, 7], Handling(delay_ms=100), share=2)
    first = next(games)
    agent.unlink()
    recordings = [first, *games]
    assert sorted(r.seed for r in recordings) == [5, 6, 7]
    assert {r.player.name for r in recordings} == {"mine, 100 ms"}
    assert {r.actions for r in recordings} == {bytes([0] * 6) + bytes(t // 7 % 2 for t in range(34))}

    agent.write_text("raise RuntimeError('no')")
    with pytest.raises(AgentError, match="RuntimeError: no"):
        list(evaluate_on(cluster.address, str(agent), rules, [5]))
    with pytest.raises(SeedError):
        next(evaluate_on(cluster.address, "script:basic", rules, [2**53]))


def test_what_is_wrong_with_a_cluster_is_said(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arena.engine.cluster.CONNECT_SECONDS", 1)
    with pytest.raises(ClusterError, match="no workers"):
        next(evaluate_on(cluster.address, "script:basic", RULES, [1]))
    with pytest.raises(ClusterError, match=r"no Dask scheduler at tcp://127\.0\.0\.1:9"):
        next(evaluate_on("tcp://127.0.0.1:9", "script:basic", RULES, [1]))
    with pytest.raises(ClusterError, match="no Dask scheduler"):
        next(evaluate_on("nonsense://", "script:basic", RULES, [1]))
