"""The scoreboard on SQLite and on PostgreSQL: the contract, and what each database can do wrong."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from arena.scoreboard.database import database_url, make_engine
from arena.scoreboard.results import SEED_LIMIT
from arena.scoreboard.store import Scoreboard, standings_query
from envs import environment
from envs.errors import PlayerNameError, ScoreboardError
from tests.contracts.scoreboard import FIVE, START, ScoreboardContract, result


class TestOnSqlite(ScoreboardContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'arena.sqlite'}"

    def impatient(self, url: str) -> str:
        return url + "?timeout=0.2"

    @contextmanager
    def write_lock(self, url: str) -> Iterator[None]:
        with closing(sqlite3.connect(str(database_url(url).database))) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield

    def check_files(self, url: str) -> None:
        with closing(sqlite3.connect(str(database_url(url).database))) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


class TestOnPostgres(ScoreboardContract):
    @pytest.fixture
    def url(self, postgres_url: str) -> str:
        return postgres_url

    def impatient(self, url: str) -> str:
        return url + "?options=-c%20lock_timeout%3D200"

    @contextmanager
    def write_lock(self, url: str) -> Iterator[None]:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.execute(sa.text("LOCK TABLE episodes IN EXCLUSIVE MODE"))
            yield
        engine.dispose()

    def test_times_are_utc_in_a_session_of_another_zone(self, url: str) -> None:
        with Scoreboard.open(url + "?options=-c%20timezone%3DAsia/Tokyo") as board:
            board.add(result(1))
            assert board.results()[0].started_at.isoformat() == result(1).started_at.isoformat()

    def test_a_server_that_is_not_there(self, url: str) -> None:
        address = sa.make_url(url).set(port=1, password="secret")
        with pytest.raises(ScoreboardError, match="can't be reached or used") as caught:
            Scoreboard.open(address.render_as_string(hide_password=False))
        assert "secret" not in str(caught.value)

    def test_a_wrong_password_and_a_missing_database(self, url: str) -> None:
        good = sa.make_url(url)
        for address, said in ((good.set(password="wrong"), "password"), (good.set(database="nowhere"), "nowhere")):
            with pytest.raises(ScoreboardError, match=said) as caught:
                Scoreboard.open(address.render_as_string(hide_password=False))
            assert str(good.password) not in str(caught.value)

    def test_a_server_that_drops_the_connection(self, url: str) -> None:
        with Scoreboard.open(url) as board:
            board.add(result(1))
            engine = sa.create_engine(url)
            with engine.begin() as connection:
                others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                connection.execute(sa.text(others + " AND datname = current_database()"))
            engine.dispose()
            assert board.add(result(2)) is True, "the next call connects again"


# -- SQLite's files --------------------------------------------------------------------------------------------------


def test_a_path_is_an_address(tmp_path: Path) -> None:
    for path in (tmp_path / "a b%41.sqlite", str(tmp_path / "ü?x=1.sqlite")):
        with Scoreboard.open(path) as board:
            board.add(result(1))
        assert Path(path).exists()


def test_every_connection_is_durable(tmp_path: Path) -> None:
    engine = make_engine(database_url(tmp_path / "arena.sqlite"))
    with engine.connect() as one, engine.connect() as other:
        for connection in (one, other):
            pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            found = [connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() for pragma in pragmas]
            assert found == ["wal", 2, 1, 10_000]
    engine.dispose()


def test_after_closing_the_database_is_one_file(tmp_path: Path) -> None:
    with Scoreboard.open(tmp_path / "arena.sqlite") as board:
        board.add(result(1))
    assert [path.name for path in tmp_path.iterdir()] == ["arena.sqlite"]


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "arena.sqlite"
    path.write_bytes(b"These are holiday pictures." * 1000)
    with pytest.raises(ScoreboardError, match=r"arena.sqlite was expected to be a scoreboard, but is no SQLite"):
        Scoreboard.open(path)
    assert path.read_bytes() == b"These are holiday pictures." * 1000


def test_a_damaged_database(tmp_path: Path) -> None:
    path = tmp_path / "arena.sqlite"
    with Scoreboard.open(path) as board:
        board.add(result(1))
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + bytes(reversed(whole[100:4096])) + whole[4096:])
    with pytest.raises(ScoreboardError, match="is damaged; restore a backup"):
        Scoreboard.open(path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ScoreboardError, match="can't be opened; its folder must exist and be writable"):
        Scoreboard.open(tmp_path / "nowhere" / "arena.sqlite")
    with pytest.raises(ScoreboardError, match="can't be opened"):
        Scoreboard.open(tmp_path)


def test_a_database_that_may_only_be_read(tmp_path: Path) -> None:
    path = tmp_path / "arena.sqlite"
    with Scoreboard.open(path) as board:
        board.add(result(1))
    with Scoreboard.open(f"sqlite:///file:{path}?mode=ro&uri=true") as board:
        assert board.results() == [result(1)]
        with pytest.raises(ScoreboardError, match="can't be written; the file and its folder must be writable"):
            board.add(result(2))


def test_a_full_disk_stores_nothing_and_loses_nothing(tmp_path: Path) -> None:
    with Scoreboard.open(tmp_path / "arena.sqlite") as board:
        board.add(result(0))
        leave_room(board, 2)
        with pytest.raises(ScoreboardError, match=r"no room left.*nothing was stored"):
            fill(board)
        stored = len(board.results())
        assert 1 < stored < 1000
        assert board.standings("breakout", FIVE)[0].episodes == stored
        leave_room(board, 100)
        assert board.add(result(stored)) is True


def leave_room(board: Scoreboard, pages: int) -> None:
    """Let SQLite believe that the disk has room for so many pages more."""
    with board._engine.connect() as connection:
        used = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {used + pages}")


def fill(board: Scoreboard) -> None:
    for number in range(1, 1000):
        board.add(result(number, recording_name="x" * 255))


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_a_lock_stops_the_making_of_the_tables(tmp_path: Path, journal: str) -> None:
    path = tmp_path / "arena.sqlite"
    with locked_new_file(path, journal), pytest.raises(ScoreboardError, match="is locked by another program"):
        Scoreboard.open(f"sqlite:///{path}?timeout=0.2")
    with Scoreboard.open(path) as board:
        assert board.results() == []


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_a_lock_is_waited_for(tmp_path: Path, journal: str) -> None:
    path = tmp_path / "arena.sqlite"
    with locked_new_file(path, journal) as other:
        release = threading.Timer(0.5, other.rollback)
        release.start()
        with Scoreboard.open(path) as board:
            assert board.add(result(1)) is True
        release.join()


@contextmanager
def locked_new_file(path: Path, journal: str) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, check_same_thread=False)) as other:
        other.execute(f"PRAGMA journal_mode = {journal}")
        other.execute("BEGIN IMMEDIATE")
        yield other


def test_the_standings_read_indexes_and_no_episodes(tmp_path: Path) -> None:
    with Scoreboard.open(tmp_path / "arena.sqlite") as board:
        query = standings_query("breakout", FIVE).compile(board._engine, compile_kwargs={"literal_binds": True})
        with board._engine.connect() as connection:
            plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")]
    assert len(plan) == 3
    for line in plan:
        assert line.startswith("SEARCH")
        assert "USING" in line
        assert "episodes" not in line


# -- addresses and results -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("sqlite://", "can't be kept in memory"),
        (":memory:", "can't be kept in memory"),
        ("mysql://localhost/arena", "mysql is no database the scoreboard knows"),
        ("postgresql+psycopg://user:secret@[::1/arena", "not the address of a scoreboard"),
        ("postgresql://user:secret@localhost:port/arena", "not the address of a scoreboard"),
    ],
)
def test_addresses_that_are_refused(address: str, said: str) -> None:
    with pytest.raises(ScoreboardError, match=said) as caught:
        Scoreboard.open(address)
    assert "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "robot"}, "kind must be one of human, bot, script, replay, not 'robot'"),
        ({"artifact_sha256": ""}, "artifact_sha256 must be 64 hexadecimal digits"),
        ({"rules_id": "A" * 64}, "rules_id must be 64 hexadecimal digits in lower case"),
        ({"game": "a\x00b"}, "game must be a ROM name"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"seed": SEED_LIMIT}, "seed must be a whole number"),
        ({"seed": 1.0}, "seed must be a whole number"),
        ({"score": float("nan")}, "score must be a number"),
        ({"score": float("inf")}, "score must be a number"),
        ({"frames": 2**31}, "frames must be a whole number"),
        ({"end": None}, "end must be one of terminated"),
        ({"recording_sha256": "xyz"}, "recording_sha256 must be"),
        ({"recording_name": "../x.arena.zip"}, "recording_name must be a file name"),
        ({"recording_name": "\ud800.arena.zip"}, "recording_name must be a file name"),
        ({"started_at": START.replace(tzinfo=None)}, "started_at must be a time with a time zone"),
        ({"verified_at": datetime.max.replace(tzinfo=START.tzinfo)}, "verified_at must be a time with a time zone"),
        ({"seed": -1, "frames": -1}, "seed must .*; frames must "),
    ],
)
def test_results_that_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ScoreboardError, match=said):
        result(1, **changes)


def test_a_result_has_a_name_that_can_be_shown() -> None:
    assert result(1, player=" Zoe\u0308 ").player == "Zo\u00eb"
    with pytest.raises(PlayerNameError):
        result(1, player="\u202egnp.exe")


def test_seeds_end_where_those_of_the_environment_end() -> None:
    assert SEED_LIMIT == environment.SEED_LIMIT


def test_results_are_light_to_import() -> None:
    heavy = ("sqlalchemy", "ale_py", "scipy")
    code = f"import sys, arena.scoreboard.results; sys.exit(any(name in sys.modules for name in {heavy!r}))"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3]).returncode == 0
