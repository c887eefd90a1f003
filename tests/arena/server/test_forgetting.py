"""Who is forgotten leaves no row and no file, in the server's tables, the outbox and wherever else either."""

from __future__ import annotations

import hashlib
import json

import pytest
from sqlalchemy import MetaData, func, select

from agents.player import Kind
from arena.archive.erase import forget
from arena.client.outbox import Outbox
from arena.event.folder import Event
from arena.scoreboard.publish import keep, publish
from arena.scoreboard.server_tables import Role, TicketRow
from arena.scoreboard.store import Scoreboard
from arena.server.games.uploads import Sent
from arena.server.services import Server
from envs.errors import EventError
from envs.rules import named_rules
from recordings.codec import encode
from recordings.live_chain import links
from recordings.recording import Recording
from tests.arena.server.parts import identity
from tests.arena.server.serving import game, play

NAME, OTHER = "Zoë Kläui", "Ben"


def fill(server: Server, name: str, seed: int) -> bytes:
    """Leave traces of a person everywhere; return the agent that it has handed in."""
    event, board = server.settings.event, server.board
    mine, station = identity(server, Role.PARTICIPANT, name), identity(server, Role.STATION, f"Station {seed}")
    boss = identity(server, Role.ORGANIZER, "Ann")
    rules = named_rules("breakout")

    ticket = server.tickets.issue(station, name, rules)
    server.tickets.start(station, ticket.id)
    actions = play(seed, 120)
    server.tickets.follow(station, ticket.id, list(links(ticket.chain_begins, actions)))
    whole = encode(game(name, ticket.seed, actions))
    server.uploads.believe(server.uploads.accept(station, f"ticket-{seed}", whole, ticket.id).id, Sent.of(whole))
    server.tickets.start(station, server.tickets.issue(station, name, rules, seed=5 * 2**20 + seed).id)
    server.uploads.accept(station, f"waiting-{seed}", encode(game(name, seed, play(seed, 60))), None)
    server.uploads.accept(mine, f"own-{seed}", encode(game(name, seed + 1, play(seed, 60))), None)
    refused = server.uploads.accept(mine, f"refused-{seed}", encode(game(name, seed + 2, play(seed, 60))), None)
    server.uploads.refuse(refused.id, f"{name} has played too much")

    agent = f"agent of {seed}".encode()
    server.submissions.accept(mine, f"agent-{seed}", agent, f"Bot {seed}", rules)
    (result,) = board.results(player=name)
    server.organizing.void(boss, result.recording_sha256, f"{name}: the pad was broken")
    server.organizing.hide(boss, name, "asked for it")

    keep_and_publish(event, board, game(name, seed + 3, play(seed, 60)))
    outbox = Outbox(event.folder)
    waiting = [outbox.add(encode(game(name, seed + 4 + number, play(seed, 60)))) for number in range(3)]
    outbox.acknowledged(waiting[0], {"recording_sha256": result.recording_sha256})
    outbox.refused(waiting[1], f"{name} is unknown")
    for folder, file, content in (
        ("films", f"{result.recording_sha256}.mp4", "film"),
        ("evaluations", f"plan-{seed}.json", json.dumps({"agent": name})),
        ("report", "report.html", f"{name} won"),
    ):
        (event.folder / folder).mkdir(exist_ok=True)
        (event.folder / folder / file).write_text(content)
    return agent


def keep_and_publish(event: Event, board: Scoreboard, recording: Recording) -> None:
    assert publish([keep(recording, event.recordings)], board, processes=1)[0].new


def traces(server: Server, name: str) -> list[str]:
    """Return where the name stands: in any column of any row, or in any file."""
    spelled = [name.encode(), json.dumps(name).encode()[1:-1]]
    found = []
    metadata = MetaData()
    with server.board.reading() as session:
        metadata.reflect(session.connection())
        for table in metadata.sorted_tables:
            for row in session.execute(select(table)).mappings():
                for column, value in row.items():
                    content = value if isinstance(value, bytes) else str(value).encode()
                    if any(one in content for one in spelled):
                        found.append(f"{table.name}.{column}")
    for path in server.settings.event.folder.rglob("*"):
        if path.is_file() and any(one in path.read_bytes() for one in spelled):
            found.append(path.name)
    return found


def counts(server: Server) -> dict[str, int]:
    metadata = MetaData()
    with server.board.reading() as session:
        metadata.reflect(session.connection())
        return {t.name: session.scalar(select(func.count()).select_from(t)) or 0 for t in metadata.sorted_tables}


def test_no_row_and_no_file_is_left_and_others_keep_theirs(server: Server) -> None:
    folder = server.settings.event.folder
    before = counts(server)
    agent = fill(server, OTHER, 100)
    others, kept = counts(server), sorted(path for path in folder.rglob("*") if path.is_file())
    mine = fill(server, NAME, 200)
    for table in ("tickets", "heads", "uploads", "proofs", "submissions", "submission_log", "voids", "tokens"):
        assert counts(server)[table] > others[table] > before[table], table
    assert {"tickets.player", "uploads.reason", "hidden_names.name", "audit.reason"} <= {*traces(server, NAME)}

    found = forget(server.settings.event, server.board, NAME)
    assert found.left == []
    assert traces(server, NAME) == []
    after = counts(server)
    # Both stations and both organizers keep their tokens; what the organizer did stays, without the name.
    others |= {"tokens": others["tokens"] + 2, "audit": after["audit"]}
    assert after == others
    hashes = {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}
    assert hashlib.sha256(agent).hexdigest() in hashes
    assert hashlib.sha256(mine).hexdigest() not in hashes
    left = sorted(path for path in folder.rglob("*") if path.is_file())
    assert [path for path in left if path not in kept] == []
    assert [path.name for path in kept if path not in left] == ["report.html"]
    with pytest.raises(EventError, match="Nothing of a player called"):
        forget(server.settings.event, server.board, NAME)


def test_a_station_of_the_same_name_stays(server: Server) -> None:
    station = identity(server, Role.STATION, "Corner")
    for player in ("Corner", OTHER):
        server.tickets.issue(station, player, named_rules("breakout"))
    found = forget(server.settings.event, server.board, "Corner")
    with server.board.reading() as session:
        assert list(session.scalars(select(TicketRow.player))) == [OTHER]
    assert [one.name for one in server.tokens.all()] == ["Corner"]
    assert found.left == ["tokens.name", "tickets.station"]


def test_bots_that_somebody_handed_in_are_named(server: Server) -> None:
    mine = identity(server, Role.PARTICIPANT, NAME)
    artifact = hashlib.sha256(b"agent").hexdigest()
    server.submissions.accept(mine, "agent", b"agent", "Runner", named_rules("breakout"))
    recording = game("Runner", 1, play(1, 60), kind="bot")
    player = recording.player.model_copy(update={"artifact_sha256": artifact})
    keep_and_publish(server.settings.event, server.board, recording.model_copy(update={"player": player}))
    found = forget(server.settings.event, server.board, NAME)
    assert (found.bots, found.left) == (["Runner"], [])
    assert not list(server.settings.event.agents.iterdir())
    assert [one.kind for one in server.board.results(player="Runner")] == [Kind.BOT]
    assert forget(server.settings.event, server.board, "Runner").episodes == 1
    assert counts(server)["players"] == 0


def test_notes_of_people_and_the_servers_log_are_named(server: Server) -> None:
    folder = server.settings.event.folder
    keep_and_publish(server.settings.event, server.board, game(NAME, 1, play(1, 60)))
    (folder / "server.log").write_text(f"FAILED {NAME}: too slow")
    (folder / "people.csv").write_text(f"name\n{NAME}s\n")
    assert forget(server.settings.event, server.board, NAME).left == ["server.log"]
