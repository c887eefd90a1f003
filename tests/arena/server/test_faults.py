"""Kill -9 under load, a network that loses half of everything, a full disk, a clock that jumps: nothing acknowledged is
lost, nothing is doubled."""

from __future__ import annotations

import os
import random
import resource
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select
from system_packages import find_faketime

from arena.client import outbox as outbox_module
from arena.client.api import Client, ServerRefused, ServerUnreachable
from arena.client.outbox import Courier, Outbox
from arena.scoreboard.server_tables import Role, UploadRow
from arena.scoreboard.store import Scoreboard
from arena.server import clock as clock_module
from arena.server.clock import Clock
from arena.server.games.tickets import heads_of
from recordings.codec import encode
from recordings.live_chain import links
from recordings.storage import TEMPORARY_PREFIX
from tests.arena.server.serving import BEGAN, Serving, decided, game, play

SOAK = bool(os.environ.get("ARENA_SOAK"))
KILLS = 200 if SOAK else 5
SENT = 500 if SOAK else 60


def games(name: str, count: int) -> list[bytes]:
    """Recordings of different games, made quickly: all were left before their first frame."""
    left = game(name, 7)
    return [
        encode(left.model_copy(update={"started_at": BEGAN + timedelta(seconds=number)})) for number in range(count)
    ]


def eventually(said: Callable[[], bool], seconds: float = 600) -> None:
    deadline = time.monotonic() + seconds
    while not said():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def uploads(board: Scoreboard) -> Counter[str]:
    """Return how many uploads there are in each state."""
    with board.reading() as session:
        return Counter(session.scalars(select(UploadRow.state)))


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    chance = random.Random(11)
    acknowledged: dict[str, int] = {}
    with Serving(tmp_path / "event", options=["--evaluators", "0"]) as serving:
        todo = iter(list(enumerate(games("Participant", 40 * KILLS))))
        over = threading.Event()
        taking = threading.Lock()

        def send() -> None:
            with Client(serving.url, serving.tokens[Role.PARTICIPANT], timeout=20) as client:
                while not over.is_set():
                    with taking:
                        number, content = next(todo, (0, b""))
                    if not content:
                        return
                    while not over.is_set():
                        with suppress(ServerUnreachable):
                            acknowledged[f"key-number-{number}"] = client.send_recording(
                                content, f"key-number-{number}"
                            )["id"]
                            break
                        time.sleep(0.05)

        senders = [threading.Thread(target=send) for _ in range(4)]
        for sender in senders:
            sender.start()
        try:
            for _ in range(KILLS):
                before = len(acknowledged)
                eventually(lambda before=before: len(acknowledged) >= before + 3)  # type: ignore[misc]
                time.sleep(chance.uniform(0, 0.2))
                serving.kill()
                serving.start()
        finally:
            over.set()
            for sender in senders:
                sender.join()
        client = serving.client(Role.PARTICIPANT)
        assert len(acknowledged) >= 3 * KILLS
        with Scoreboard.open(serving.database) as board:
            eventually(lambda: set(uploads(board)) == {"verified"}, 600)
            stored = uploads(board)["verified"]
        for key, number in acknowledged.items():
            found = client.get(f"/uploads/{number}")
            assert (found["id"], found["state"]) == (number, "verified"), (key, found)
        standings = client.get("/standings", game="breakout", rules_id=client.get("/results")[0]["rules_id"])
        assert [line["episodes"] for line in standings] == [stored]
    with Scoreboard.open(serving.database) as board:
        results = board.results()
        assert len({one.recording_sha256 for one in results}) == len(results) == stored >= len(acknowledged)


def test_a_killed_servers_running_game_goes_on(tmp_path: Path) -> None:
    with Serving(tmp_path / "event", options=["--evaluators", "0"]) as serving:
        station = serving.client(Role.STATION)
        ticket = station.ticket("Jan", "breakout")
        station.start(ticket.id)
        actions = play(1, 300)
        told = list(links(ticket.chain, actions))
        station.tell(ticket.id, told[:2])
        serving.kill()
        with pytest.raises(ServerUnreachable, match="is it running"):
            station.tell(ticket.id, told[2:3])
        serving.start()
        assert [one["frames"] for one in station.get("/live")] == [120]
        assert station.tell(ticket.id, told[2:]) == 300
        receipt = station.send_recording(encode(game("Jan", ticket.seed, actions)), "after-the-kill", ticket.id)
        assert decided(station, [receipt["id"]])[0]["state"] == "verified"


class BadNetwork:
    """A TCP proxy before a server that loses requests and replies, each as often as `loses` says."""

    def __init__(self, port: int, loses: float, chance: random.Random) -> None:
        self._server = port
        self._loses = loses
        self._chance = chance
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listening.getsockname()[1]
        self.lost_requests = self.lost_replies = 0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            with closing(client), suppress(OSError):
                self._carry(client)

    def _carry(self, client: socket.socket) -> None:
        """Carry one request and its reply, or lose them; then hang up."""
        client.settimeout(10)
        request = _message(client)
        if self._chance.random() < self._loses:
            self.lost_requests += 1
            return
        request = request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        with socket.create_connection(("127.0.0.1", self._server)) as server:
            server.sendall(request)
            reply = b"".join(iter(lambda: server.recv(65536), b""))
        if self._chance.random() < self._loses:
            self.lost_replies += 1
            return
        client.sendall(reply)


def _message(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _some(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += _some(connection)
    return head + b"\r\n\r\n" + body


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise OSError("hung up")
    return data


@contextmanager
def bad_network(serving: Serving) -> Iterator[BadNetwork]:
    network = BadNetwork(serving.port, 0.5, random.Random(3))
    try:
        yield network
    finally:
        network.close()


def test_each_is_stored_once_though_half_of_everything_is_lost(
    serving: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "FIRST_WAIT", 0.01)
    outbox = Outbox(tmp_path)
    count = SENT if serving.database.startswith("sqlite") or SOAK else SENT // 3
    for content in games("Lossy", count):
        outbox.add(content)
        outbox.add(content)  # put in twice it is sent once
    assert len(outbox.waiting()) == count
    token = serving.token(Role.PARTICIPANT, "Lossy")
    with bad_network(serving) as network:
        for part in range(2):  # a courier that is ended half-way, and the next one
            with Client(f"http://127.0.0.1:{network.port}", token) as client:
                courier = Courier(outbox, client)
                courier.start()
                eventually(lambda part=part: len(outbox.waiting()) <= (count // 2, 0)[part])  # type: ignore[misc]
                courier.stop()
    assert network.lost_requests > count // 4
    assert network.lost_replies > count // 8
    contents = outbox.contents()
    assert (len(contents.waiting), len(contents.sent), contents.refused) == (0, count, {})
    client = serving.client(token=token)
    uploads = client.get("/uploads", limit=1000)
    assert len(uploads) == count
    assert {one["state"] for one in decided(client, [one["id"] for one in uploads], 600)} == {"verified"}
    assert len(client.get("/results", player="Lossy", limit=1000)) == count


def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    """The server's files may not grow for a while, which to it is a full disk."""
    with Serving(tmp_path / "event", options=["--evaluators", "0"]) as serving:
        assert serving.process is not None
        mine = serving.client(Role.PARTICIPANT)
        contents = games("Participant", 60)
        taken = [mine.send_recording(contents[0], "first-of-them")["id"]]
        decided(mine, taken)
        grown = max(path.stat().st_size for path in serving.event.folder.glob("arena.sqlite*"))
        limits = resource.prlimit(serving.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(serving.process.pid, resource.RLIMIT_FSIZE, (grown + 40_000, limits[1]))
        refused = []
        for number, content in enumerate(contents[1:], start=1):
            try:
                taken.append(mine.send_recording(content, f"number-{number}-of-them")["id"])
            except ServerUnreachable as error:
                refused.append((number, str(error)))
        assert refused, "the limit was never reached"
        assert all("no room" in reason or "disk" in reason for _, reason in refused), refused[0]
        package = bytes(grown + 100_000)
        with pytest.raises(ServerUnreachable, match="disk"):
            mine.send_agent(package, "agent-for-a-full-disk", name="Big", game="breakout", rules="5min")
        assert mine.get("/event")["state"] == "open", "reading goes on"
        resource.prlimit(serving.process.pid, resource.RLIMIT_FSIZE, limits)
        for number, _ in refused:
            taken.append(mine.send_recording(contents[number], f"number-{number}-of-them")["id"])
        assert {one["state"] for one in decided(mine, taken)} == {"verified"}
        assert len(taken) == len(set(taken)) == len(mine.get("/uploads", limit=1000)) == 60
        assert len(mine.get("/results", limit=1000)) == 60
        sent = mine.send_agent(package, "agent-for-a-full-disk", name="Big", game="breakout", rules="5min")
        assert sent["state"] == "queued"
        for folder in (serving.event.recordings, serving.event.folder / "agents"):
            assert not [path for path in folder.iterdir() if path.name.startswith(TEMPORARY_PREFIX)]


class Jumping(datetime):
    """The system's clock, set by a day."""

    by = timedelta()

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return datetime.now(UTC) + cls.by


@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_that_jumps_changes_nothing(days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock_module, "datetime", Jumping)
    clock = Clock()
    before = clock.now()
    monkeypatch.setattr(Jumping, "by", timedelta(days=days))
    assert timedelta() <= clock.now() - before < timedelta(minutes=1)
    assert 0 <= clock.seconds() < 60


def test_a_system_clock_that_is_set_expires_and_doubles_nothing(tmp_path: Path) -> None:
    """A day forward while games run, and two days back before the server is started again."""
    library = find_faketime()
    if library is None:
        pytest.skip("no libfaketime (Debian: sudo apt-get install libfaketime)")
    if not library.startswith("/"):
        pytest.skip("only Linux lets a test set the clock of one program")
    setting = tmp_path / "clock"
    setting.write_text("+0\n")
    serving = Serving(tmp_path / "event", options=["--evaluators", "0"])
    serving.environment = {
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": str(setting),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }

    def system_day() -> int:
        """What day it is for the server's process, in days from now: the date in its answers is the system's."""
        date = httpx2.get(f"{serving.url}/api/v1/health").headers["date"]
        return round((parsedate_to_datetime(date) - datetime.now(UTC)) / timedelta(days=1))

    with serving:
        station = serving.client(Role.STATION)
        games_ = [station.ticket(name, "breakout") for name in ("Noa", "Ole", "Pia")]
        told = {one.id: list(links(one.chain, play(one.seed, 180))) for one in games_}
        for one in games_[:2]:
            station.start(one.id)
            station.tell(one.id, told[one.id][:1])
        setting.write_text("+1d\n")
        eventually(lambda: system_day() == 1)
        station.tell(games_[0].id, told[games_[0].id][1:])
        first = encode(game("Noa", games_[0].seed, play(games_[0].seed, 180)))
        receipt = station.send_recording(first, "after-a-day", games_[0].id)
        assert decided(station, [receipt["id"]])[0]["state"] == "verified"
        setting.write_text("-1d\n")
        serving.kill()
        serving.start()
        assert system_day() == -1
        assert station.send_recording(first, "after-a-day", games_[0].id)["id"] == receipt["id"]
        assert station.start(games_[2].id).state == "started", "a ticket that waits doesn't expire"
        assert len(station.get("/live")) == 2
        for one, name in zip(games_[1:], ("Ole", "Pia"), strict=True):
            station.tell(one.id, told[one.id])
            content = encode(game(name, one.seed, play(one.seed, 180)))
            number = station.send_recording(content, f"of-{name}-later", one.id)["id"]
            assert decided(station, [number])[0]["state"] == "verified"
        assert [one["state"] for one in station.get("/tickets")] == ["finished"] * 3
        assert sorted(one["player"] for one in station.get("/results")) == ["Noa", "Ole", "Pia"]
        with Scoreboard.open(serving.database) as board, board.reading() as session:
            seconds = [head.seconds for head in heads_of(session, games_[0].id)]
        assert len(seconds) == 3
        assert all(0 <= one < 3600 for one in seconds), "the server's own clock goes on"


def test_an_agent_is_queued_once_though_half_of_everything_is_lost(serving: Serving) -> None:
    token = serving.token(Role.PARTICIPANT, "Sender")
    with bad_network(serving) as network, Client(f"http://127.0.0.1:{network.port}", token) as client:
        arrived = 0
        while arrived < 5:
            with suppress(ServerUnreachable):
                client.send_agent(b"an agent", "one-and-the-same", name="Twice", game="breakout", rules="5min")
                arrived += 1
    assert network.lost_replies
    mine = serving.client(token=token)
    (only,) = mine.get("/my/agents")
    mine.post(f"/agents/{only['id']}/withdraw")


def test_a_wrong_token_keeps_what_waits(on_sqlite: Serving, tmp_path: Path) -> None:
    """A token is corrected later; the game must not be lost by then."""
    outbox = Outbox(tmp_path)
    key = outbox.add(games("Participant", 1)[0])
    with on_sqlite.client(token="arena_wrong") as client, pytest.raises(ServerRefused, match="unknown or was revoked"):
        outbox.send_one(key, client)
    assert outbox.waiting() == [key]
    stranger = on_sqlite.client(token=on_sqlite.token(Role.PARTICIPANT, "Kim"))
    with pytest.raises(ServerRefused, match="only games of Kim"):
        outbox.send_one(key, stranger)
    assert outbox.waiting() == [key]


def test_what_the_server_refuses_is_kept_aside(on_sqlite: Serving, tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    key = outbox.add(games("Lee", 1)[0], "t" * 24)
    station = on_sqlite.client(Role.STATION)
    assert outbox.send_one(key, station) is False
    assert outbox.contents().refused == {key: "You hold no such ticket."}
    assert outbox.add(games("Lee", 1)[0], "t" * 24) == key
    assert outbox.waiting() == [], "what was refused is not sent again"
