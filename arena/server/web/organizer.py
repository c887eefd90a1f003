"""The organizers' page: what they may change, with a reason, logged, and undoable."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import AfterValidator

from arena.event.lifecycle import Phase
from arena.server.access.sessions import (
    COOKIE,
    CheckedSession,
    OrganizerSession,
    TokenError,
    clear_cookie,
    log_in,
    log_out,
    set_cookie,
)
from arena.server.api.fields import clean
from arena.server.api.table import csv_of
from arena.server.deps import TheServer
from arena.server.moderation import AuditEntry
from arena.server.public_views import ResultFilter
from arena.server.web.site import answer, see_other
from envs.errors import ArenaError

router = APIRouter(include_in_schema=False)

RESULTS = 40
ENTRIES = 100
ALL_ENTRIES = 10_000
AGENTS = 500
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_FREEZE = ("frozen", "Freeze", "No bot is taken any more, and all are listed; ranked games begin at stations only.")
_CLOSE = ("closed", "Close", "Nothing is accepted any more; all seeds and recordings become public.")
_REOPEN = ("open", "Open again", "Takes the last step back; what has become public stays public.")
STEPS = {
    Phase.DRAFT: (("open", "Open", "Makes the event's secret and shows its hash, which you publish."),),
    Phase.OPEN: (_FREEZE, _CLOSE),
    Phase.FROZEN: (
        ("announced", "Announce", "Fixes the seeds of the final with a public number that nobody knew before."),
        _REOPEN,
        _CLOSE,
    ),
    Phase.ANNOUNCED: (_CLOSE,),
    Phase.CLOSED: (_REOPEN,),
}
"""What can be done next: the state, the button and what it does."""
SAID = {
    Phase.DRAFT: "a draft: everything is taken, nothing is promised yet",
    Phase.OPEN: "open",
    Phase.FROZEN: "frozen: no bot is taken any more",
    Phase.ANNOUNCED: "in its final: ranked games begin at the stations only",
    Phase.CLOSED: "closed",
}

Words = Annotated[str, Form(max_length=300), AfterValidator(clean)]
Text = Annotated[str, Query(max_length=100), AfterValidator(clean)]
Token = Annotated[str, Form(max_length=300)]


@router.get("/login")
def login_page(request: Request) -> HTMLResponse:
    return _login(request, "")


@router.post("/login")
def login(request: Request, server: TheServer, token: Token = "") -> Response:
    try:
        value, _ = log_in(server, token)
    except TokenError as error:
        return _login(request, str(error), 403)
    response = see_other("/organizer")
    set_cookie(response, value)
    return response


def _login(request: Request, error: str, status: int = 200) -> HTMLResponse:
    safe = request.url.scheme == "https" or request.url.hostname in LOOPBACK
    return answer(request, "login.html.j2", status, error=error, safe=safe)


@router.post("/logout")
def logout(request: Request, server: TheServer, session: CheckedSession) -> Response:
    log_out(server, request.cookies.get(COOKIE, ""))
    response = see_other("/")
    clear_cookie(response)
    return response


@router.get("/organizer")
def organizer(request: Request, server: TheServer, session: OrganizerSession, player: Text = "") -> HTMLResponse:
    return _page(request, server, session, player)


def _page(
    request: Request,
    server: TheServer,
    session: OrganizerSession,
    player: str = "",
    failed: str = "",
    status: int = 200,
) -> HTMLResponse:
    phase = server.organizing.lifecycle().state()
    wanted = ResultFilter(player=player.strip() or None, limit=RESULTS)
    return answer(
        request,
        "organizer.html.j2",
        status,
        csrf=session.csrf,
        who=session.identity.name,
        steps=STEPS[phase.phase],
        said=SAID[phase.phase],
        phase=phase,
        held=[agent for agent in server.submissions.all(limit=AGENTS) if agent.state == "held"],
        uploads=server.uploads.queue(RESULTS),
        results=server.views.results(wanted),
        voided=server.views.voided(RESULTS),
        entries=server.organizing.entries(ENTRIES),
        player=player,
        failed=failed[:300],
    )


@router.get("/organizer/log.json")
def log_json(server: TheServer, session: OrganizerSession) -> list[AuditEntry]:
    return server.organizing.entries(ALL_ENTRIES)


@router.get("/organizer/log.csv")
def log_csv(server: TheServer, session: OrganizerSession) -> Response:
    return csv_of(server.organizing.entries(ALL_ENTRIES), AuditEntry)


@router.post("/organizer/{action}")
def act(
    request: Request,
    server: TheServer,
    session: CheckedSession,
    action: str,
    subject: Words = "",
    reason: Words = "",
    number: Words = "",
) -> Response:
    """Do one thing, and show the page again with what came of it."""
    organizing, who = server.organizing, session.identity
    subject, reason = subject.strip(), reason.strip()
    try:
        if not reason:
            raise ArenaError("A reason is needed; it is written down with what you do.")
        if action == "void":
            organizing.void(who, subject, reason)
        elif action == "hide":
            organizing.hide(who, subject, reason)
        elif action == "approve":
            organizing.approve(who, _number(subject), reason)
        elif action == "refuse":
            organizing.refuse(who, _number(subject), reason)
        elif action == "state":
            organizing.set_state(who, subject, reason, number)
        elif action == "undo":
            organizing.undo(who, _number(subject), reason)
        else:
            raise HTTPException(404, "There is no such action.")
    except ArenaError as error:
        return _page(request, server, session, failed=str(error), status=422)
    return see_other(f"/organizer#{'log' if action == 'undo' else action}")


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 15:
        raise ArenaError(f"A number was expected, not {text[:20]!r}.")
    return int(text)
