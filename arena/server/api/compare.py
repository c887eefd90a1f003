"""People against bots, and published scores: what stands beside the standings."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from arena.scoreboard.results import RulesClass
from arena.server.api.fields import Word
from arena.server.api.table import csv_of
from arena.server.deps import Visitor
from arena.server.web.live import live_pages
from arena.server.web.tallies import Tallies, classes
from envs.games import find_game

router = APIRouter(tags=["reading"])


@dataclass(frozen=True, slots=True)
class TallyView:
    """People against bots in one game under one set of rules, on the seeds that both sides played. Differences are
    people minus bots, in points."""

    game: str
    rules_id: str
    rules_label: str
    people: int
    """Players on this side; below, seeds on which it is ahead."""
    bots: int
    seeds: int
    people_ahead: int
    bots_ahead: int
    level: int
    mean: float
    low: float | None
    """Lower end of the 95 % interval of the mean difference."""
    high: float | None
    p_value: float
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReferenceView:
    """A published score."""

    game: str
    who: str
    score: float
    conditions: str
    source: str


async def _tallies(request: Request, _: Visitor) -> list[TallyView]:
    pages = live_pages(request)
    return await asyncio.to_thread(lambda: [_tally(pages.tallies, one) for one in classes(pages.server)])


TallyViews = Annotated[list[TallyView], Depends(_tallies)]


@router.get("/tally")
async def tally(found: TallyViews) -> list[TallyView]:
    """People against bots in every game, as on the big screen: a running tally, decided below p = 0.005."""
    return found


@router.get("/tally.csv", response_class=Response)
async def tally_csv(found: TallyViews) -> Response:
    return csv_of(found, TallyView)


def _references(_: Visitor, game: Annotated[Word, Query(description="ALE's ROM name.")]) -> list[ReferenceView]:
    return [ReferenceView(game, one.who, one.score, one.conditions, one.source) for one in find_game(game).references]


References = Annotated[list[ReferenceView], Depends(_references)]


@router.get("/references")
def references(found: References) -> list[ReferenceView]:
    """Published scores in a game, with the conditions under which they were reached."""
    return found


@router.get("/references.csv", response_class=Response)
def references_csv(found: References) -> Response:
    return csv_of(found, ReferenceView)


def _tally(tallies: Tallies, one: RulesClass) -> TallyView:
    found = tallies.of(one)
    return TallyView(
        game=one.game,
        rules_id=one.rules_id,
        rules_label=one.label,
        people=found.players_people,
        bots=found.players_bots,
        seeds=found.seeds,
        people_ahead=found.people,
        bots_ahead=found.bots,
        level=found.ties,
        mean=found.compared.mean,
        low=found.compared.low,
        high=found.compared.high,
        p_value=found.compared.p_value,
        verdict=found.verdict,
        reason=found.reason,
    )
