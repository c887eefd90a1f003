"""What stands in event.toml: the template of a new one, and a check that names every mistake at once."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from envs.errors import ArenaError, EventError, shown, tidy
from envs.games import find_game
from envs.rules import CLASSES
from envs.text_files import parse_toml

TEMPLATE = """\
# One event of the arena. Everything it produces lies beside this file. Lines with a # are what holds if nothing is
# said; take the # away to say something else. `arena event status` checks this file and names every mistake.

name = {name}
# games = ["breakout", "ms_pacman", "space_invaders"]   # in the order of the evening
# rules = "5min"                                        # "5min" or "30min" of play at most
# url = "http://192.168.1.10:8000"       # of the scoreboard: kiosk and stage show it as text and as a QR code

[dates]                                  # said to everybody, with a time zone; arena event freeze and the like do it
# opens = 2026-11-02T09:00:00+01:00      # from when people train and practise
# freezes = 2026-11-20T18:00:00+01:00    # until when bots may be handed in
# final = 2026-11-23T18:00:00+01:00

[quotas]                                 # per person
# attempts_per_day = 30                  # ranked games at the stations, in each game
# submissions_per_day = 5                # bots handed in
# bots = 2                               # bots handed in that may qualify for one tournament

[stations]
# names = ["Station 1", "Station 2"]     # where people play ranked games

[seeds]
# practice = 100                         # the public leaderboard counts practice seeds 0 to this, exclusive
# entropy = "the six numbers of the lottery drawn on the evening after submissions close"   # named before, known after

[final]
# people = 4                             # the best so many people of each game qualify
# bots = 4                               # and so many bots
# seeds = 10                             # per game
"""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _known_game(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a game's name must be a text")
    try:
        return find_game(value).name
    except ArenaError as error:
        raise ValueError(str(error)) from None


def _known_rules(value: object) -> object:
    if value not in CLASSES:
        raise ValueError(f"expected one of {', '.join(CLASSES)}")
    return value


def is_address(value: object) -> bool:
    """Whether `value` can be the address of a scoreboard; an empty one stands for none."""
    return isinstance(value, str) and (value == "" or re.fullmatch(r"https?://[!-~]{1,200}", value) is not None)


def _address(value: object) -> object:
    if not is_address(value):
        raise ValueError("expected an address that begins with http:// or https://")
    return value


Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
GameName = Annotated[str, BeforeValidator(_known_game)]
Address = Annotated[str, BeforeValidator(_address)]


class Dates(_Table):
    """What isn't fixed yet is None."""

    opens: AwareDatetime | None = None
    freezes: AwareDatetime | None = None
    final: AwareDatetime | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        known = [(name, when) for name, when in self if when is not None]
        for (first, earlier), (second, later) in pairwise(known):
            if not earlier < later:
                raise ValueError(f"{first} must be before {second}")
        return self


class Quotas(_Table):
    """Limits for one person."""

    attempts_per_day: Annotated[int, Field(ge=1, le=1000)] = 30
    submissions_per_day: Annotated[int, Field(ge=1, le=1000)] = 5
    bots: Annotated[int, Field(ge=1, le=100)] = 2


class Stations(_Table):
    names: tuple[Line, ...] = Field(default=("Station 1", "Station 2"), strict=False)


class SeedPolicy(_Table):
    practice: Annotated[int, Field(ge=1, le=2**20)] = 100
    """Practice seeds 0 to this, exclusive, are what the public leaderboard counts."""
    entropy: Line | None = None
    """Which public number will be mixed into the seeds: named before submissions close, known only afterwards."""


class FinalSettings(_Table):
    people: Annotated[int, Field(ge=1, le=100)] = 4
    bots: Annotated[int, Field(ge=1, le=200)] = 4
    seeds: Annotated[int, Field(ge=1, le=1000)] = 10


class EventSettings(_Table):
    """All of event.toml."""

    name: Line
    games: tuple[GameName, ...] = Field(default=("breakout", "ms_pacman", "space_invaders"), min_length=1, strict=False)
    rules: Annotated[str, BeforeValidator(_known_rules)] = "5min"
    url: Address = ""
    """Of the scoreboard, shown to people; empty: see `arena.event.folder.server_url`."""
    dates: Dates = Dates()
    quotas: Quotas = Quotas()
    stations: Stations = Stations()
    seeds: SeedPolicy = SeedPolicy()
    final: FinalSettings = FinalSettings()

    @model_validator(mode="after")
    def _each_game_once(self) -> Self:
        twice = sorted({game for game in self.games if self.games.count(game) > 1})
        if twice:
            raise ValueError(f"games names {', '.join(twice)} more than once")
        return self


def template(name: str) -> str:
    """Return the text of a new event.toml."""
    return TEMPLATE.format(name=json.dumps(name, ensure_ascii=False))


def read_settings(content: bytes, where: str) -> EventSettings:
    """Check and return what stands in an event.toml.

    Args:
        content: the file's bytes.
        where: what a message calls the file.

    Raises:
        EventError: it is no TOML, or something in it can't be; every mistake is named.
    """
    table = parse_toml(content, where)
    try:
        return EventSettings.model_validate(table)
    except ValidationError as error:
        mistakes = list(dict.fromkeys(_mistakes(error)))
    if len(mistakes) == 1:
        raise EventError(f"{where} has a mistake: {mistakes[0]}.")
    listed = "; ".join(f"({number}) {mistake}" for number, mistake in enumerate(mistakes, start=1))
    raise EventError(f"{where} has {len(mistakes)} mistakes: {listed}.")


def _mistakes(error: ValidationError) -> Iterator[str]:
    for one in error.errors(include_url=False):
        place = ".".join(str(part) for part in one["loc"])
        if one["type"] == "missing":
            yield f"{place} is missing"
        elif one["type"] == "extra_forbidden":
            yield f"{tidy(place, 80)} is no setting{_meant(one['loc'])}"
        else:
            what = tidy(one["msg"]).removeprefix("Value error, ").rstrip(".")
            what = what[:1].lower() + what[1:]
            came = "" if isinstance(one["input"], (dict, datetime)) else f", not {shown(one['input'])}"
            if what.startswith("there is no game"):
                came = ""
            yield f"{f'{place}: ' if place else ''}{what}{came}"


def _meant(place: tuple[int | str, ...]) -> str:
    """Return what a setting with a wrong name probably meant."""
    table: Any = EventSettings
    for part in place[:-1]:
        field = table.model_fields.get(part) if isinstance(part, str) else None
        if field is None or not isinstance(field.default, BaseModel):
            return ""
        table = type(field.default)
    near = difflib.get_close_matches(str(place[-1]), table.model_fields, n=1, cutoff=0.5)
    return f" (did you mean {near[0]}?)" if near else f" (there are {', '.join(table.model_fields)})"
