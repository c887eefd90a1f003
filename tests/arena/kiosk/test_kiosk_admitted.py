"""Participants' agents in the event folder as opponents: who is offered, under which name, and how they are run."""

from __future__ import annotations

import hashlib
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from agents.load import find_agent_file, house_bots
from arena.kiosk.model import House
from arena.scoreboard.server_tables import SubmissionRow, TokenRow
from arena.scoreboard.store import Scoreboard
from envs.games import GAMES

BREAKOUT = GAMES["breakout"]


def package(path: Path, name: str) -> Path:
    """Write what a participant could have sent: a network that plays Breakout."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bot = house_bots(BREAKOUT)[0]
    with zipfile.ZipFile(find_agent_file(bot)) as old, zipfile.ZipFile(path, "w") as new:
        settings = old.read("agent.toml").decode()
        assert f'"{bot}"' in settings
        new.writestr("agent.toml", settings.replace(f'"{bot}"', f'"{name}"'))
        new.writestr("weights.safetensors", old.read("weights.safetensors"))
    return path


def offered(house: House, game: str = "breakout") -> list[str]:
    return [choice.name for choice in house.opponents(GAMES[game]) if choice.named is not None]


def test_an_admitted_agent_is_offered_for_its_game(house: House) -> None:
    assert offered(house) == []
    path = package(house.event.agents / "mine.zip", "Brick Lover")
    assert offered(house) == ["Brick Lover"]
    assert offered(house, "pacman") == []
    assert house.is_a_machine("brick lover")
    path.unlink()
    assert offered(house) == []


@pytest.mark.parametrize("name", ["shit", house_bots(BREAKOUT)[0]])
def test_names_that_the_hall_shall_not_see_or_mistake(house: House, name: str) -> None:
    package(house.event.agents / "mine.zip", name)
    assert offered(house) == []


def test_what_is_not_admitted_is_left_out(house: House) -> None:
    package(house.event.agents / "mine.zip", "Brick Lover")
    (house.event.agents / "odd.zip").write_bytes(b"PK nonsense")
    (house.event.agents / "code.py").write_text("import os")
    assert offered(house) == ["Brick Lover"]


@pytest.mark.parametrize(("state", "names"), [("done", ["Sent"]), ("held", []), ("queued", []), ("rejected", [])])
def test_what_was_sent_to_the_server_is_offered_once_it_was_evaluated(
    house: House, board: Scoreboard, state: str, names: list[str]
) -> None:
    path = package(house.event.agents / "sent.zip", "In the file")
    submit(board, hashlib.sha256(path.read_bytes()).hexdigest(), "Sent", state)
    assert offered(house) == names


def submit(board: Scoreboard, sha256: str, name: str, state: str) -> None:
    now = datetime.now(UTC)
    texts: dict[str, Any] = dict.fromkeys(("key", "body_sha256", "rules_id", "rules", "reason", "worker"), "x")
    counts: dict[str, Any] = dict.fromkeys(("played", "planned", "attempts", "beat"), 0)
    with board.writing() as session:
        token = session.execute(
            insert(TokenRow).returning(TokenRow.id),
            {"hash": "x", "role": "participant", "name": "Ada", "created_at": now},
        ).scalar_one()
        row = {"token": token, "name": name, "game": "breakout", "artifact_sha256": sha256, "state": state}
        session.execute(insert(SubmissionRow), row | texts | counts | {"received_at": now})


def test_it_plays_under_its_name(house: House) -> None:
    package(house.event.agents / "mine.zip", "Brick Lover")
    choice = next(one for one in house.opponents(BREAKOUT) if one.named is not None)
    at_work = choice.start(house.rules(BREAKOUT))
    try:
        deadline = time.monotonic() + 300
        while at_work.loading and time.monotonic() < deadline:
            time.sleep(0.1)
        assert at_work.problem is None
        assert at_work.opponent is not None
        assert at_work.opponent.info.name == "Brick Lover"
        at_work.opponent.begin(house.rules(BREAKOUT), 5)
        while not at_work.opponent.ready() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert at_work.opponent.ready()
    finally:
        at_work.close()
