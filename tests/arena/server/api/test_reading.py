"""What everybody reads: standings by level of trust, the tally, and the same as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from agents.player import Kind
from arena.event.folder import open_event
from arena.scoreboard.results import Result
from arena.scoreboard.server_tables import ProofRow, Role
from arena.scoreboard.store import Scoreboard
from arena.server.clock import Clock
from arena.server.games.trust import Trust
from arena.server.public_views import StandingView, Views
from arena.server.settings import ServerSettings
from arena.server.submissions.queue import Submissions
from arena.stats.comparison import summary
from envs.rules import named_rules
from recordings.codec import encode
from tests.arena.server.event_for_pages import result
from tests.arena.server.serving import Serving, decided, game, play

RULES = named_rules("breakout").rules_id


@pytest.fixture(params=["sqlite", "postgres"])
def board(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scoreboard]:
    url = tmp_path / "arena.sqlite" if request.param == "sqlite" else request.getfixturevalue("database")
    with Scoreboard.open(url) as opened:
        yield opened


def views_of(board: Scoreboard, folder: Path) -> Views:
    event = open_event(folder / "event")
    return Views(board, event, Submissions(board, Clock(), ServerSettings(event, "")))


def add(board: Scoreboard, player: str, kind: Kind, score: float, trust: Trust | None) -> Result:
    """Put an episode on the scoreboard, with what is known of its trust."""
    number = len(board.results()) + 1
    one = result(player, kind, None, "breakout", number, score, number)
    with board.writing() as session:
        assert board.add_within(session, one)
        if trust is not None:
            proof = {"trust": trust.value, "reason": "seen", "source": "upload", "ticket": None}
            session.add(ProofRow(recording_sha256=one.recording_sha256, hidden_seed=False, opening="", **proof))
    return one


def said(line: StandingView) -> tuple[Any, ...]:
    return line.rank, line.player, line.episodes, line.mean


def test_standings_of_one_level_count_its_episodes_only(board: Scoreboard, tmp_path: Path) -> None:
    views = views_of(board, tmp_path)
    for score in (10, 20, 60):
        add(board, "All", Kind.HUMAN, score, Trust.WITNESSED)
    seen = [add(board, "Some", Kind.HUMAN, score, Trust.WITNESSED).score for score in (40, 50, 70)]
    unseen = [add(board, "Some", Kind.HUMAN, score, trust) for score, trust in ((1, None), (3, Trust.UNATTESTED))]
    add(board, "None", Kind.SCRIPT, 500, None)
    everything = views.standings("breakout", RULES)
    assert [line.player for line in everything] == ["None", "Some", "All"]
    witnessed = views.standings("breakout", RULES, trust=Trust.WITNESSED)
    assert [said(line) for line in witnessed] == [(1, "Some", 3, sum(seen) / 3), (2, "All", 3, 30.0)]
    assert replace(witnessed[1], rank=3) == everything[2], "a player with one level only has the same line"
    expected = summary(seen)
    assert (witnessed[0].low, witnessed[0].high, witnessed[0].best) == (expected.low, expected.high, 70)
    assert [said(line) for line in views.standings("breakout", RULES, trust=Trust.UNATTESTED)] == [
        (1, "None", 1, 500),
        (2, "Some", 2, 2),
    ]
    assert [line.player for line in views.standings("breakout", RULES, Kind.HUMAN, Trust.UNATTESTED)] == ["Some"]
    assert views.standings("breakout", RULES, trust=Trust.ATTESTED) == []
    with board.writing() as session:
        board.void_within(session, unseen[0].recording_sha256, "the wrong cartridge")
    (_, some) = views.standings("breakout", RULES, trust=Trust.UNATTESTED)
    assert said(some) == (2, "Some", 1, 3)


def test_the_best_are_the_first_of_the_standings(board: Scoreboard, tmp_path: Path) -> None:
    views = views_of(board, tmp_path)
    kinds = (Kind.HUMAN, Kind.SCRIPT, Kind.BOT)
    for number, score in enumerate((5, 9, 9, 2, 7, 9)):
        add(board, f"Player {number}", kinds[number % 3], score, None)
    lines = views.standings("breakout", RULES)
    assert [line.rank for line in lines] == [1, 1, 1, 4, 5, 6]
    assert views.best("breakout", RULES, 4) == lines[:4]
    people = views.best("breakout", RULES, 4, (Kind.HUMAN,))
    assert people == views.standings("breakout", RULES, Kind.HUMAN)


def test_everything_that_is_shown_is_also_a_table(serving: Serving) -> None:
    """The same rows and columns as JSON and as CSV."""
    station = serving.client(Role.STATION)
    numbers = [
        station.send_recording(encode(game("Tab", 7001, play(way, 60), kind=kind)), f"table-{kind}")["id"]
        for way, kind in enumerate(("human", "bot"))  # two ways to play: the same game twice is a copy
    ]
    assert {one["state"] for one in decided(station, numbers)} == {"verified"}
    running = station.ticket("Tab", "breakout")
    station.start(running.id)
    of_class = {"game": "breakout", "rules_id": RULES}
    tables: dict[str, dict[str, Any]] = {
        "classes": {},
        "standings": of_class | {"trust": "unattested"},
        "results": {"player": "Tab"},
        "seeds": of_class | {"seed": 7001},
        "tally": {},
        "references": {"game": "breakout"},
        "live": {},
    }
    for name, parameters in tables.items():
        rows = station.get(f"/{name}", **parameters)
        text = httpx2.get(f"{serving.url}/api/v1/{name}.csv", params=parameters).text
        table = list(csv.DictReader(io.StringIO(text)))
        assert rows, name
        assert len(table) == len(rows), name
        assert list(table[0]) == list(rows[0]), name
    tally = next(one for one in station.get("/tally") if one["game"] == "breakout")
    assert tally["seeds"] == tally["people_ahead"] + tally["bots_ahead"] + tally["level"] >= 1
    assert min(tally["people"], tally["bots"]) >= 1
    station.abandon(running.id)
