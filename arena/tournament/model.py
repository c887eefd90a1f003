"""A tournament: who plays what by which rules, and what has happened so far.

The state is never stored. It is what comes of replaying the tournament's stream of the log, line by line: after a
crash, on another machine or in an audit the same lines give the same state.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from agents.player import Kind
from arena.event.log import Entry
from arena.tournament.series import BestOf, SeriesRule
from envs.errors import EventError, shown, tidy
from envs.names import check_name
from recordings.recording import Hex256, RulesField

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class Format(StrEnum):
    DUEL = "duel"
    """Two players."""
    ROUND_ROBIN = "round robin"
    """Everybody meets everybody, on the same seeds."""
    KNOCKOUT = "knockout"
    """Who loses is out; each round has seeds of its own."""
    TEAM = "team battle"
    """All people against all bots."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Entrant(_Model):
    """Somebody who plays. The order of a plan's entrants is their seeding."""

    name: Annotated[str, BeforeValidator(check_name)]
    kind: Kind
    agent: Annotated[str, Field(max_length=400)] | None = None
    """As `agents.load.load_player` takes it; None for people."""
    artifact_sha256: Hex256 | None = None
    games: tuple[str, ...] | None = None
    """The games that a bot can play; None if all."""
    team: Annotated[str, Field(max_length=40)] | None = None
    """The team that it plays for."""

    def plays(self, game: str) -> bool:
        return self.games is None or game in self.games

    @property
    def human(self) -> bool:
        return self.kind is Kind.HUMAN


class TournamentPlan(_Model):
    """What is played. The first line of a tournament's stream."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    title: Annotated[str, Field(min_length=1, max_length=80)]
    format: Format
    rules: Annotated[dict[str, RulesField], Field(min_length=1)]
    """By game, in the order in which they are played."""
    entrants: tuple[Entrant, ...]
    series: SeriesRule
    practice: bool = False
    """Whether practice seeds are played: a rehearsal."""

    @property
    def games(self) -> tuple[str, ...]:
        return tuple(self.rules)


def checked_plan(data: dict[str, Any]) -> TournamentPlan:
    """Return the plan with the values of `data`.

    Raises:
        EventError: there can be no such tournament; every reason is named.
    """
    try:
        plan = TournamentPlan.model_validate(data)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {tidy(one['msg'])}" for one in error.errors(include_url=False)[:5]
        )
        raise EventError(f"There can be no such tournament: {wrong}.") from None
    names = [entrant.name for entrant in plan.entrants]
    twice = sorted({name for name in names if names.count(name) > 1})
    kinds = {entrant.human for entrant in plan.entrants}
    partial = [e.name for e in plan.entrants if not all(e.plays(game) for game in plan.games)]
    fixed = plan.format in (Format.ROUND_ROBIN, Format.TEAM)
    wrong_now = [
        (f"{', '.join(partial)} can't play every game of it, as a {plan.format} needs", not fixed and bool(partial)),
        (f"a {plan.format} takes a fixed number of seeds", fixed and not isinstance(plan.series, BestOf)),
        (f"{', '.join(map(shown, twice))} would play twice", bool(twice)),
        (f"a duel has two players, not {len(names)}", plan.format is Format.DUEL and len(names) != 2),
        (f"at least two players are needed, not {len(names)}", len(names) < 2),
        ("a team battle needs people and bots", plan.format is Format.TEAM and len(kinds) < 2),
    ]
    reasons = [text for text, holds in wrong_now if holds]
    if reasons:
        raise EventError(f"There can be no such tournament: {'; '.join(reasons)}.")
    return plan


class ScoreSlot(BaseModel):
    """One game of one entrant: the place that a score fills."""

    model_config = ConfigDict(frozen=True)

    stage: str
    """The round, e.g. `round 1`."""
    game: str
    index: int
    """Which of the stage's seeds, from 0 on."""
    player: str


@dataclass(frozen=True, slots=True)
class Score:
    """A verified game in its slot."""

    number: int
    """The line of the log."""
    seed: int
    score: int
    frames: int
    end: str
    recording: str | None
    """File name; None if it was removed because its player asked for it."""
    sha256: str | None


@dataclass(slots=True)
class TournamentState:
    """What has happened so far."""

    plan: TournamentPlan
    entrants: tuple[Entrant, ...]
    """The plan's, then those that came late."""
    scores: dict[tuple[str, str, int, str], Score] = field(default_factory=dict)
    """By stage, game, index and player."""
    withdrawn: dict[str, str] = field(default_factory=dict)
    """Who plays no more, and why."""
    undone: set[str] = field(default_factory=set)
    """SHA-256 of recordings that were taken back."""
    lines: int = 0
    """Number of the last line."""

    def entrant(self, name: str) -> Entrant:
        """Return the entrant called `name`.

        Raises:
            EventError: there is none.
        """
        for entrant in self.entrants:
            if entrant.name == name:
                return entrant
        names = ", ".join(entrant.name for entrant in self.entrants[:20])
        raise EventError(f"Nobody called {shown(name)} plays in {self.plan.name}; there are {names}.")

    def scores_of(self, stage: str, game: str, player: str, count: int) -> list[int | None]:
        """Return the player's scores on the first `count` seeds; None where it hasn't played."""
        found = (self.scores.get((stage, game, index, player)) for index in range(count))
        return [None if score is None else score.score for score in found]


UNDOABLE = ("score", "walk-over", "late")


def state_of(entries: Sequence[Entry]) -> TournamentState:
    """Replay a tournament's stream.

    Raises:
        EventError: its first line is no plan, or a later line can't be understood.
    """
    if not entries or entries[0].kind != "new":
        raise EventError("A tournament's log begins with its plan; this one doesn't.")
    plan = checked_plan(entries[0].body)
    state = TournamentState(plan, plan.entrants)
    undone = {entry.body["number"] for entry in entries if entry.kind == "undo"}
    for entry in entries:
        _apply(state, entry, entry.number in undone)
        state.lines = entry.number
    return state


def _apply(state: TournamentState, entry: Entry, undone: bool) -> None:
    body = entry.body
    if entry.kind == "score":
        if undone:
            state.undone.add(body["sha256"])
            return
        key = (body["stage"], body["game"], body["index"], body["player"])
        values = (body[name] for name in ("seed", "score", "frames", "end", "recording", "sha256"))
        state.scores.setdefault(key, Score(entry.number, *values))
    elif entry.kind == "walk-over" and not undone:
        state.withdrawn[body["player"]] = body["reason"]
    elif entry.kind == "late" and not undone:
        state.entrants = (*state.entrants, Entrant.model_validate(body))
    elif entry.kind not in ("new", "undo", *UNDOABLE):
        raise EventError(
            f"Line {entry.number} of {entry.stream} says {shown(entry.kind)}, which this arena doesn't know."
        )


def last_undoable(entries: Sequence[Entry], number: int | None = None) -> Entry:
    """Return the line that an undo takes back: `number`, or the last one that people brought about. Games of machines
    are never meant: they would play the same again.

    Raises:
        EventError: there is no such line, or it can't be taken back.
    """
    undone = {entry.body["number"] for entry in entries if entry.kind == "undo"}
    machines = {e.name for e in state_of(entries).entrants if not e.human}

    def can_be(entry: Entry) -> bool:
        by_machine = entry.kind == "score" and entry.body["player"] in machines
        return entry.kind in UNDOABLE and entry.number not in undone and not by_machine

    if number is None:
        found = next((entry for entry in reversed(entries) if can_be(entry)), None)
        if found is None:
            raise EventError("There is nothing to undo.")
        return found
    if not 1 <= number <= len(entries) or not can_be(entries[number - 1]):
        raise EventError(
            f"Line {number} can't be undone: what can be are games of people, walk-overs and late arrivals that were "
            "not undone yet; arena tournament status --log lists them."
        )
    return entries[number - 1]


def score_line(
    slot: ScoreSlot, seed: int, score: int, frames: int, end: str, recording: str, sha256: str
) -> dict[str, Any]:
    """Return the body of a `score` line."""
    return slot.model_dump() | {
        "seed": seed, "score": score, "frames": frames, "end": end, "recording": recording, "sha256": sha256,
    }  # fmt: skip


def check_tournament_name(name: str, taken: Iterable[str]) -> str:
    """Return `name` if a new tournament may have it.

    Raises:
        EventError: it can't be a name, or is taken.
    """
    if not NAME.fullmatch(name):
        raise EventError(
            f"A tournament's name consists of small letters, digits and -, 40 at most; what came is {shown(name)}."
        )
    if name in taken:
        raise EventError(f"There is a tournament called {name} already; give the new one another name.")
    return name
