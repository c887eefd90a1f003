"""Agents that are sent in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from arena.server.api.fields import ZIP_BODY, Key, Number, Word
from arena.server.deps import Sender, TheServer
from arena.server.games.ranked_rules import ranked_rules
from arena.server.submissions.queue import LogLine, Submission

router = APIRouter(tags=["agents"])


class SubmissionWithLog(BaseModel):
    """An agent as its owner sees it."""

    agent: Submission
    log: list[LogLine]


@router.post("/agents", status_code=202, openapi_extra=ZIP_BODY)
async def send(
    server: TheServer,
    who: Sender,
    request: Request,
    key: Key,
    game: Annotated[Word, Query()],
    name: Annotated[Word, Query(description="Its name on the scoreboard.")],
    rules: Annotated[Word, Query()] = "5min",
) -> Submission:
    """Send an agent: a package or a Stable-Baselines3 zip. It is read, never executed, and plays hidden seeds."""
    content = await request.body()

    def accept() -> Submission:
        return server.submissions.accept(who, key, content, name, ranked_rules(game, rules))

    return await run_in_threadpool(accept)


@router.get("/agents/{number}")
def agent(server: TheServer, who: Sender, number: Number) -> SubmissionWithLog:
    """One of your agents, with its log."""
    found, log = server.submissions.get(who, number)
    return SubmissionWithLog(agent=found, log=log)


@router.get("/my/agents")
def mine(server: TheServer, who: Sender) -> list[Submission]:
    """Your agents, the newest first."""
    return server.submissions.all(who)


@router.post("/agents/{number}/withdraw")
def withdraw(server: TheServer, who: Sender, number: Number) -> Submission:
    """Take an agent out of the queue."""
    return server.submissions.withdraw(who, number)
