"""One phase for command line, server and kiosk: what the log says."""

from __future__ import annotations

import hashlib

import pytest

from arena import cli
from arena.engine.seeds import PRACTICE_SEEDS
from arena.event.lifecycle import EventLifecycle, Phase
from arena.event.log import EVENT, Log
from arena.scoreboard.publish import keep, publish
from arena.scoreboard.server_tables import Role
from arena.server.access.tokens import Identity
from arena.server.errors import Conflict, Refusal
from arena.server.games.uploads import Sent
from arena.server.moderation import Organizing
from arena.server.public_views import ResultFilter
from arena.server.services import Server
from envs.rules import named_rules
from recordings.codec import encode
from recordings.live_chain import links
from tests.arena.server.parts import identity
from tests.arena.server.serving import game, play

RULES = named_rules("breakout")


def command(server: Server, *words: str) -> int:
    return cli.main(["event", *words, "--event", str(server.settings.event.folder), "--db", server.settings.database])


def may_begin(server: Server, who: Identity) -> bool:
    try:
        server.tickets.issue(who, who.name, RULES)
    except Conflict:
        return False
    return True


def takes_bots(server: Server, who: Identity, key: str) -> bool:
    try:
        server.submissions.accept(who, key, key.encode(), key, RULES)
    except Conflict:
        return False
    return True


def test_what_each_phase_takes_whoever_brings_it_about(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    boss, station = identity(server, Role.ORGANIZER, "Ann"), identity(server, Role.STATION, "Corner")
    player = identity(server, Role.PARTICIPANT, "Mia")
    seen = []

    def look() -> None:
        takes = may_begin(server, player), may_begin(server, station), takes_bots(server, player, f"bot {len(seen)}")
        seen.append((server.views.event().state, takes))

    look()
    server.organizing.set_state(boss, "open", "it begins")
    look()
    assert command(server, "freeze") == 0
    look()
    with pytest.raises(Conflict, match="frozen"):
        server.uploads.accept(player, "late", encode(game("Mia", 1, play(1, 60))), None)
    server.organizing.set_state(boss, "announced", "the lottery", "4 8 15")
    look()
    assert command(server, "close") == 0
    look()
    everything, stations, nothing = (True, True, True), (False, True, False), (False, False, False)
    assert seen == [
        ("draft", everything), ("open", everything), ("frozen", stations), ("announced", stations), ("closed", nothing),
    ]  # fmt: skip
    capsys.readouterr()
    assert command(server, "status") == 0
    assert "Parts: closed" in capsys.readouterr().out
    lines = Log(server.board.engine).entries(EVENT)
    assert [(line.kind, line.body.get("by")) for line in lines] == [
        ("opened", "Ann"), ("frozen", None), ("announced", "Ann"), ("closed", None),
    ]  # fmt: skip
    assert lines[2].body["reason"] == "the lottery"


def test_closing_takes_nothing_from_a_game_that_was_sent_before(server: Server) -> None:
    """Its recording waits for its replay, and its trust is judged as if the event went on; a station's that is refused
    doesn't come back as one that was broken off."""
    boss, station = identity(server, Role.ORGANIZER, "Ann"), identity(server, Role.STATION, "Corner")
    server.organizing.set_state(boss, "open", "it begins")
    sent = []
    for name in ("Mia", "Noa"):
        ticket = server.tickets.issue(station, name, RULES)
        server.tickets.start(station, ticket.id)
        actions = play(ticket.seed, 90)
        server.tickets.follow(station, ticket.id, list(links(ticket.chain_begins, actions)))
        content = encode(game(name, ticket.seed, actions))
        sent.append((ticket.id, content, server.uploads.accept(station, f"key-of-{name}", content, ticket.id)))
        server.tickets.forget(ticket.id)
    server.organizing.set_state(boss, "closed", "midnight")
    assert {server.tickets.get(station, ticket).state for ticket, *_ in sent} == {"started"}
    (good, content, kept), (bad, _, refused) = sent
    assert server.uploads.believe(kept.id, Sent.of(content)) == kept.recording_sha256
    server.uploads.refuse(refused.id, "it ran at 30.00 frames per second")
    assert [server.tickets.get(station, ticket).state for ticket in (good, bad)] == ["finished", "started"]
    assert server.tickets.unsettled(1) == []
    (result,) = server.views.results(ResultFilter())
    assert (result.player, result.trust) == ("Mia", "witnessed")


def test_steps_are_undone_only_as_far_as_nothing_became_public(server: Server) -> None:
    boss = identity(server, Role.ORGANIZER, "Ann")
    organizing = server.organizing
    for state in ("frozen", "announced", "closed"):
        with pytest.raises(Conflict, match="An event can"):
            organizing.set_state(boss, state, "too early", "1")
    with pytest.raises(Refusal, match="can be made"):
        organizing.set_state(boss, "draft", "back")
    opened = organizing.set_state(boss, "open", "it begins")
    with pytest.raises(Conflict, match="An event can be reopened"):
        organizing.undo(boss, opened.id, "not yet")
    frozen = organizing.set_state(boss, "frozen", "a break")
    organizing.undo(boss, frozen.id, "go on")
    assert organizing.phase() is Phase.OPEN
    with pytest.raises(Conflict, match="undone already"):
        organizing.undo(boss, frozen.id, "twice")
    frozen = organizing.set_state(boss, "frozen", "now")
    with pytest.raises(Conflict, match="1 to 200 printable"):
        organizing.set_state(boss, "announced", "no number")
    organizing.set_state(boss, "announced", "the lottery", "1")
    with pytest.raises(Conflict, match="changed since"):
        organizing.undo(boss, frozen.id, "too late")
    closed = organizing.set_state(boss, "closed", "over")
    assert organizing.lifecycle().state().secret is not None
    organizing.undo(boss, closed.id, "one game was forgotten")
    assert organizing.phase() is Phase.ANNOUNCED
    assert organizing.set_state(boss, "closed", "over").subject == "closed"
    assert organizing.set_state(boss, "open", "again").subject == "announced"


def test_a_step_elsewhere_is_noticed(server: Server) -> None:
    told: list[object] = []
    ended: list[bool] = []
    event, clock = server.settings.event, server.clock
    one = Organizing(
        server.board, event, clock, lambda kind, data: told.append((kind, data)), lambda: ended.append(True)
    )
    lifecycle = EventLifecycle(event, Log(server.board.engine))
    one.look()
    lifecycle.open()
    one.look()
    one.look()
    lifecycle.close()
    one.look()
    assert told == [("event", {"state": "open"}), ("event", {"state": "closed"})]
    assert ended == [True]


def test_seeds_of_games_on_the_servers_own_machine_are_kept_back(server: Server) -> None:
    """A bot's games of the final are booked there, while people still have to play the same seeds."""
    event, seeds = server.settings.event, (7, PRACTICE_SEEDS + 7)
    paths = [keep(game("Bob", seed, play(1, 60), kind="script"), event.recordings) for seed in seeds]
    assert all(publication.new for publication in publish(paths, server.board, processes=1))
    shas = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]

    def seen() -> list[tuple[int | None, bool]]:
        found = {one.recording_sha256: one for one in server.views.results(ResultFilter())}
        return [(found[sha].seed, server.views.recording(sha) is not None) for sha in shas]

    assert seen() == [(7, True), (None, False)]
    lifecycle = EventLifecycle(event, Log(server.board.engine))
    lifecycle.open()
    lifecycle.close()
    assert seen() == [(seeds[0], True), (seeds[1], True)]
