"""The evaluation queue: leases, quotas, places; and an agent's way through a real server, whose worker is killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.load import ZOO
from arena.client.api import ServerRefused
from arena.engine.seeds import evaluation_seeds
from arena.event.folder import open_event
from arena.event.secrets import evaluation_secret
from arena.scoreboard.server_tables import DONE, FAILED, Role
from arena.scoreboard.store import Scoreboard
from arena.server.access.tokens import Identity, Tokens
from arena.server.clock import Clock
from arena.server.errors import Conflict, NotFound, TooMany
from arena.server.settings import RequestLimits, ServerSettings
from arena.server.submissions.evaluator import Evaluators
from arena.server.submissions.queue import MOST_ATTEMPTS, Submissions
from envs.rules import named_rules
from tests.arena.server.serving import Serving

RULES = named_rules("breakout")


class Queue:
    """A queue without a server."""

    def __init__(self, board: Scoreboard, settings: ServerSettings) -> None:
        self.settings = settings
        self.all = Submissions(board, Clock(), settings)
        self.tokens = Tokens(board, Clock())
        self.people: list[Identity] = []
        for name in ("Ann", "Bob"):
            made, _ = self.tokens.add(Role.PARTICIPANT, name)
            self.people.append(Identity(made.id, made.role, made.name))

    def send(self, person: int, number: int) -> int:
        who = self.people[person]
        content = f"agent {person} {number}".encode()
        return self.all.accept(who, f"key-{person}-{number}", content, f"Bot {person} {number}", RULES).id

    def state(self, number: int) -> str:
        return next(one.state for one in self.all.all() if one.id == number)


@pytest.fixture(params=["sqlite", "postgres"])
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Queue]:
    event = open_event(tmp_path / "event")
    url = str(event.database) if request.param == "sqlite" else request.getfixturevalue("database")
    limits = RequestLimits(evaluations_per_day=2, waiting_per_owner=5, lease_seconds=0.3)
    with Scoreboard.open(url) as board:
        yield Queue(board, ServerSettings(event, url, evaluators=0, limits=limits))


def test_in_the_order_of_arrival_with_their_places(queue: Queue) -> None:
    numbers = [queue.send(0, 0), queue.send(1, 0), queue.send(0, 1)]
    assert [one.place for one in reversed(queue.all.all())] == [1, 2, 3]
    assert queue.send(1, 0) == numbers[1], "the same again is the same"
    first = queue.all.claim("a")
    assert first is not None
    assert (first.id, first.path.read_bytes(), first.attempt) == (numbers[0], b"agent 0 0", 1)
    assert [one.place for one in reversed(queue.all.all())] == [None, 1, 2]
    assert queue.all.beat(first, 3)
    assert queue.all.end(first, DONE, "well done")
    assert not queue.all.end(first, DONE, "twice")
    done, log = queue.all.get(queue.people[0], numbers[0])
    assert (done.state, done.reason, done.played) == ("done", "well done", 3)
    assert [line.text for line in log][1:] == ["Evaluation begins (attempt 1).", "well done"]
    with pytest.raises(NotFound):
        queue.all.get(queue.people[1], numbers[0])


def test_a_key_is_for_one_agent(queue: Queue) -> None:
    queue.send(0, 0)
    with pytest.raises(Conflict, match="another agent"):
        queue.all.accept(queue.people[0], "key-0-0", b"another", "Bot 0 0", RULES)
    with pytest.raises(Conflict, match="another agent"):
        queue.all.accept(queue.people[0], "key-0-0", b"agent 0 0", "Bot 0 0", named_rules("pacman"))


def test_only_completed_evaluations_use_up_the_quota(queue: Queue) -> None:
    numbers = [queue.send(0, number) for number in range(5)]
    for end in (FAILED, DONE, "rejected", DONE):
        job = queue.all.claim("a")
        assert job is not None
        queue.all.end(job, end, "over")
    assert queue.all.claim("a") is None, "two were completed"
    assert queue.state(numbers[4]) == "queued", "tomorrow"
    other = queue.send(1, 0)
    job = queue.all.claim("a")
    assert job is not None
    assert job.id == other, "others don't wait for that"


def test_several_workers_give_nobody_more_than_the_quota(queue: Queue) -> None:
    for number in range(3):
        queue.send(0, number)
    jobs = [queue.all.claim(worker) for worker in ("a", "b", "c")]
    assert [job is None for job in jobs] == [False, False, True]
    assert jobs[0] is not None
    queue.all.end(jobs[0], FAILED, "over")
    assert queue.all.claim("c") is not None, "the one that failed doesn't count"


def test_another_token_brings_no_further_evaluations(queue: Queue) -> None:
    for number in range(2):
        queue.send(0, number)
        job = queue.all.claim("a")
        assert job is not None
        queue.all.end(job, DONE, "over")
    again, _ = queue.tokens.add(Role.PARTICIPANT, "Ann")
    queue.people[0] = Identity(again.id, again.role, again.name)
    queue.send(0, 2)
    assert queue.all.claim("a") is None


def test_so_many_may_wait(queue: Queue) -> None:
    numbers = [queue.send(0, number) for number in range(5)]
    with pytest.raises(TooMany, match="5 of your agents are waiting"):
        queue.send(0, 5)
    assert queue.all.withdraw(queue.people[0], numbers[0]).state == "withdrawn"
    with pytest.raises(NotFound):
        queue.all.withdraw(queue.people[1], numbers[1])
    queue.send(0, 5)
    job = queue.all.claim("a")
    assert job is not None
    assert job.id == numbers[1]
    with pytest.raises(Conflict, match="is running"):
        queue.all.withdraw(queue.people[0], numbers[1])


def test_of_many_workers_one_gets_each_job(queue: Queue) -> None:
    numbers = [queue.send(person, number) for number in range(2) for person in range(2)]
    claimed: list[int] = []
    barrier = threading.Barrier(8)

    def take(name: str) -> None:
        barrier.wait(300)
        job = queue.all.claim(name)
        if job is not None:
            claimed.append(job.id)

    threads = [threading.Thread(target=take, args=(f"worker {i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted(numbers)


def test_a_dead_workers_job_is_taken_over_once(queue: Queue) -> None:
    number = queue.send(0, 0)
    dead = queue.all.claim("dead")
    assert dead is not None
    watchers = [Evaluators(queue.settings, queue.all, lambda kind, what: None) for _ in range(3)]
    assert [watcher.overdue() for watcher in watchers] == [[], [], []]
    time.sleep(0.2)
    assert queue.all.beat(dead), "it is alive"
    time.sleep(0.2)
    assert [watcher.overdue() for watcher in watchers] == [[], [], []], "its lease began anew"
    time.sleep(0.4)
    assert sorted(watcher.overdue() for watcher in watchers) == [[], [], [number]]
    assert not queue.all.beat(dead), "it has lost its job"
    again = queue.all.claim("next")
    assert again is not None
    assert (again.id, again.attempt) == (number, 1), "its server has died: that was not the agent's doing"
    assert not queue.all.end(dead, DONE, "too late")
    assert queue.state(number) == "running"
    assert queue.all.end(again, DONE, "in time")


def test_an_agent_that_brings_down_its_workers_is_given_up(queue: Queue) -> None:
    number = queue.send(0, 0)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        job = queue.all.claim("victim")
        assert job is not None
        assert job.attempt == attempt
        assert queue.all.take_back(number, "victim", queue.all.beats()[number][1])
    assert queue.all.claim("victim") is None
    assert queue.state(number) == "failed"


def test_with_approval_an_organizer_comes_first(tmp_path: Path) -> None:
    event = open_event(tmp_path / "event")
    with Scoreboard.open(event.database) as board:
        queue = Queue(board, replace(ServerSettings(event, str(event.database)), approval=True))
        number = queue.send(0, 0)
        assert (queue.state(number), queue.all.claim("a")) == ("held", None)


def test_evaluation_seeds_are_hidden_and_the_same_for_all(tmp_path: Path) -> None:
    secret = evaluation_secret(tmp_path)
    assert evaluation_secret(tmp_path) == secret
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    seeds = evaluation_seeds(secret, RULES, 50)
    assert seeds[:20] == evaluation_seeds(secret, RULES, 20)
    assert len(set(seeds)) == 50
    assert min(seeds) >= 2**20, "no practice seeds among them"
    assert not set(seeds) & set(evaluation_seeds(secret, named_rules("pacman"), 50))
    other = tmp_path / "other"
    other.mkdir()
    assert not set(seeds) & set(evaluation_seeds(evaluation_secret(other), RULES, 50))


# -- through a server ------------------------------------------------------------------------------------------------


def followed(client: Any, number: int, until: tuple[str, ...], seconds: float = 300) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while True:
        found: dict[str, Any] = client.get(f"/agents/{number}")
        if found["agent"]["state"] in until:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(path.parent.name))
    return found


def test_an_agents_way_through_a_server_whose_worker_is_killed(tmp_path: Path) -> None:
    with Serving(tmp_path / "event", options=["--verifiers", "0", "--evaluation-seeds", "2"]) as serving:
        mine, anybody = serving.client(Role.PARTICIPANT), serving.client()
        content = (ZOO / "space_invaders-quick.zip").read_bytes()
        with pytest.raises(ServerRefused, match=r"no such game|There is no game"):
            mine.send_agent(content, "no-such-game", name="Mine", game="nonsense", rules="5min")
        broken = mine.send_agent(content[:-100], "broken-agent", name="Broken", game="space_invaders", rules="5min")
        sent = mine.send_agent(content, "whole-agent", name="Mine", game="space_invaders", rules="5min")
        assert followed(mine, broken["id"], ("rejected", "failed", "done"))["agent"]["state"] == "rejected"
        followed(mine, sent["id"], ("running",))
        assert serving.process is not None
        for pid in children(serving.process.pid):
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"spawn_main" in command:
                os.kill(pid, signal.SIGKILL)
        found = followed(mine, sent["id"], ("done", "failed", "rejected"))
        assert found["agent"]["state"] == "done", found
        texts = [line["text"] for line in found["log"]]
        assert texts.count("The evaluation broke off; it is taken up again.") == 1, texts
        results = anybody.get("/results", player="Mine")
        assert len(results) == 2
        assert {(one["seed"], one["trust"], one["source"]) for one in results} == {(None, "witnessed", "evaluation")}
        assert [one["artifact_sha256"] for one in results] == [found["agent"]["artifact_sha256"]] * 2
        seeds = evaluation_seeds(evaluation_secret(serving.event.folder), named_rules("space_invaders"), 2)
        everything = str([anybody.get(path) for path in ("/results", "/agents", "/live")]) + str(found)
        assert not any(str(seed) in everything for seed in seeds)
        assert [one["state"] for one in anybody.get("/agents")] == ["done", "rejected"]
