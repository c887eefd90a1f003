"""Teams from a list of people and their departments, and what each sends into a tournament: its best player and its
best bot."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agents.delay import is_delayed
from agents.player import Kind
from arena.event.log import Entry
from arena.scoreboard.results import Standing
from arena.tournament.model import Entrant
from arena.tournament.qualification import entrant_of, owners_of_bots
from arena.tournament.standings import StandingsLine
from envs.errors import ArenaError, EventError, shown
from envs.names import check_name

if TYPE_CHECKING:
    from arena.scoreboard.store import Scoreboard
    from envs.rules import Rules


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    department: str
    bot: str = ""
    """What the scoreboard calls this person's bot, if the list says so."""


def read_people(text: str, where: str) -> list[Person]:
    """Return the people of a CSV file with the columns `name` and `department`, and `bot` if there is one (others
    are passed over).

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
            bot = check_name(values["bot"]) if (values.get("bot") or "").strip() else ""
            person = Person(check_name(values["name"] or ""), " ".join((values["department"] or "").split()), bot)
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


# -- in a tournament -------------------------------------------------------------------------------------------------


def drawn_teams(entries: Iterable[Entry]) -> dict[str, list[Person]]:
    """Return the teams that were drawn last, by name.

    Args:
        entries: the event's stream of the log.

    Raises:
        EventError: none were drawn.
    """
    drawn = [entry.body["teams"] for entry in entries if entry.kind == "teams"]
    if not drawn:
        raise EventError("No teams were drawn yet: arena event teams CSV --teams N.")
    return {f"Team {i}": [Person(**one) for one in team] for i, team in enumerate(drawn[-1], start=1)}


def team_entries(
    board: Scoreboard, rules: Mapping[str, Rules], teams: Mapping[str, Sequence[Person]], files: Mapping[str, str]
) -> list[Entrant]:
    """Return what the teams send: of each its best player and its best bot, as far as they stand on the scoreboard.

    The best is who has the best place on average over all games, people among people and bots among bots; who hasn't
    played a game is last there. A bot is a member's if that member handed it in at the server, or if the list of people
    says so.

    Args:
        rules: by game.
        files: as from `arena.tournament.qualification.files_by_hash`.

    Raises:
        EventError: no team has anybody, or a bot's file can't be found.
    """
    owners = owners_of_bots(board)
    tables = {game: board.standings(game, one.rules_id) for game, one in rules.items()}
    found: list[Entrant] = []
    for title, people in teams.items():
        members, bots = {person.name for person in people}, {person.bot for person in people}
        for human in (True, False):
            places = {game: _places(table, human) for game, table in tables.items()}
            mine = {
                key: standing
                for game in places.values()
                for key, (_, standing) in game.items()
                if standing.player in (members if human else bots) or owners.get(key[2] or "") in members
            }
            if mine:
                sums = {key: sum(_place(game, key) for game in places.values()) for key in mine}
                best = min((total, key[0], key) for key, total in sums.items())[2]
                games = tuple(name for name, game in places.items() if human or best in game)
                found.append(entrant_of(mine[best], games, rules, files).model_copy(update={"team": title}))
    if not found:
        raise EventError("No member of any team stands on the scoreboard under these rules, and no bot of theirs.")
    return found


_Key = tuple[str, Kind, str | None]


def _places(standings: Sequence[Standing], human: bool) -> dict[_Key, tuple[int, Standing]]:
    """Return the places in one game of people, or of bots without a delay."""
    group = [s for s in standings if (s.kind is Kind.HUMAN) is human and not is_delayed(s.player)]
    return {(s.player, s.kind, s.artifact_sha256): (place, s) for place, s in enumerate(group)}


def _place(game: Mapping[_Key, tuple[int, Standing]], key: _Key) -> int:
    return game[key][0] if key in game else len(game)


@dataclass(frozen=True, slots=True)
class TeamLine:
    """One line of the table of teams."""

    place: int
    team: str
    members: tuple[str, ...]
    points: int
    """Two for a duel won by the player or the bot, one for a draw."""
    seeds_won: int

    def plain(self) -> dict[str, Any]:
        return {
            "place": self.place, "team": self.team, "members": list(self.members), "points": self.points,
            "seeds_won": self.seeds_won,
        }  # fmt: skip


def team_standings(lines: Sequence[StandingsLine], entrants: Sequence[Entrant]) -> list[TeamLine]:
    """Return the table of teams: what player and bot of each have won, together. Empty where nobody plays for one."""
    team_of = {entrant.name: entrant.team for entrant in entrants if entrant.team is not None}
    found: dict[str, list[StandingsLine]] = {}
    for line in lines:
        if line.player in team_of:
            found.setdefault(team_of[line.player], []).append(line)
    sums = {
        team: (sum(2 * one.won + one.drawn for one in mine), sum(one.seeds_won for one in mine))
        for team, mine in found.items()
    }
    return [
        TeamLine(1 + sum(other > sums[team] for other in sums.values()), team, members, *sums[team])
        for team in sorted(found, key=lambda team: (-sums[team][0], -sums[team][1], team))
        for members in [tuple(one.player for one in found[team])]
    ]
