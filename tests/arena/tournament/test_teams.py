"""Teams."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from agents.player import Kind
from arena.event.log import Entry
from arena.scoreboard.results import Result
from arena.scoreboard.server_tables import Role, SubmissionRow
from arena.scoreboard.store import Scoreboard
from arena.server.access.tokens import Tokens
from arena.server.clock import Clock
from arena.tournament.model import state_of
from arena.tournament.qualification import qualified
from arena.tournament.standings import rounds, standings
from arena.tournament.teams import Person, drawn_teams, read_people, shuffled_teams, team_entries, team_standings
from envs.errors import EventError
from envs.rules import named_rules
from envs.step import End


def pairs(teams: list[list[Person]]) -> int:
    """Pairs of one department in one team."""
    return sum(n * (n - 1) // 2 for team in teams for n in Counter(p.department for p in team).values())


def people(sizes: list[int]) -> list[Person]:
    return [Person(f"{d}-{i}", f"D{d}") for d, size in enumerate(sizes) for i in range(size)]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(1, 8), st.integers(0, 99))
def test_teams_are_even_and_mixed(sizes: list[int], count: int, seed: int) -> None:
    everybody = people(sizes)
    count = min(count, len(everybody))
    teams = shuffled_teams(everybody, count, seed)
    assert sorted(p.name for team in teams for p in team) == sorted(p.name for p in everybody)
    assert max(map(len, teams)) - min(map(len, teams)) <= 1
    for department, size in enumerate(sizes):
        found = [sum(p.department == f"D{department}" for p in team) for team in teams]
        assert max(found) <= -(-size // count)
    assert teams == shuffled_teams(list(reversed(everybody)), count, seed)


@pytest.mark.parametrize(("sizes", "count"), [([3, 2, 1], 2), ([4, 2], 3), ([2, 2, 2], 3), ([5, 1], 3)])
def test_no_other_teams_are_better(sizes: list[int], count: int) -> None:
    everybody = people(sizes)
    best = min(pairs([list(order[i::count]) for i in range(count)]) for order in permutations(everybody))
    assert pairs(shuffled_teams(everybody, count, 1)) == best


def test_the_draw_differs_with_its_seed() -> None:
    assert len({str(shuffled_teams(people([4, 4, 4]), 3, seed)) for seed in range(10)}) > 5


def test_lists_as_offices_write_them() -> None:
    found = read_people("\ufeffName;Department;Room\n Mia  B. ;Sales;3\nJosé;R&D;4\n", "x.csv")
    assert found == [Person("Mia B.", "Sales"), Person("José", "R&D")]
    assert read_people("name,department,Bot\nMia,Sales,Mia's bot\nBen,,\n", "x.csv") == [
        Person("Mia", "Sales", "Mia's bot"),
        Person("Ben", ""),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("who,where\na,b\n", "columns name and department"),
        ("name,department\n,x\na,x\na,y\n", "line 2.*line 4: 'a' is there twice"),
        ("name,department\n", "names nobody"),
    ],
)
def test_lists_that_cant_be_used(text: str, said: str) -> None:
    with pytest.raises(EventError, match=said):
        read_people(text, "x.csv")


def test_more_teams_than_people() -> None:
    with pytest.raises(EventError, match="2 people can make 1 to 2 teams, not 3"):
        shuffled_teams(people([2]), 3, 0)


# -- in a tournament -------------------------------------------------------------------------------------------------

RULES = {game: named_rules(game) for game in ("breakout", "ms_pacman")}
BOT = "ab" * 32


@pytest.fixture(params=["sqlite", "postgres"])
def board(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scoreboard]:
    place = tmp_path / "a.sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with Scoreboard.open(place) as found:
        yield found


def played(board: Scoreboard, player: str, kind: Kind, artifact: str | None = None, **scores: int) -> None:
    for game, score in scores.items():
        rules, sha = RULES[game], hashlib.sha256(f"{player} {game}".encode()).hexdigest()
        board.add(
            Result(
                player=player, kind=kind, artifact_sha256=artifact, game=game, rules_id=rules.rules_id,
                rules_label=rules.label, seed=1, score=score, frames=10, end=End.TERMINATED, recording_sha256=sha,
                digest=sha, recording_name=f"{sha}.arena.zip", started_at=NOW, verified_at=NOW,
            )
        )  # fmt: skip


NOW = datetime(2026, 1, 1, tzinfo=UTC)


def submitted(board: Scoreboard, owner: str, **bots: str) -> None:
    """Let a new participant hand in bots; each is a name and the hash of its file."""
    made, _ = Tokens(board, Clock()).add(Role.PARTICIPANT, owner)
    with board.writing() as session:
        for name, artifact in bots.items():
            row = {"token": made.id, "key": name, "body_sha256": "", "name": name, "game": "ms_pacman", "rules_id": ""}
            row |= {"rules": "", "artifact_sha256": artifact, "state": "done", "reason": "", "played": 1, "planned": 1}
            row |= {"attempts": 1, "worker": "", "beat": 0, "received_at": NOW}
            session.execute(insert(SubmissionRow).values(**row))


def test_no_more_bots_of_one_person_qualify_than_the_quota_says(board: Scoreboard, tmp_path: Path) -> None:
    shas = {}
    for score, name in enumerate(("Third", "Second", "First", "Other"), start=1):
        (tmp_path / f"{name}.zip").write_bytes(name.encode())
        shas[name] = hashlib.sha256(name.encode()).hexdigest()
        played(board, name, Kind.BOT, shas[name], breakout=10 * score, ms_pacman=100 - score)
    submitted(board, "Zoe", First=shas["First"], Second=shas["Second"], Third=shas["Third"])

    def bots(each: int | None) -> set[str]:
        return {one.name for one in qualified(board, RULES, 1, 2, tmp_path, each)}

    assert bots(None) == {"Other", "First", "Third", "Second"}, "the best two of each game"
    assert bots(1) == {"Other", "First"}
    assert bots(2) == {"Other", "First", "Third"}


def test_a_team_sends_its_best_player_and_its_best_bot(board: Scoreboard) -> None:
    played(board, "Mia", Kind.HUMAN, breakout=10, ms_pacman=10)
    played(board, "Ben", Kind.HUMAN, breakout=30)
    played(board, "Zoe", Kind.HUMAN, breakout=20, ms_pacman=20)
    played(board, "script:basic", Kind.SCRIPT, breakout=5, ms_pacman=5)
    played(board, "script:basic, 200 ms", Kind.SCRIPT, breakout=50, ms_pacman=50)
    played(board, "Eater", Kind.BOT, BOT, ms_pacman=70)
    submitted(board, "Zoe", Eater=BOT)
    teams = {
        "Team 1": [Person("Mia", "A", "script:basic"), Person("Ben", "B"), Person("Nobody", "C")],
        "Team 2": [Person("Zoe", "A")],
        "Team 3": [Person("Late", "A")],
    }
    found = team_entries(board, RULES, teams, {BOT: "eater.zip"})
    assert [(one.team, one.name, one.agent, one.games) for one in found] == [
        ("Team 1", "Ben", None, None),
        ("Team 1", "script:basic", "script:basic", None),
        ("Team 2", "Zoe", None, None),
        ("Team 2", "Eater", "eater.zip", ("ms_pacman",)),
    ]
    with pytest.raises(EventError, match="No member of any team"):
        team_entries(board, RULES, {"Team 3": teams["Team 3"]}, {})
    with pytest.raises(EventError, match="Eater qualifies, but its file"):
        team_entries(board, RULES, teams, {})


def test_the_table_of_teams_is_the_sum_of_its_players_and_they_dont_meet() -> None:
    entrants = [
        {"name": name, "kind": kind, "agent": None if kind == "human" else name, "team": team}
        for name, kind, team in (
            ("Mia", "human", "Team 1"), ("x", "script", "Team 1"),
            ("Zoe", "human", "Team 2"), ("y", "script", "Team 2"),
        )
    ]  # fmt: skip
    plan = {
        "name": "t", "title": "T", "format": "round robin", "rules": {"breakout": RULES["breakout"]},
        "entrants": entrants, "series": {"kind": "best of", "n": 2},
    }  # fmt: skip
    entries = [Entry("tournament:t", 1, "", "new", plan, "")]
    for name, score in {"Mia": 4, "x": 1, "Zoe": 3, "y": 2}.items():
        for index in range(2):
            body = {"stage": "round 1", "game": "breakout", "index": index, "player": name, "seed": index}
            body |= {"score": score, "frames": 1, "end": "terminated", "recording": "r", "sha256": f"{name}{index}"}
            entries.append(Entry("tournament:t", len(entries) + 1, "", "score", body, ""))
    state = state_of(entries)
    assert [(duel.a, duel.b) for duel in rounds(state)[0]] == [("Mia", "Zoe"), ("Mia", "y"), ("x", "Zoe"), ("x", "y")]
    lines = standings(state)
    assert {line.player: (line.won, line.lost) for line in lines} == {
        "Mia": (2, 0), "Zoe": (1, 1), "y": (1, 1), "x": (0, 2),
    }  # fmt: skip
    table = team_standings(lines, state.entrants)
    assert [(one.place, one.team, one.points, one.seeds_won) for one in table] == [
        (1, "Team 1", 4, 4), (1, "Team 2", 4, 4),
    ]  # fmt: skip
    assert set(table[0].members) == {"Mia", "x"}
    assert team_standings(lines, [one.model_copy(update={"team": None}) for one in state.entrants]) == []


def test_teams_are_those_that_were_drawn_last() -> None:
    with pytest.raises(EventError, match="No teams were drawn"):
        drawn_teams([])
    lines = [[[{"name": name, "department": "A"}]] for name in ("Mia", "Zoe")]
    entries = [Entry("event", i, "", "teams", {"seed": 0, "teams": teams}, "") for i, teams in enumerate(lines, 1)]
    assert drawn_teams(entries) == {"Team 1": [Person("Zoe", "A")]}
