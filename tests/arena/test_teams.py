"""Teams."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.teams import Person, read_people, shuffled_teams
from envs.errors import EventError


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
