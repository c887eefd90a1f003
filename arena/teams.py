"""Teams from a list of people and their departments."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass

from envs.errors import ArenaError, EventError, shown
from envs.names import check_name

MOST_PEOPLE = 10_000


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    department: str


def read_people(text: str, where: str) -> list[Person]:
    """Return the people of a CSV file with the columns `name` and `department` (others are passed over).

    Args:
        text: the file's, with a header; commas or semicolons.
        where: what a message calls the file.

    Raises:
        EventError: it can't be used; every line with a mistake is named.
    """
    first = text.lstrip("\ufeff").split("\n", 1)[0]
    rows = csv.DictReader(
        io.StringIO(text.lstrip("\ufeff")), delimiter=";" if first.count(";") > first.count(",") else ","
    )
    columns = [(column or "").strip().lower() for column in rows.fieldnames or []]
    missing = {"name", "department"} - set(columns)
    if missing:
        raise EventError(f"{where} needs the columns name and department in its first line; it has {shown(first)}.")
    people: list[Person] = []
    wrong: list[str] = []
    for number, row in enumerate(rows, start=2):
        values = dict(zip(columns, row.values(), strict=False))
        try:
            person = Person(check_name(values["name"] or ""), " ".join((values["department"] or "").split()))
        except ArenaError as error:
            wrong.append(f"line {number}: {error}")
            continue
        if any(other.name == person.name for other in people):
            wrong.append(f"line {number}: {shown(person.name)} is there twice")
        people.append(person)
    if wrong:
        raise EventError(f"{where} has {len(wrong)} lines that can't be used: {'; '.join(wrong[:10])}")
    if not people:
        raise EventError(f"{where} names nobody.")
    return people


def shuffled_teams(people: Sequence[Person], count: int, seed: int) -> list[list[Person]]:
    """Return `count` teams whose sizes differ by one at most, with as few people of one department together as can be.

    Departments are dealt like cards, one after the other around the table, so every team gets the same number of each
    department, or one more or less: two of one department share a team only where there are more of them than teams.
    No other teams do better: pairs of one department are fewest when it is spread evenly. Which departments come
    first, and who of a department goes where, is drawn.

    Args:
        people: everybody.
        count: number of teams, at most as many as people.
        seed: of the draw; the same gives the same teams.

    Raises:
        EventError: there are fewer people than teams.
    """
    if not 1 <= count <= len(people):
        raise EventError(f"{len(people)} people can make 1 to {len(people)} teams, not {count}.")
    rng = random.Random(seed)
    departments: dict[str, list[Person]] = {}
    for person in sorted(people, key=lambda one: one.name):
        departments.setdefault(person.department.casefold(), []).append(person)
    order = sorted(departments)
    rng.shuffle(order)
    dealt: list[Person] = []
    for department in order:
        rng.shuffle(departments[department])
        dealt += departments[department]
    teams: list[list[Person]] = [dealt[i::count] for i in range(count)]
    rng.shuffle(teams)
    return teams
