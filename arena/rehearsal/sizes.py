"""How large a rehearsed event is (`arena.rehearsal.full_event`), and its event.toml."""

from __future__ import annotations

import json
from dataclasses import dataclass

from arena.rehearsal.scripted_people import ScriptedPerson

TITLE = "Rehearsal with scripted keyboards"
STATION = "Station {}"

SETTINGS = """\
name = {name}
games = {games}

[stations]
names = {stations}

[seeds]
entropy = "six dice, thrown by this machine after submissions close"

[final]
people = {people}
bots = {bots}
seeds = {seeds}
"""


@dataclass(frozen=True, slots=True)
class RehearsalSize:
    """How large the event is."""

    games: tuple[str, ...]
    people: tuple[ScriptedPerson, ...]
    training: tuple[str, ...]
    """Options of scripts/train.py."""
    practice: int
    """Practice seeds per game."""
    evaluation: int
    """Hidden seeds that an agent plays that is sent in."""
    best_people: int
    """So many people of each game are in the final,"""
    best_bots: int
    """and so many bots."""
    battle: int
    """Seeds per game of people against bots."""
    duel: int
    """Seeds of the duel."""
    clips: int


EVENING = RehearsalSize(
    games=("breakout", "ms_pacman", "space_invaders"),
    people=(ScriptedPerson("Ada", 0.05), ScriptedPerson("Ben", 0.2), ScriptedPerson("Cem", 0.5)),
    training=("--algo", "dagger", "--steps", "4000", "--episodes", "3"),
    practice=1,
    evaluation=4,
    best_people=2,
    best_bots=1,
    battle=8,
    duel=3,
    clips=2,
)


def settings(size: RehearsalSize) -> str:
    """Return the event.toml of the event."""
    values = {
        "name": TITLE, "games": size.games, "people": size.best_people, "bots": size.best_bots,
        "seeds": size.battle, "stations": stations(size),
    }  # fmt: skip
    return SETTINGS.format_map({name: json.dumps(value) for name, value in values.items()})


def stations(size: RehearsalSize) -> list[str]:
    """Return the names of the stations: one for each person."""
    return [STATION.format(number) for number, _ in enumerate(size.people, start=1)]
