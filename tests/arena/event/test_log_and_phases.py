"""The log and the phases of an event."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from arena.engine.seeds import commitment, final_seeds
from arena.event.folder import open_event
from arena.event.lifecycle import EventLifecycle, Phase, state_of
from arena.event.log import EVENT, ConcurrentWrite, Log, check_chain
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
        with pytest.raises(ConcurrentWrite):
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
def lifecycle(tmp_path: Path) -> Iterator[EventLifecycle]:
    event = open_event(tmp_path / "event", "Test")
    with Scoreboard.open(event.database) as board:
        yield EventLifecycle(event, Log(board.engine))


def test_an_event_from_start_to_end(lifecycle: EventLifecycle) -> None:
    agents = lifecycle.event.agents
    agents.mkdir()
    (agents / "bot.zip").write_bytes(b"bot")
    state = lifecycle.open()
    secret = lifecycle.secret()
    path = lifecycle.event.folder / FINAL_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (state.phase, state.commitment, state.secret) == (Phase.OPEN, commitment(secret), None)
    with pytest.raises(EventError, match="announced"):
        lifecycle.seeds("s", "breakout", 1)
    assert len(lifecycle.freeze().agents) > 1
    assert lifecycle.announce(" 1  2 3 ").entropy == "1 2 3"
    seeds = lifecycle.seeds("s", "breakout", 5)
    assert lifecycle.close().secret == secret
    path.unlink()
    assert lifecycle.seeds("s", "breakout", 5) == seeds == final_seeds(secret, "s", "breakout", "1 2 3", 5)
    assert [entry.kind for entry in lifecycle.log.entries(EVENT)] == ["opened", "frozen", "announced", "closed"]


STEPS: list[Callable[[EventLifecycle], object]] = [
    EventLifecycle.open, EventLifecycle.freeze, lambda one: one.announce("1"), EventLifecycle.close,
]  # fmt: skip


@pytest.mark.parametrize("done", range(len(STEPS) + 1))
def test_steps_in_any_other_order_are_refused(lifecycle: EventLifecycle, done: int) -> None:
    """But for closing, which may come early."""
    for step in STEPS[:done]:
        step(lifecycle)
    for number, step in enumerate(STEPS):
        if number != done and not (number == len(STEPS) - 1 and 1 <= done < number):
            with pytest.raises(EventError, match="An event can"):
                step(lifecycle)
    assert len(lifecycle.log.entries(EVENT)) == done


def test_an_event_without_a_final_keeps_its_secret_and_a_closing_can_be_taken_back(lifecycle: EventLifecycle) -> None:
    lifecycle.open()
    assert lifecycle.close(by="Ann", reason="midnight").secret is None
    assert lifecycle.log.entries(EVENT)[-1].body == {"secret": None, "by": "Ann", "reason": "midnight"}
    assert lifecycle.reopen().phase is Phase.OPEN
    assert len(lifecycle.freeze().agents) > 1
    assert (lifecycle.reopen().phase, lifecycle.state().agents) == (Phase.OPEN, frozenset())
    lifecycle.freeze()
    lifecycle.announce("1")
    with pytest.raises(EventError, match="An event can be reopened"):
        lifecycle.reopen()
    secret = lifecycle.close().secret
    state = lifecycle.reopen(reason="one game was forgotten")
    assert (state.phase, state.secret, state.entropy) == (Phase.ANNOUNCED, secret, "1")
    assert lifecycle.close().phase is Phase.CLOSED


def test_an_opening_that_was_broken_off_keeps_its_secret(lifecycle: EventLifecycle) -> None:
    (lifecycle.event.folder / FINAL_FILE).write_text("ab" * 32)
    assert lifecycle.open().commitment == commitment(b"\xab" * 32)


@pytest.mark.parametrize("content", ["", "zz", "cd" * 32])
def test_another_secret_is_refused(lifecycle: EventLifecycle, content: str) -> None:
    lifecycle.open()
    lifecycle.freeze()
    (lifecycle.event.folder / FINAL_FILE).write_text(content)
    with pytest.raises(EventError, match="secret"):
        lifecycle.announce("1")
    assert lifecycle.state().phase is Phase.FROZEN


def test_a_false_reveal_is_noticed(lifecycle: EventLifecycle) -> None:
    for step in STEPS:
        step(lifecycle)
    entries = lifecycle.log.entries(EVENT)
    with pytest.raises(EventError, match="not the one"):
        state_of([*entries[:-1], replace(entries[-1], body={"secret": "00" * 32})])


def test_changed_settings_are_logged(lifecycle: EventLifecycle) -> None:
    lifecycle.open()
    settings = lifecycle.event.folder / "event.toml"
    settings.write_text('name = "Test"\n[final]\nseeds = 12\n')
    again = EventLifecycle(open_event(lifecycle.event.folder), lifecycle.log)
    assert again.note_settings() == ["final.seeds: 10 -> 12"]
    assert again.note_settings() == []
    assert [entry.kind for entry in lifecycle.log.entries(EVENT)] == ["opened", "settings"]
