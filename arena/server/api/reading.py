"""What everybody may read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import FileResponse, StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse
from pydantic import BaseModel, TypeAdapter

from agents.player import Kind
from arena.scoreboard.results import RulesClass
from arena.scoreboard.server_tables import Role
from arena.server.api.fields import Limit, Sha256, Word
from arena.server.api.table import csv_of
from arena.server.deps import TheServer, Visitor
from arena.server.errors import NotFound
from arena.server.event_bus import HEADERS, WELCOME
from arena.server.games.trust import Trust
from arena.server.public_views import EventView, ResultFilter, ResultView, StandingView
from arena.server.submissions.queue import Submission

router = APIRouter(tags=["reading"])

ALIVE_SECONDS = 15
"""How often an event stream without events says that it is alive: proxies end what is silent."""


class Me(BaseModel):
    role: Role
    name: str


@dataclass(frozen=True, slots=True)
class RunningGame:
    """A game that is being played, without its seed."""

    id: str
    player: str
    game: str
    rules_id: str
    frames: int


@router.get("/health")
def health(server: TheServer) -> dict[str, str]:
    """Say that the server and its database work."""
    return {"status": "ok", "event": server.views.event().state}


@router.get("/me")
def me(who: Visitor) -> Me:
    """Say who you are."""
    return Me(role=who.role, name=who.name)


@router.get("/event")
def event(server: TheServer, _: Visitor) -> EventView:
    """The event's name and state, and how much was played."""
    return server.views.event()


@router.get("/classes")
def classes(server: TheServer, _: Visitor) -> list[RulesClass]:
    """Every game and rules that were played."""
    return server.views.classes()


@router.get("/classes.csv", response_class=Response)
def classes_csv(server: TheServer, _: Visitor) -> Response:
    return csv_of(server.views.classes(), RulesClass)


def _standings(
    server: TheServer,
    _: Visitor,
    game: Annotated[Word, Query(description="ALE's ROM name.")],
    rules_id: Annotated[Sha256, Query()],
    kind: Annotated[Kind | None, Query(description="Only these, ranked among themselves.")] = None,
    trust: Annotated[Trust | None, Query(description="Only episodes of this level count.")] = None,
) -> list[StandingView]:
    return server.views.standings(game, rules_id, kind, trust)


Standings = Annotated[list[StandingView], Depends(_standings)]
_LINES = TypeAdapter(list[StandingView])


@router.get("/standings", response_model=list[StandingView])
def standings(found: Standings) -> Response:
    """The standings of one game under one set of rules, best mean first, with 95 % intervals of the mean."""
    # Written at once: the framework's own way copies every line first, which takes as long as finding them.
    return Response(_LINES.dump_json(found), media_type="application/json")


@router.get("/standings.csv", response_class=Response)
def standings_csv(found: Standings) -> Response:
    return csv_of(found, StandingView)


def _results(
    server: TheServer,
    _: Visitor,
    game: Annotated[Word | None, Query()] = None,
    rules_id: Annotated[Sha256 | None, Query()] = None,
    player: Annotated[Word | None, Query()] = None,
    kind: Annotated[Kind | None, Query()] = None,
    artifact_sha256: Annotated[Sha256 | None, Query()] = None,
    trust: Annotated[Trust | None, Query()] = None,
    before: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="The last `id` you have.")] = None,
    limit: Limit = 50,
) -> list[ResultView]:
    wanted = ResultFilter(game, rules_id, player, kind, artifact_sha256, trust, before, limit)
    return server.views.results(wanted)


Results = Annotated[list[ResultView], Depends(_results)]


@router.get("/results")
def results(found: Results) -> list[ResultView]:
    """Episodes that count, those added last first."""
    return found


@router.get("/results.csv", response_class=Response)
def results_csv(found: Results) -> Response:
    return csv_of(found, ResultView)


@router.get("/results/{recording_sha256}")
def result(server: TheServer, _: Visitor, recording_sha256: Sha256) -> ResultView:
    """One episode, also a struck-out one."""
    found = server.views.result(recording_sha256)
    if found is None:
        raise NotFound("There is no such episode.")
    return found


def _by_seed(
    server: TheServer,
    _: Visitor,
    game: Annotated[Word, Query()],
    rules_id: Annotated[Sha256, Query()],
    seed: Annotated[int, Query(ge=0, lt=2**53)],
) -> list[ResultView]:
    return server.views.by_seed(game, rules_id, seed)


BySeed = Annotated[list[ResultView], Depends(_by_seed)]


@router.get("/seeds")
def by_seed(found: BySeed) -> list[ResultView]:
    """The episodes on one seed, best first; nothing of seeds that are secret."""
    return found


@router.get("/seeds.csv", response_class=Response)
def by_seed_csv(found: BySeed) -> Response:
    return csv_of(found, ResultView)


@router.get("/void")
def void(server: TheServer, _: Visitor) -> list[ResultView]:
    """The episodes that organizers have struck out, with the reasons."""
    return server.views.voided()


@router.get("/void.csv", response_class=Response)
def void_csv(server: TheServer, _: Visitor) -> Response:
    return csv_of(server.views.voided(), ResultView)


@router.get("/recordings/{recording_sha256}", response_class=FileResponse)
def recording(server: TheServer, _: Visitor, recording_sha256: Sha256) -> FileResponse:
    """The file of a recording, to be replayed by anybody."""
    path = server.views.recording(recording_sha256)
    if path is None:
        raise NotFound("There is no such recording, or it is kept back until the event is closed.")
    return FileResponse(path, media_type="application/zip", filename=path.name)


@router.get("/agents")
def agents(server: TheServer, _: Visitor, limit: Limit = 200) -> list[Submission]:
    """The agents that were sent in, the newest first, with their places in the queue."""
    return server.views.agents(limit)


@router.get("/agents.csv", response_class=Response)
def agents_csv(server: TheServer, _: Visitor, limit: Limit = 200) -> Response:
    return csv_of(server.views.agents(limit), Submission)


def _live(server: TheServer, _: Visitor) -> list[RunningGame]:
    hidden = server.views.hidden_names()
    return [
        RunningGame(
            id=game.id,
            player="(name hidden)" if game.player in hidden else game.player,
            game=game.game,
            rules_id=game.rules.rules_id,
            frames=game.frames,
        )
        for game in server.live.games()
    ]


Running = Annotated[list[RunningGame], Depends(_live)]


@router.get("/live")
def live(found: Running) -> list[RunningGame]:
    """The ranked games that are being played."""
    return found


@router.get("/live.csv", response_class=Response)
def live_csv(found: Running) -> Response:
    return csv_of(found, RunningGame)


@router.get("/events", response_class=StreamingResponse)  # no generator that FastAPI would frame
async def events(
    server: TheServer,
    _: Visitor,
    until: Annotated[Literal["", "first"], Query(description="`first`: end after the first event.")] = "",
) -> EventSourceResponse:
    """What happens, as server-sent events: result, void, game-started, game-moved, game-ended, agent, names, event;
    `resync` tells a reader that was too slow to load anew."""
    return EventSourceResponse(_stream(server, until), headers=HEADERS)


async def _stream(server: TheServer, until: str) -> AsyncIterator[bytes]:
    async with server.bus.reader() as queue:
        yield WELCOME
        while True:
            try:
                happening = await asyncio.wait_for(queue.get(), ALIVE_SECONDS)
            except TimeoutError:
                yield KEEPALIVE_COMMENT
                continue
            yield happening.frame()
            if until:
                return
