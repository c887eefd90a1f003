"""The log and the phases of an event."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from arena.engine.seeds import commitment, final_seeds
from arena.event.folder import open_event
from arena.event.lifecycle import Ceremony, Phase, state_of
from arena.event.log import EVENT, Log, Overtaken, check_chain
from arena.event.secrets import FINAL_FILE
from arena.scoreboard.store import Scoreboard
from envs.errors import EventError


@pytest.fixture(params=["sqlite", "postgres"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Log]:
    place = tmp_path / "a.sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with Scoreboard.open(place) as board:
        yield Log(board.engine)


def test_lines_come_back_in_order_and_chained(log: Log) -> None:
    assert log.entries("x") == []
    log.append("x", [("a", {"é": 1}), ("b", {"list": [1.5, None]})], 0)
    log.append("y", [("a", {})], 0)
    log.append("x", [("c", {})], 2)
    found = log.entries("x")
    assert [(e.number, e.kind, e.body) for e in found] == [
        (1, "a", {"é": 1}),
        (2, "b", {"list": [1.5, None]}),
        (3, "c", {}),
    ]
    assert log.entries("x", after=2) == found[2:]
    assert log.streams() == ["x", "y"]
    check_chain(found)


def test_nobody_writes_over_what_it_has_not_seen(log: Log) -> None:
    log.append("x", [("a", {})], 0)
    for after in (0, 2):
        with pytest.raises(Overtaken):
            log.append("x", [("b", {})], after)
    assert len(log.entries("x")) == 1


@pytest.mark.parametrize("damage", ["body", "kind", "at", "swap", "drop", "repeat"])
def test_a_changed_line_is_noticed(tmp_path: Path, damage: str) -> None:
    with Scoreboard.open(tmp_path / "a.sqlite") as board:
        log = Log(board.engine)
        log.append("x", [("a", {"score": 1}), ("b", {"score": 2}), ("c", {"score": 3})], 0)
        first, second, third = log.entries("x")
    damaged = {
        "body": [first, replace(second, body={"score": 20}), third],
        "kind": [first, replace(second, kind="z"), third],
        "at": [first, replace(second, at="2020" + second.at[4:]), third],
        "swap": [first, third, second],
        "drop": [first, third],
        "repeat": [first, second, second, third],
    }
    with pytest.raises(EventError, match="Line"):
        check_chain(damaged[damage])


@pytest.fixture
def ceremony(tmp_path: Path) -> Iterator[Ceremony]:
    event = open_event(tmp_path / "event", "Test")
    with Scoreboard.open(event.database) as board:
        yield Ceremony(event, Log(board.engine))


def test_an_event_from_start_to_end(ceremony: Ceremony) -> None:
    agents = ceremony.event.agents
    agents.mkdir()
    (agents / "bot.zip").write_bytes(b"bot")
    state = ceremony.open()
    secret = ceremony.secret()
    path = ceremony.event.folder / FINAL_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (state.phase, state.commitment, state.secret) == (Phase.OPEN, commitment(secret), None)
    with pytest.raises(EventError, match="announced"):
        ceremony.seeds("s", "breakout", 1)
    assert len(ceremony.freeze().agents) > 1
    assert ceremony.announce(" 1  2 3 ").entropy == "1 2 3"
    seeds = ceremony.seeds("s", "breakout", 5)
    assert ceremony.close().secret == secret
    path.unlink()
    assert ceremony.seeds("s", "breakout", 5) == seeds == final_seeds(secret, "s", "breakout", "1 2 3", 5)
    assert [entry.kind for entry in ceremony.log.entries(EVENT)] == ["opened", "frozen", "announced", "closed"]


STEPS: list[Callable[[Ceremony], object]] = [
    Ceremony.open, Ceremony.freeze, lambda one: one.announce("1"), Ceremony.close,
]  # fmt: skip


@pytest.mark.parametrize("done", range(len(STEPS) + 1))
def test_steps_in_any_other_order_are_refused(ceremony: Ceremony, done: int) -> None:
    """But for closing, which may come early."""
    for step in STEPS[:done]:
        step(ceremony)
    for number, step in enumerate(STEPS):
        if number != done and not (number == len(STEPS) - 1 and 1 <= done < number):
            with pytest.raises(EventError, match="An event can"):
                step(ceremony)
    assert len(ceremony.log.entries(EVENT)) == done


def test_an_event_without_a_final_keeps_its_secret_and_a_closing_can_be_taken_back(ceremony: Ceremony) -> None:
    ceremony.open()
    assert ceremony.close(by="Ann", reason="midnight").secret is None
    assert ceremony.log.entries(EVENT)[-1].body == {"secret": None, "by": "Ann", "reason": "midnight"}
    assert ceremony.reopen().phase is Phase.OPEN
    assert len(ceremony.freeze().agents) > 1
    assert (ceremony.reopen().phase, ceremony.state().agents) == (Phase.OPEN, frozenset())
    ceremony.freeze()
    ceremony.announce("1")
    with pytest.raises(EventError, match="An event can be reopened"):
        ceremony.reopen()
    secret = ceremony.close().secret
    state = ceremony.reopen(reason="one game was forgotten")
    assert (state.phase, state.secret, state.entropy) == (Phase.ANNOUNCED, secret, "1")
    assert ceremony.close().phase is Phase.CLOSED


def test_an_opening_that_was_broken_off_keeps_its_secret(ceremony: Ceremony) -> None:
    (ceremony.event.folder / FINAL_FILE).write_text("ab" * 32)
    assert ceremony.open().commitment == commitment(b"\xab" * 32)


@pytest.mark.parametrize("content", ["", "zz", "cd" * 32])
def test_another_secret_is_refused(ceremony: Ceremony, content: str) -> None:
    ceremony.open()
    ceremony.freeze()
    (ceremony.event.folder / FINAL_FILE).write_text(content)
    with pytest.raises(EventError, match="secret"):
        ceremony.announce("1")
    assert ceremony.state().phase is Phase.FROZEN


def test_a_false_reveal_is_noticed(ceremony: Ceremony) -> None:
    for step in STEPS:
        step(ceremony)
    entries = ceremony.log.entries(EVENT)
    with pytest.raises(EventError, match="not the one"):
        state_of([*entries[:-1], replace(entries[-1], body={"secret": "00" * 32})])


def test_changed_settings_are_logged(ceremony: Ceremony) -> None:
    ceremony.open()
    settings = ceremony.event.folder / "event.toml"
    settings.write_text('name = "Test"\n[final]\nseeds = 12\n')
    again = Ceremony(open_event(ceremony.event.folder), ceremony.log)
    assert again.note_settings() == ["final.seeds: 10 -> 12"]
    assert again.note_settings() == []
    assert [entry.kind for entry in ceremony.log.entries(EVENT)] == ["opened", "settings"]
