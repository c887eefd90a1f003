"""What a scoreboard does on every database. A test class per database inherits this and says where the database is."""

from __future__ import annotations

import itertools
import multiprocessing
import random
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from multiprocessing.connection import Connection
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.player import Kind
from arena.scoreboard import (
    migrations,
    server_tables,  # noqa: F401  # their classes belong to the metadata
)
from arena.scoreboard.database import database_url, make_engine
from arena.scoreboard.results import SEED_LIMIT, Result, RulesClass
from arena.scoreboard.store import Scoreboard
from arena.scoreboard.tables import Base
from arena.stats.comparison import summary
from envs.errors import PlayerNameError, ScoreboardError
from envs.names import check_name
from envs.step import End

FIVE, THIRTY = "5" * 64, "3" * 64
START = datetime(2026, 5, 1, 18, 30, 0, 123456, tzinfo=UTC)
SCRIPTS = ScriptDirectory(migrations.__path__[0])
EARLIER = [script.revision for script in SCRIPTS.walk_revisions() if script.revision != migrations.HEAD]

methods = multiprocessing.get_all_start_methods()
processes: Any = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
if "forkserver" in methods:
    processes.set_forkserver_preload(["sqlalchemy.orm", "alembic.command", "scipy.stats", "pytest", "hypothesis"])


def result(number: int, **changes: Any) -> Result:
    """One of many results, all different."""
    values = {
        "player": "Ann",
        "kind": Kind.HUMAN,
        "artifact_sha256": None,
        "game": "breakout",
        "rules_id": FIVE,
        "rules_label": "5min",
        "seed": number,
        "score": 10 * number,
        "frames": 18_000,
        "end": End.TRUNCATED,
        "recording_sha256": f"{number:064x}",
        "digest": f"{number:064x}",
        "recording_name": f"{number}.arena.zip",
        "started_at": START + timedelta(minutes=number),
        "verified_at": START + timedelta(minutes=number, seconds=5),
    }
    return Result(**values | changes)


def add_all(url: str, numbers: list[int], acknowledged: Connection) -> None:
    """What a second program does: say that it begins, open the scoreboard, add results, and tell the number of each
    one that was new."""
    acknowledged.send("begun")
    with Scoreboard.open(url) as board:
        for number in numbers:
            if board.add(result(number)):
                acknowledged.send(number)
    acknowledged.close()


def start_adding(url: str, numbers: list[int]) -> tuple[Any, Connection]:
    receiving, sending = processes.Pipe(duplex=False)
    process = processes.Process(target=add_all, args=(url, numbers, sending))
    process.start()
    sending.close()
    assert receiving.recv() == "begun"
    return process, receiving


def open_at_once(url: str, barrier: Any) -> None:
    barrier.wait(300)
    with Scoreboard.open(url):
        pass


def received(receiving: Connection) -> list[int]:
    """Everything that was acknowledged until the process ended."""
    numbers = []
    with receiving:
        while True:
            try:
                numbers.append(receiving.recv())
            except (EOFError, OSError):
                return numbers


def is_name(text: str) -> bool:
    try:
        return bool(check_name(text))
    except PlayerNameError:
        return False


plain_text = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=64)
hexadecimal = st.binary(min_size=32, max_size=32).map(bytes.hex)
times = st.datetimes(
    datetime(2, 1, 3),
    datetime(9998, 12, 30),
    timezones=st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
any_result = st.builds(
    Result,
    player=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=32).filter(is_name),
    kind=st.sampled_from(Kind),
    artifact_sha256=st.none() | hexadecimal,
    game=plain_text,
    rules_id=hexadecimal,
    rules_label=plain_text,
    seed=st.integers(0, SEED_LIMIT - 1),
    score=st.integers(-(10**9), 10**9) | st.floats(-1e14, 1e14),
    frames=st.integers(0, 2**31 - 1),
    end=st.sampled_from(End),
    recording_sha256=hexadecimal,
    digest=hexadecimal,
    recording_name=st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="/\\"), min_size=1),
    started_at=times,
    verified_at=times,
)


class ScoreboardContract:
    @pytest.fixture
    def url(self) -> str:
        """The address of an empty database."""
        raise NotImplementedError

    def impatient(self, url: str) -> str:
        """The same database, but a lock is waited for at most a fifth of a second."""
        raise NotImplementedError

    def write_lock(self, url: str) -> AbstractContextManager[object]:
        """Another program that holds the database so that nobody else can write."""
        raise NotImplementedError

    def check_files(self, url: str) -> None:
        """Fail if the database finds its own files damaged."""

    @pytest.fixture
    def board(self, url: str) -> Iterator[Scoreboard]:
        with Scoreboard.open(url) as board:
            yield board

    # -- results -----------------------------------------------------------------------------------------------------

    def test_a_result_is_there_after_reopening(self, url: str) -> None:
        with Scoreboard.open(url) as board:
            assert board.add(result(1)) is True
        with Scoreboard.open(url) as board:
            assert board.results() == [result(1)]

    def test_the_same_recording_is_stored_once(self, board: Scoreboard) -> None:
        assert board.add(result(1)) is True
        assert board.add(result(1)) is False
        assert board.add(result(1, score=999_999, player="Eve", rules_label="other", game="pacman")) is False
        assert board.results() == [result(1)]
        assert [standing.episodes for standing in board.standings("breakout", FIVE)] == [1]
        assert board.standings("pacman", FIVE) == []
        assert board.classes() == [RulesClass("breakout", FIVE, "5min")]

    def test_a_machine_has_one_game_per_seed(self, board: Scoreboard) -> None:
        whole = result(1, kind=Kind.BOT, artifact_sha256="a" * 64, end=End.TERMINATED)
        parts = [
            replace(whole, end=End.QUIT, frames=n, recording_sha256=f"{n:064x}", digest=f"{n:064x}")
            for n in (500, 600, 700)
        ]
        assert [board.add(one) for one in (parts[0], parts[1], whole, parts[2])] == [True, False, True, False]
        assert board.results() == [whole]
        (standing,) = board.standings("breakout", FIVE)
        assert (standing.episodes, standing.mean) == (1, whole.score)

    def test_every_attempt_of_a_person_counts_but_no_copy(self, board: Scoreboard) -> None:
        attempt = result(1)
        other = result(1, recording_sha256="b" * 64, digest="b" * 64)
        copy = replace(attempt, recording_sha256="c" * 64, started_at=START)
        assert [board.add(one) for one in (attempt, other, copy)] == [True, True, False]
        left_at_once = [result(2, frames=0, recording_sha256=c * 64, digest="e" * 64) for c in "de"]
        assert [board.add(one) for one in left_at_once] == [True, True]
        assert [standing.episodes for standing in board.standings("breakout", FIVE)] == [4]

    def test_results_come_last_first_and_filtered(self, board: Scoreboard) -> None:
        ann, bob = result(1), result(2, player="Bob")
        longer, other = result(3, rules_id=THIRTY, rules_label="30min"), result(4, game="pacman")
        for one in (ann, bob, longer, other):
            board.add(one)
        assert board.results() == [other, longer, bob, ann]
        assert board.results(limit=2) == [other, longer]
        assert board.results(limit=0) == []
        assert board.results(game="breakout") == [longer, bob, ann]
        assert board.results(rules_id=FIVE) == [other, bob, ann]
        assert board.results(player="Ann", game="breakout", limit=1) == [longer]
        assert board.results(player="ann") == []

    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(drawn=any_result)
    def test_every_result_comes_back_as_it_was(self, board: Scoreboard, drawn: Result) -> None:
        new = board.add(drawn)
        same = (drawn.recording_sha256, drawn.play)
        found = next(r for r in board.results() if r.recording_sha256 in same or r.play in same)
        if new:
            assert found == drawn
        assert found.started_at.tzinfo is UTC
        assert found.verified_at.tzinfo is UTC

    def test_times_keep_the_instant_and_become_utc(self, board: Scoreboard) -> None:
        tokyo = timezone(timedelta(hours=9))
        board.add(result(1, started_at=datetime(2026, 1, 1, 8, 0, tzinfo=tokyo)))
        (found,) = board.results()
        assert found.started_at.isoformat() == "2025-12-31T23:00:00+00:00"
        (standing,) = board.standings("breakout", FIVE)
        assert standing.last_played.isoformat() == "2025-12-31T23:00:00+00:00"

    # -- standings ---------------------------------------------------------------------------------------------------

    def test_a_standing_says_what_the_statistics_say(self, board: Scoreboard) -> None:
        scores = [3, 0, 12, 7, 7, 431, 2]
        for number, score in enumerate(scores):
            board.add(result(number, score=score))
        expected = summary(scores)
        (standing,) = board.standings("breakout", FIVE)
        assert (standing.rank, standing.player, standing.kind, standing.artifact_sha256) == (1, "Ann", "human", None)
        assert (standing.episodes, standing.best) == (7, 431)
        assert (standing.mean, standing.median) == (expected.mean, expected.median)
        assert (standing.low, standing.high) == (expected.low, expected.high)
        assert standing.last_played == result(6).started_at

    def test_one_episode_has_no_interval(self, board: Scoreboard) -> None:
        board.add(result(1))
        (standing,) = board.standings("breakout", FIVE)
        assert (standing.low, standing.high) == (None, None)

    def test_last_played_is_the_latest_start_not_the_latest_arrival(self, board: Scoreboard) -> None:
        board.add(result(9))
        board.add(result(2))
        assert board.standings("breakout", FIVE)[0].last_played == result(9).started_at

    def test_players_with_equal_means_share_a_rank(self, board: Scoreboard) -> None:
        scores = {"Ann": [1, 2], "Bob": [5], "Cid": [1, 1, 2, 2], "Dan": [0], "Eve": [2, 1, 1, 2, 1, 2]}
        numbers = itertools.count()
        for player, points in scores.items():
            for score in points:
                board.add(result(next(numbers), player=player, score=score))
        ranks = [(standing.rank, standing.player) for standing in board.standings("breakout", FIVE)]
        assert ranks == [(1, "Bob"), (2, "Ann"), (2, "Cid"), (2, "Eve"), (5, "Dan")]

    def test_rules_classes_never_mix(self, board: Scoreboard) -> None:
        board.add(result(1))
        board.add(result(2, rules_id=THIRTY, rules_label="30min"))
        board.add(result(3, game="pacman"))
        assert [standing.mean for standing in board.standings("breakout", FIVE)] == [10]
        assert [standing.mean for standing in board.standings("breakout", THIRTY)] == [20]
        assert [standing.mean for standing in board.standings("pacman", FIVE)] == [30]
        assert board.standings("pacman", THIRTY) == []
        assert board.classes() == [
            RulesClass("breakout", THIRTY, "30min"),
            RulesClass("breakout", FIVE, "5min"),
            RulesClass("pacman", FIVE, "5min"),
        ]

    def test_another_version_of_a_bot_is_another_player(self, board: Scoreboard) -> None:
        for number, artifact in enumerate(["a" * 64, "b" * 64, None, "a" * 64]):
            board.add(result(number, player="Bot", kind=Kind.BOT, artifact_sha256=artifact))
        board.add(result(9, player="Bot"))
        found = {(s.kind, s.artifact_sha256): s.episodes for s in board.standings("breakout", FIVE)}
        assert found == {("bot", "a" * 64): 2, ("bot", "b" * 64): 1, ("bot", None): 1, ("human", None): 1}

    def test_the_newest_label_holds(self, board: Scoreboard) -> None:
        board.add(result(1, rules_label=FIVE[:8]))
        board.add(result(2, rules_label="5min"))
        assert {one.rules_label for one in board.results()} == {"5min"}

    # -- several programs --------------------------------------------------------------------------------------------

    def test_programs_open_a_new_database_at_the_same_instant(self, url: str) -> None:
        barrier = processes.Barrier(8)
        openers = [processes.Process(target=open_at_once, args=(url, barrier)) for _ in range(8)]
        for process in openers:
            process.start()
        for process in openers:
            process.join()
        assert [process.exitcode for process in openers] == [0] * 8
        with Scoreboard.open(url) as board:
            assert board.results() == []

    def test_programs_add_to_a_new_database_at_once(self, url: str) -> None:
        shared = list(range(100, 115))
        workers = [start_adding(url, [*range(10 * i, 10 * i + 10), *shared]) for i in range(4)]
        acknowledged = [number for _, receiving in workers for number in received(receiving)]
        for process, _ in workers:
            process.join()
            assert process.exitcode == 0
        assert sorted(acknowledged) == [*range(40), *shared]
        with Scoreboard.open(url) as board:
            results = board.results()
            assert sorted(one.seed for one in results) == [*range(40), *shared]
            (standing,) = board.standings("breakout", FIVE)
            assert standing.episodes == 55
            assert standing.mean == summary([one.score for one in results]).mean

    def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(self, url: str) -> None:
        chance = random.Random(7)
        acknowledged: set[int] = set()
        for kill in range(20):
            process, receiving = start_adding(url, list(range(1000 * kill, 1000 * kill + 1000)))
            if kill < 6:  # while they open the database, or make its tables
                time.sleep(chance.uniform(0, 0.3))
            else:
                acknowledged |= {receiving.recv() for _ in range(chance.randrange(1, 5))}
                time.sleep(chance.uniform(0, 0.03))
            process.kill()
            acknowledged |= set(received(receiving))
            process.join()
        assert acknowledged
        with Scoreboard.open(url) as board:
            results = board.results()
            (standing,) = board.standings("breakout", FIVE)
        numbers = {int(one.recording_sha256, 16) for one in results}
        assert acknowledged <= numbers
        assert len(numbers - acknowledged) <= 20, "at most one addition per kill was done and not yet told"
        assert sorted(results, key=lambda one: one.seed) == [result(number) for number in sorted(numbers)]
        expected = summary([one.score for one in results])
        assert (standing.episodes, standing.mean, standing.low) == (expected.n, expected.mean, expected.low)
        self.check_files(url)

    def test_a_locked_database_is_said_to_be_locked(self, url: str) -> None:
        with Scoreboard.open(self.impatient(url)) as board:
            board.add(result(1))
            with self.write_lock(url):
                with pytest.raises(ScoreboardError, match="is locked by another program"):
                    board.add(result(2))
                assert board.results() == [result(1)], "reading goes on"
            assert board.add(result(2)) is True

    # -- versions ----------------------------------------------------------------------------------------------------

    def test_the_tables_are_those_of_the_classes(self, url: str) -> None:
        with Scoreboard.open(url):
            pass
        engine = make_engine(database_url(url))
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"version_table": migrations.VERSION_TABLE})
            assert compare_metadata(context, Base.metadata) == []
        engine.dispose()

    def test_a_newer_database_is_refused_and_left_alone(self, url: str) -> None:
        with Scoreboard.open(url) as board:
            board.add(result(1))
        set_version(url, "9999")
        with pytest.raises(ScoreboardError, match=r"made by a newer arena: its tables have version 9999.*update"):
            Scoreboard.open(url)
        set_version(url, migrations.HEAD)
        with Scoreboard.open(url) as board:
            assert board.results() == [result(1)]

    @pytest.mark.parametrize("revision", EARLIER)
    def test_every_earlier_version_is_brought_up_to_date(self, url: str, revision: str) -> None:
        engine = make_engine(database_url(url))
        with engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
            assert migrations.upgrade(connection, revision) is True
            for statement in ROWS_OF_VERSION_1:
                connection.execute(sa.text(statement))
        engine.dispose()
        expected = [
            result(number, score=score, player="Zoë 🎮", recording_sha256=str(number) * 64, digest=str(number) * 64)
            for number, score in ((2, 40), (1, 20))
        ]
        for _ in range(2):
            with Scoreboard.open(url) as board:
                assert board.results() == expected
                (standing,) = board.standings("breakout", FIVE)
                assert (standing.episodes, standing.mean, standing.best) == (2, 30, 40)
                assert standing.last_played == result(2).started_at

    def test_there_is_one_newest_version(self) -> None:
        assert SCRIPTS.get_heads() == [migrations.HEAD]

    def test_a_database_of_another_program_is_refused_and_left_alone(self, url: str) -> None:
        engine = make_engine(database_url(url))
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE customers (id INTEGER)"))
        with pytest.raises(ScoreboardError, match="belongs to another program: it has the tables customers"):
            Scoreboard.open(url)
        assert sa.inspect(engine).get_table_names() == ["customers"]
        engine.dispose()


ROWS_OF_VERSION_1 = [
    "INSERT INTO players VALUES (1, 'Zoë 🎮', 'human', '')",
    f"INSERT INTO rules VALUES (1, 'breakout', '{FIVE}', '5min')",
    *(
        f"INSERT INTO episodes VALUES ({n}, 1, 1, {n}, {20 * n}, 18000, 'truncated',"
        f" '{str(n) * 64}', '{str(n) * 64}', '{str(n) * 64}', '{n}.arena.zip',"
        f" '2026-05-01 18:3{n}:00.123456', '2026-05-01 18:3{n}:05.123456')"
        for n in (1, 2)
    ),
]
"""Written out as the first version stored them, so that no later change of ours can change them too."""


def set_version(url: str, version: str) -> None:
    engine = make_engine(database_url(url))
    with engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE {migrations.VERSION_TABLE} SET version_num = '{version}'"))
    engine.dispose()
