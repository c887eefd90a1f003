"""The commands around the server: token, backup, submit, sync; and how serve refuses to start."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agents.load import ZOO
from arena import cli
from arena.archive.backup import backup
from arena.client.api import Client, ServerUnreachable
from arena.client.live_feed import LiveFeed
from arena.commands import serve, submit
from arena.engine.match import Turn
from arena.event.folder import open_event
from arena.scoreboard.server_tables import Role
from arena.scoreboard.store import Scoreboard
from arena.server.access.tokens import Identity, Tokens
from arena.server.clock import Clock
from arena.server.settings import ServerSettings
from arena.server.submissions.queue import Submissions
from envs.errors import EventError
from envs.rules import named_rules
from recordings.codec import encode
from recordings.storage import save
from tests.arena.server.serving import Serving, decided, game, play


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert cli.main([*arguments, "--json"]) == code, capsys.readouterr()
    return json.loads(capsys.readouterr().out)


def test_tokens_are_made_listed_and_revoked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    event = ["--event", str(tmp_path)]
    made = said(capsys, "token", "add", "Ada", *event)
    assert (made["role"], made["name"]) == ("participant", "Ada")
    assert cli.main(["token", "add", "Hall 1", "--role", "station", *event]) == 0
    out = capsys.readouterr()
    assert len(out.out.strip()) == 6 + 32
    assert "can't be shown again" in out.err
    assert cli.main(["token", "revoke", str(made["id"]), *event]) == 0
    capsys.readouterr()
    listed = said(capsys, "token", "list", *event)
    assert [(one["name"], one["revoked_at"] is None) for one in listed] == [("Ada", False), ("Hall 1", True)]
    assert cli.main(["token", "list", *event]) == 0
    assert made["token"] not in (shown := capsys.readouterr().out)
    assert "Hall 1" in shown
    assert cli.main(["token", "revoke", "99", *event]) == 2
    assert "There is no token 99" in capsys.readouterr().err
    assert cli.main(["token", "add", "\u202eAda", *event]) == 2


def test_a_port_that_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        assert cli.main(["serve", "--event", str(tmp_path), "--port", str(port)]) == 2
    assert f"can't listen on 127.0.0.1, port {port}" in capsys.readouterr().err
    assert cli.main(["serve", "--event", str(tmp_path), "--port", "99999"]) == 2


def test_sync_sends_what_waits(on_sqlite: Serving, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    token = on_sqlite.token(Role.PARTICIPANT, "Syn")
    path = save(game("Syn", 4001, play(1, 60)), tmp_path / "games")
    where = ["--event", str(tmp_path / "event")]
    to = ["--server", on_sqlite.url, "--token", token]
    waiting = said(capsys, "sync", str(path), "--status", *where, code=1)
    assert len(waiting["waiting"]) == 1
    sent = said(capsys, "sync", *where, *to)
    assert (sent["waiting"], len(sent["sent"]), sent["refused"]) == ([], 1, {})
    assert said(capsys, "sync", str(path), *where, *to)["waiting"] == [], "once is enough"
    client = on_sqlite.client(token=token)
    decided(client, [one["id"] for one in client.get("/uploads")])
    status = said(capsys, "sync", "--status", *where, *to)
    assert [one["state"] for one in status["sent"].values()] == ["verified"]
    assert cli.main(["sync", "--status", *where, *to]) == 0
    assert "0 wait, 1 sent (1 verified, 0 not yet, 0 refused on replay), 0 refused at once." in capsys.readouterr().out
    assert cli.main(["sync", *where]) == 2
    assert "--server is missing" in capsys.readouterr().err
    assert cli.main(["sync", *where, "--server", "htp://nonsense", "--token", token]) == 2


def test_submit_sends_once(on_sqlite: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    to = ["--server", on_sqlite.url, "--token", on_sqlite.token(Role.PARTICIPANT, "Sub")]
    arguments = ["submit", "breakout-quick", "--game", "breakout", "--name", "My first bot", "--no-follow", *to]
    first = said(capsys, *arguments)
    assert (first["state"], first["name"]) == ("queued", "My first bot")
    assert said(capsys, *arguments)["id"] == first["id"]
    assert cli.main(arguments) == 0
    assert f"My first bot is agent {first['id']}" in capsys.readouterr().out
    assert cli.main(["submit", "no-such-bot", "--game", "breakout", *to]) == 2
    capsys.readouterr()
    assert cli.main(["submit", "breakout-quick", "--game", "pacman", *to]) == 2
    assert "trained for breakout, not for pacman" in capsys.readouterr().err
    assert [agent["id"] for agent in on_sqlite.client(token=to[-1]).get("/my/agents")] == [first["id"]]
    on_sqlite.client(Role.ORGANIZER).post(f"/agents/{first['id']}/withdraw")


def test_submit_shows_place_and_log_until_it_is_over(
    on_sqlite: Serving, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submit, "FOLLOW_SECONDS", 0.05)
    token = on_sqlite.token(Role.PARTICIPANT, "Fol")
    mine = on_sqlite.client(token=token)

    def withdraw() -> None:
        while not (sent := mine.get("/my/agents")):
            time.sleep(0.05)
        mine.post(f"/agents/{sent[0]['id']}/withdraw")

    other = threading.Thread(target=withdraw)
    other.start()
    to = ["--server", on_sqlite.url, "--token", token]
    assert cli.main(["submit", "breakout-quick", "--game", "breakout", "--name", "Followed", *to]) == 0
    other.join()
    shown = capsys.readouterr().out
    assert "in the queue" in shown  # behind what other tests have left there
    assert "waits for its evaluation." in shown
    assert shown.strip().endswith("withdrawn")


def test_a_bot_that_is_sent_without_a_name_has_the_one_in_its_file(
    on_sqlite: Serving, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "agent.zip").write_bytes((ZOO / "breakout-quick.zip").read_bytes())
    token = on_sqlite.token(Role.PARTICIPANT, "Una")
    to = ["--game", "breakout", "--no-follow", "--server", on_sqlite.url, "--token", token]
    sent = said(capsys, "submit", str(tmp_path / "agent.zip"), *to)
    assert sent["name"] == "breakout-quick"
    on_sqlite.client(token=token).post(f"/agents/{sent['id']}/withdraw")


@pytest.mark.parametrize("url", ["nonsense", "ftp://10.0.0.5", "http://", "http://a:99999", "http://a/?b=c"])
def test_an_address_for_guests_that_is_none(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["serve", "--event", str(tmp_path / "event"), "--port", "0", "--url", url]) == 2
    assert "--url is the address that others type" in capsys.readouterr().err
    assert not (tmp_path / "event").exists()


def test_live_feed_tells_and_never_waits(on_sqlite: Serving) -> None:
    """A dead server holds nobody up; a living one knows the game when it ends."""
    station = on_sqlite.client(Role.STATION)
    ticket = station.ticket("Liv", "breakout")
    station.start(ticket.id)
    actions = play(5, 700)
    step: Any = None
    feed = LiveFeed(station, ticket)
    for action in actions:
        feed(Turn(0, ticket.seed, action, step))
        feed(Turn(1, ticket.seed, 0, step))  # somebody else's lane
    assert feed.close(30) is True
    assert [one["frames"] for one in station.get("/live") if one["player"] == "Liv"] == [660]
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as deaf,  # accepts, never answers
        Client(f"http://127.0.0.1:{deaf.getsockname()[1]}", "t", timeout=0.5) as nobody,
    ):
        feed = LiveFeed(nobody, ticket)
        for action in actions:
            feed(Turn(0, ticket.seed, action, step))
        assert feed.close(0.0) is False
        with pytest.raises(ServerUnreachable):
            nobody.get("/event")
    station.abandon(ticket.id)


def test_a_backup_while_the_server_works_is_an_event(on_sqlite: Serving, tmp_path: Path) -> None:
    """Everything that was verified before is in it with its recording; it can be served, and goes on from there."""
    name = "Backed"
    client = on_sqlite.client(token=on_sqlite.token(Role.PARTICIPANT, name))
    numbers = [client.send_recording(encode(game(name, 5000 + i, play(i, 30))), f"backed-{i}")["id"] for i in range(3)]
    decided(client, numbers)
    over = threading.Event()

    def work() -> None:
        number = 0
        while not over.is_set():
            number += 1
            client.send_recording(encode(game(name, 6000 + number)), f"meanwhile-{number}")

    worker = threading.Thread(target=work)
    worker.start()
    try:
        made = backup(on_sqlite.event, on_sqlite.database, tmp_path / "copy")
    finally:
        over.set()
        worker.join()
    decided(client, [one["id"] for one in client.get("/uploads", limit=1000)], 300)
    copy = open_event(tmp_path / "copy")
    assert (copy.folder / "secret").read_bytes() == (on_sqlite.event.folder / "secret").read_bytes()
    with Scoreboard.open(copy.database) as board:
        results = board.results()
        assert made.results == len(results)
        assert {5000, 5001, 5002} <= {one.seed for one in results if one.player == name}
        assert all((copy.recordings / one.recording_name).is_file() for one in results)
        assert Tokens(board, Clock()).who(on_sqlite.tokens[Role.STATION]) is not None
    with closing(sqlite3.connect(copy.database)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    with pytest.raises(EventError, match="is there already"):
        backup(on_sqlite.event, on_sqlite.database, tmp_path / "copy")
    with pytest.raises(EventError, match="lies within the event folder"):
        backup(on_sqlite.event, on_sqlite.database, on_sqlite.event.folder / "copy")


def test_a_backup_from_postgresql_is_a_file(
    on_postgres: Serving, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client = on_postgres.client(token=on_postgres.token(Role.PARTICIPANT, "Post"))
    receipt = client.send_recording(encode(game("Post", 5100, play(1, 30))), "from-postgres")
    decided(client, [receipt["id"]])
    folder = str(on_postgres.event.folder)
    made = said(capsys, "backup", str(tmp_path / "copy"), "--event", folder, "--db", on_postgres.database)
    with Serving(tmp_path / "copy", options=["--evaluators", "0"]) as restored:
        token = on_postgres.tokens[Role.ORGANIZER]
        results = restored.client(token=token).get("/results", limit=1000)
        assert made["results"] == len(results)
        assert "Post" in {one["player"] for one in results}
        theirs = client.get("/standings", game="breakout", rules_id=results[0]["rules_id"])
        assert restored.client().get("/standings", game="breakout", rules_id=results[0]["rules_id"]) == theirs
        again = restored.client(token=token).get(f"/uploads/{receipt['id']}")
        assert (again["state"], again["recording_sha256"]) == ("verified", receipt["recording_sha256"])
        later = restored.client(Role.STATION).send_recording(encode(game("Post", 5101, play(2, 30))), "afterwards")
        assert later["id"] > receipt["id"]


def test_an_agents_file_is_kept_by_its_hash(tmp_path: Path) -> None:
    event = open_event(tmp_path)
    with Scoreboard.open(event.database) as board:
        made, _ = Tokens(board, Clock()).add(Role.PARTICIPANT, "../../x")
        submissions = Submissions(board, Clock(), ServerSettings(event, str(event.database)))
        who = Identity(made.id, made.role, made.name)
        sent = submissions.accept(who, "key-of-it", b"agent", "../../etc", named_rules("breakout"))
        assert [path.name for path in (tmp_path / "agents").iterdir()] == [f"{sent.artifact_sha256}.zip"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--tls-cert", "none.pem"], "--tls-cert names none.pem, which can't be read"),
        (["--tls-key", "none.pem"], "--tls-key needs the certificate"),
        (["--tls-cert", "text.pem"], "expected -----BEGIN CERTIFICATE-----"),
        (["--tls-cert", "text.pem", "--tls-key", "."], "--tls-key names ., which can't be read"),
        (["--host", "1.2.3.4"], "--host takes an address of this machine"),
        (["--host", "a..b"], "--host takes an address of this machine"),
        (["--host", "127.0.0.1:80"], "the port goes after --port"),
        (["--host", "http://x"], "the port goes after --port"),
        (["--url", "http://u:hunter22@h"], "--url is the address that others type"),
    ],
)
def test_what_the_server_cannot_start_with_is_said(
    options: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.pem").write_text("no certificate", encoding="utf-8")
    assert cli.main(["serve", "--event", "e", "--port", "0", *options]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "hunter22" not in said


@pytest.mark.parametrize(
    ("host", "name"),
    [("0.0.0.0", None), ("127.0.0.1", "127.0.0.1"), ("::", None), ("::1", "[::1]"), ("[::1]", "[::1]")],
)
def test_the_address_that_is_printed_is_listened_on(host: str, name: str | None) -> None:
    if ":" in host and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    with serve._listening(host, 0) as listening:
        shown = serve._reached_at(host, listening)
        assert shown.rpartition(":")[0] == (name or shown.rpartition(":")[0])
        reached, _, port = shown.rpartition(":")
        socket.create_connection((reached.strip("[]"), int(port)), timeout=5).close()


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_a_mistake_in_the_address_or_token_is_said_at_once_and_shows_no_token(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ARENA_TOKEN", "hush_hush second\r")
    sent = ["submit", "breakout-quick", "--game", "breakout", "--no-follow", "--server"]
    assert cli.main([*sent, "http://127.0.0.1:9"]) == 2
    monkeypatch.setenv("ARENA_TOKEN", "hush_hush\r")
    assert cli.main([*sent, "http://a..b"]) == 2
    said = capsys.readouterr().err
    assert "A token is one word" in said
    assert "can't be the name of a machine" in said
    assert "hush" not in said
    assert "retry" not in said
