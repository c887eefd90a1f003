"""A station and its server: tickets, a game that is followed by its journal, the outbox, what a killed kiosk left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from arena.client.api import RankedTicket
from arena.client.station import Station, TicketRefused, read_news, station
from arena.engine.recover import recover, replayed
from arena.event.folder import Event, open_event
from arena.event.secrets import ranked_seeds
from arena.scoreboard.server_tables import Role
from envs.rules import named_rules
from recordings.codec import SUFFIX, read
from recordings.recording import RecordedPlayer, Recording
from recordings.storage import FileJournal, Header, save
from tests.arena.server.serving import ROOT, SERVE, Serving, decided, play

RULES = named_rules("breakout")
SECONDS = 300.0
NOWHERE = "http://127.0.0.1:9"


def wait(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + SECONDS
    while not (value := found()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return value


@dataclass
class Laptop:
    """One event folder with a station's token."""

    event: Event
    url: str
    token: str
    stack: ExitStack

    def start(self, url: str | None = None) -> Station:
        """Start the station's part of a kiosk."""
        return self.stack.enter_context(station(self.event, ("breakout",), "5min", url or self.url, self.token))

    def ticket(self, one: Station, player: str, seed: int) -> RankedTicket:
        one.wish(player, RULES, seed)
        answer = wait(one.answer)
        assert isinstance(answer, RankedTicket)
        return answer

    def begin(self, player: str, seed: int, actions: bytes) -> tuple[Header, FileJournal]:
        """Play so much of a game that is still running."""
        header = Header(RULES, seed, RecordedPlayer(name=player, kind="human"), datetime.now(UTC))
        journal = FileJournal(self.event.recordings, header)
        for start in range(0, len(actions), 60):
            journal.append(actions[start : start + 60])
        return header, journal

    def end(self, header: Header, journal: FileJournal, actions: bytes, kept: Any) -> Recording:
        """Bring a game to its end as the kiosk does."""
        recording = replayed(header, actions)
        kept(recording, save(recording, self.event.recordings))
        journal.discard()
        return recording

    def outbox(self, one: Station) -> dict[str, dict[str, Any]]:
        """Wait until all was sent; return the receipts by the recordings' hashes."""
        wait(lambda: not one.outbox.waiting())
        contents = one.outbox.contents()
        assert contents.refused == {}
        return {receipt["recording_sha256"]: receipt for receipt in contents.sent.values()}


@pytest.fixture
def laptop(on_sqlite: Serving, tmp_path: Path) -> Iterator[Laptop]:
    token = on_sqlite.token(Role.STATION, tmp_path.name[:32])
    with ExitStack() as stack:
        yield Laptop(open_event(tmp_path / "event"), on_sqlite.url, token, stack)


def test_a_game_is_followed_while_it_runs_and_sent_when_it_is_over(on_sqlite: Serving, laptop: Laptop) -> None:
    one = laptop.start()
    seed, actions = 2**30 + 1, play(11, 400)
    ticket = laptop.ticket(one, "Fern", seed)
    kept = one.begin(ticket)
    header, journal = laptop.begin("Fern", seed, actions)
    client = on_sqlite.client(token=laptop.token)
    wait(lambda: [game["frames"] for game in client.get("/live") if game["player"] == "Fern"] == [360])
    recording = laptop.end(header, journal, actions, kept)
    (receipt,) = laptop.outbox(one).values()
    assert receipt["ticket"] == ticket.id
    decided(client, [receipt["id"]])
    (result,) = client.get("/results", player="Fern")
    assert (result["score"], result["seed"], result["recording_public"]) == (recording.score, None, False)
    assert client.get(f"/tickets/{ticket.id}")["state"] == "finished"
    assert [game for game in client.get("/live") if game["player"] == "Fern"] == []


def test_what_a_killed_kiosk_was_playing_is_sent_under_its_ticket(on_sqlite: Serving, laptop: Laptop) -> None:
    """Killed in a game; and between the saving of a game and its way into the outbox."""
    one, client = laptop.start(), on_sqlite.client(token=laptop.token)
    tickets = []
    for number, player in enumerate(("Gus", "Hob")):
        ticket = laptop.ticket(one, player, 2**30 + 2)
        one.begin(ticket)
        tickets.append(ticket.id)
        header, journal = laptop.begin(player, ticket.seed, actions := play(20 + number, 180))
        wait(lambda player=player: [g for g in client.get("/live") if (g["player"], g["frames"]) == (player, 180)])
        journal.close()
        if player == "Hob":
            save(replayed(header, actions), laptop.event.recordings)
            journal.discard()
    laptop.stack.close()
    again = laptop.start()
    again.settle(recover(laptop.event.recordings))
    receipts = laptop.outbox(again)
    assert {receipt["ticket"] for receipt in receipts.values()} == set(tickets)
    decided(client, [receipt["id"] for receipt in receipts.values()])
    assert [client.get(f"/tickets/{ticket}")["state"] for ticket in tickets] == ["finished"] * 2
    laptop.stack.close()
    third = laptop.start()
    third.settle([])
    assert laptop.outbox(third) == receipts, "once is enough"


def test_without_the_server_games_wait_and_come_as_not_seen(on_sqlite: Serving, laptop: Laptop) -> None:
    seed, client = 2**30 + 3, on_sqlite.client(token=laptop.token)
    client.ticket("Ida", "breakout", seed=seed)  # others play it with tickets
    one = laptop.start(NOWHERE)
    one.wish("Joe", RULES, seed)
    header, journal = laptop.begin("Joe", seed, actions := play(31, 200))
    recording = laptop.end(header, journal, actions, one.begin(None))
    wait(lambda: read_news(laptop.event.folder).get("trouble"))
    assert one.answer() is None
    assert one.standings("breakout") is None
    assert len(one.outbox.waiting()) == 1
    laptop.stack.close()
    (receipt,) = laptop.outbox(laptop.start()).values()
    decided(client, [receipt["id"]])
    (result,) = client.get("/results", player="Joe")
    assert (result["score"], result["trust"], result["seed"]) == (recording.score, "unattested", None)


def test_stations_share_seeds_and_standings(on_sqlite: Serving, laptop: Laptop) -> None:
    one = laptop.start()
    wait(lambda: "name" in read_news(laptop.event.folder))
    assert ranked_seeds(laptop.event.folder, RULES, 3) == ranked_seeds(on_sqlite.event.folder, RULES, 3)
    theirs = on_sqlite.client().get("/standings", game="breakout", rules_id=RULES.rules_id)
    assert {s.player for s in one.standings("breakout") or []} == {s["player"] for s in theirs}


def test_a_day_has_so_many_games(tmp_path: Path) -> None:
    event = open_event(tmp_path / "event")
    (event.folder / "event.toml").write_text('name = "Test"\nquotas.attempts_per_day = 2\n')
    with Serving(event.folder, options=["--evaluators", "0", "--verifiers", "1"]) as serving:
        client = serving.client(Role.STATION)
        for _ in range(2):
            client.start(client.ticket("Kim", "breakout").id)
        one = Station(open_event(tmp_path / "laptop"), (), "", serving.url, serving.tokens[Role.STATION])
        one.wish("Kim", RULES, 2**30)
        refused = wait(one.answer)
        one.close()
        assert isinstance(refused, TicketRefused)
        assert "Kim has begun 2 games of Breakout" in refused.reason
        client.ticket("Kim", "pacman")
        client.ticket("Lea", "breakout")


def test_somebody_plays_a_ranked_game_at_home(on_sqlite: Serving, display: str, tmp_path: Path) -> None:
    """`arena play --server`: the server chooses the seed, follows the game, and has it when the command ends."""
    event = tmp_path / "home"
    token = tmp_path / "token"
    token.write_text(on_sqlite.token(Role.PARTICIPANT, "Mia"))
    environment = {k: v for k, v in os.environ.items() if k not in ("WAYLAND_DISPLAY", "SDL_VIDEODRIVER")}
    environment |= {
        "DISPLAY": display,
        "SDL_AUDIODRIVER": "dummy",
        "PYTHONPATH": str(ROOT),
        "ARENA_CONFIG": str(tmp_path),
    }
    command = [sys.executable, "-c", SERVE, "play", "breakout", "--player", "Mia", "--event", str(event)]
    command += ["--server", on_sqlite.url, "--token-file", str(token)]
    client = on_sqlite.client(token=token.read_text())
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as program:
        try:
            wait(lambda: program.poll() is not None or [g for g in client.get("/live") if g["player"] == "Mia"])
            wait(lambda: program.poll() is not None or any(g["frames"] for g in client.get("/live")))
            keys = iter(("Escape",))
            while program.poll() is None:  # leave, say yes, and leave the last screen
                subprocess.run(["xdotool", "key", next(keys, "Return")], env=environment, check=True)
                time.sleep(0.5)
        finally:
            program.kill()
        assert program.stderr is not None
        assert program.returncode == 0, program.stderr.read()
    (upload,) = decided(client, [one["id"] for one in client.get("/uploads")])
    (ticket,) = client.get("/tickets")
    assert upload["ticket"] == ticket["id"]
    assert read(next((event / "recordings").glob(f"*{SUFFIX}"))).seed == ticket["seed"]
