"""The pages for everybody: standings, a player, an episode, two episodes side by side, how to take part."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from pydantic import AfterValidator

from agents.player import Kind
from arena.html.score_axis import Axis, GameSection, PlayerView
from arena.scoreboard.results import RulesClass
from arena.server.api.fields import clean
from arena.server.deps import TheServer
from arena.server.games.trust import Trust
from arena.server.public_views import ResultFilter
from arena.server.web.films import Film, films_of
from arena.server.web.live import address
from arena.server.web.site import STATIC, answer, asset_path, fragment, player_url, see_other, standings_url, title_of
from arena.server.web.tallies import classes, field_by_seed, key
from arena.server.web.tally import NOTE
from envs.errors import ArenaError, UnknownGame
from envs.games import Game, find_game
from recordings.codec import read

if TYPE_CHECKING:
    from arena.server.public_views import ResultView, StandingView
    from arena.server.services import Server
    from arena.server.submissions.queue import Submission

router = APIRouter(include_in_schema=False)

PER_PAGE = 50
EPISODES = 500
"""Episodes of a player and game on one page."""
AGENTS = 500
"""Submitted agents that are listed."""
TOP = 5
"""Players of each game on the first page."""
KINDS = (("", "everybody"), ("human", "people"), ("bot", "bots"), ("script", "scripts"))
TRUSTS = (("", "every result"), *((level.value, f"{level} only") for level in Trust))

Text = Annotated[str, Query(max_length=100), AfterValidator(clean)]


@router.get("/")
def home(request: Request, server: TheServer) -> HTMLResponse:
    event = server.views.event()
    found = classes(server)
    cards = [
        {
            "title": title_of(one.game),
            "label": one.label,
            "href": standings_url(one.game, one.rules_id),
            "standings": server.views.best(one.game, one.rules_id, TOP),
        }
        for one in found
    ]
    totals = [
        (f"{number:,}", noun if number == 1 else noun + "s")
        for number, noun in (
            (len({c.game for c in found}), "game"),
            (event.players, "player"),
            (event.episodes, "episode"),
        )
    ]
    results = server.views.results(ResultFilter(limit=10))
    links = [("/api/v1/results", "JSON"), ("/api/v1/results.csv", "CSV")]
    return answer(request, "home.html.j2", cards=cards, totals=totals, results=results, links=links)


@router.get("/standings")
def first_standings(request: Request, server: TheServer) -> Response:
    found = classes(server)
    if found:
        return see_other(standings_url(found[0].game, found[0].rules_id))
    return answer(request, "standings.html.j2", game=None, games=[])


@router.get("/standings/{game}/{rules_id}")
def standings(
    request: Request,
    server: TheServer,
    game: str,
    rules_id: str,
    kind: Text = "",
    trust: Text = "",
    q: Text = "",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> HTMLResponse:
    found = classes(server)
    one = next((c for c in found if (c.game, c.rules_id) == (game, rules_id)), None)
    if one is None:
        raise HTTPException(404, "Nobody has played this game under these rules here.")
    kind = kind if kind in dict(KINDS) else ""
    trust = trust if trust in dict(TRUSTS) else ""
    listed = server.views.standings(game, rules_id, kind or None, trust or None)
    listed = [s for s in listed if q.casefold().strip() in s.player.casefold()]
    pages = max(1, math.ceil(len(listed) / PER_PAGE))
    page = min(page, pages)
    axis = Axis(GameSection(_game(game), one.label, rules_id, listed, ()))
    filters = {name: value for name, value in (("kind", kind), ("trust", trust)) if value}
    chosen = filters | ({"q": q} if q else {})
    plain = standings_url(game, rules_id)
    api = urlencode({"game": game, "rules_id": rules_id} | filters)
    shown = urlencode({"game": game})
    return answer(
        request,
        "standings.html.j2",
        game=_game(game),
        label=one.label,
        rules_id=rules_id,
        axis=axis,
        players=[PlayerView(s, axis, ()) for s in listed[(page - 1) * PER_PAGE : page * PER_PAGE]],
        total=len(listed),
        page=page,
        pages=pages,
        plain=plain,
        query=urlencode(chosen) + ("&" if chosen else ""),
        kind=kind,
        trust=trust,
        q=q,
        kinds=KINDS,
        trusts=TRUSTS,
        games=[
            (standings_url(c.game, c.rules_id), title_of(c.game), c.game == game)
            for c in {c.game: c for c in reversed(found)}.values()
        ][::-1],
        classes=[(standings_url(c.game, c.rules_id), c.label, c == one) for c in found if c.game == game],
        links=[(f"/api/v1/standings?{api}", "JSON"), (f"/api/v1/standings.csv?{api}", "CSV")],
        reference_links=[
            (f"/api/v1/references?{shown}", "Scores to compare with as JSON"),
            (f"/api/v1/references.csv?{shown}", "CSV"),
        ],
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """One game of a player."""

    key: str
    title: str
    label: str
    href: str
    standing: StandingView
    total: int
    results: Sequence[ResultView]
    plot: dict[str, Any]
    links: Sequence[tuple[str, str]]


@router.get("/player")
def player(
    request: Request, server: TheServer, name: Text, kind: Text = Kind.HUMAN.value, version: Text = ""
) -> HTMLResponse:
    places = [
        (one, s, len(listed))
        for one in classes(server)
        for listed in [server.views.standings(one.game, one.rules_id)]
        for s in listed
        if s.player == name
    ]
    agent = _agent(server, name, version) if kind == Kind.BOT else None
    versions = [
        s.artifact_sha256 for _, s, _ in places if s.kind == kind and (s.artifact_sha256 or "").startswith(version)
    ]
    if not versions and agent is None:
        raise HTTPException(404, "Nobody of this name has played here.")
    artifact = versions[0] if versions else agent.artifact_sha256 if agent else None
    mine = [place for place in places if (place[1].kind, place[1].artifact_sha256) == (kind, artifact)]
    others = {player_url(s): s for _, s, _ in places if (s.kind, s.artifact_sha256) != (kind, artifact)}
    return answer(
        request,
        "player.html.j2",
        who={"player": name, "kind": kind, "artifact_sha256": artifact},
        parts=[_part(server, one, s, total) for one, s, total in mine],
        others=list(others.values()),
        agent=agent,
    )


def _agent(server: Server, name: str, version: str) -> Submission | None:
    """Return the newest agent of a name whose artifact begins with `version`."""
    agents = (agent for agent in server.views.agents(AGENTS) if agent.name == name)
    return next((agent for agent in agents if agent.artifact_sha256.startswith(version)), None)


def _part(server: Server, one: RulesClass, standing: StandingView, total: int) -> _Part:
    wanted = ResultFilter(
        game=one.game,
        rules_id=one.rules_id,
        player=standing.player,
        kind=standing.kind,
        artifact_sha256=standing.artifact_sha256,
        limit=EPISODES,
    )
    results = server.views.results(wanted)
    api = {"game": one.game, "rules_id": one.rules_id, "player": standing.player, "kind": str(standing.kind)}
    api |= {"artifact_sha256": standing.artifact_sha256} if standing.artifact_sha256 else {}
    query = urlencode(api | {"limit": EPISODES})
    return _Part(
        key(one),
        title_of(one.game),
        one.label,
        standings_url(one.game, one.rules_id),
        standing,
        total,
        results,
        _plot(server, one, results),
        [(f"/api/v1/results?{query}", "JSON"), (f"/api/v1/results.csv?{query}", "CSV")],
    )


def _plot(server: Server, one: RulesClass, results: Sequence[ResultView]) -> dict[str, Any]:
    """Return what the two charts of a player are drawn from: scores by time, and first scores by seed with the mean
    of everybody. Seeds that are hidden are left out."""
    by_time = sorted(results, key=lambda r: r.started_at)
    first: dict[int, float] = {}
    for result in reversed(results):
        if result.seed is not None:
            first.setdefault(result.seed, result.score)
    seeds = sorted(first)
    means = field_by_seed(server, one, seeds) if seeds else {}
    return {
        "kind": str(results[0].kind) if results else "",
        "times": [round(r.started_at.timestamp(), 1) for r in by_time],
        "scores": [r.score for r in by_time],
        "seeds": [str(seed) for seed in seeds],
        "by_seed": [first[seed] for seed in seeds],
        "field": [means.get(seed) for seed in seeds],
    }


@router.get("/episode/{sha}")
def episode(request: Request, server: TheServer, sha: str) -> HTMLResponse:
    result = _result(server, sha)
    recording = server.views.recording(sha)
    rivals: list[ResultView] = []
    if result.seed is not None:
        rivals = server.views.by_seed(result.game, result.rules_id, result.seed)
        rivals = [r for r in rivals if r.recording_sha256 != sha]
    links = [(f"/api/v1/results/{sha}", "JSON of this episode"), *(_seed_links(result) if rivals else ())]
    return answer(
        request,
        "episode.html.j2",
        r=result,
        film=films_of(server, request.app.state).state(sha) if recording else None,
        label=_label(result),
        facts=_facts(recording) if recording else None,
        download=f"/api/v1/recordings/{sha}",
        file_name=recording.name if recording else "",
        rivals=rivals[:50],
        standings=standings_url(result.game, result.rules_id),
        links=links,
    )


def _seed_links(result: ResultView) -> list[tuple[str, str]]:
    seed = urlencode({"game": result.game, "rules_id": result.rules_id, "seed": result.seed})
    return [(f"/api/v1/seeds?{seed}", "JSON of this seed"), (f"/api/v1/seeds.csv?{seed}", "CSV")]


@router.get("/compare")
def compare(request: Request, server: TheServer, left: Text = "", right: Text = "") -> HTMLResponse:
    results = [_result(server, sha) for sha in (left, right)]
    if len({(r.game, r.rules_id, r.seed) for r in results}) > 1 or results[0].seed is None or left == right:
        raise HTTPException(404, "Only two episodes of one game on one seed, under the same rules, can be compared.")
    if any(server.views.recording(sha) is None for sha in (left, right)):
        raise HTTPException(404, "One of the two recordings isn’t on this server any more.")
    return answer(
        request,
        "compare.html.j2",
        left=results[0],
        right=results[1],
        film=films_of(server, request.app.state).state(f"{left}-{right}"),
        label=f"{_label(results[0])}, beside it {_label(results[1])}",
        links=_seed_links(results[0]),
    )


@router.get("/submit")
def submit(request: Request, server: TheServer) -> HTMLResponse:
    return answer(
        request,
        "submit.html.j2",
        address=address(request),
        agents=server.views.agents(AGENTS),
        links=[("/api/v1/agents", "JSON"), ("/api/v1/agents.csv", "CSV")],
        seeds=server.settings.evaluation_seeds,
        quota=server.settings.limits.evaluations_per_day,
        approval=server.settings.approval,
    )


@router.get("/rules")
def rules(request: Request) -> HTMLResponse:
    return answer(request, "rules.html.j2", tally_note=NOTE)


@router.get("/films/{key}.mp4")
def film_file(request: Request, server: TheServer, key: str) -> FileResponse:
    """A film that was made; any part of it, as the scrubber asks for it."""
    _recordings(server, key)
    films = films_of(server, request.app.state)
    if films.state(key).state != "ready":
        raise HTTPException(404, "This video has not been made yet; the episode’s page makes it.")
    films.looked_at(key)
    return FileResponse(films.path(key), media_type="video/mp4", headers={"Cache-Control": "private, max-age=3600"})


@router.get("/films/{key}")
def film(request: Request, server: TheServer, key: str) -> HTMLResponse:
    """Where a film stands, as a part of the page that asked for it."""
    results = _recordings(server, key)[0]
    return _film_part(films_of(server, request.app.state).state(key), results)


@router.post("/films/{key}")
def order_film(request: Request, server: TheServer, key: str) -> Response:
    results, paths = _recordings(server, key)
    state = films_of(server, request.app.state).order(key, paths)
    if request.headers.get("hx-request") == "true":
        return _film_part(state, results)
    both = [r.recording_sha256 for r in results]
    return see_other(f"/episode/{key}" if len(both) == 1 else f"/compare?left={both[0]}&right={both[1]}")


def _film_part(state: Film, results: Sequence[ResultView]) -> HTMLResponse:
    label = ", beside it ".join(_label(result) for result in results)
    return HTMLResponse(fragment("_film.html.j2", film=state, label=label), headers={"Cache-Control": "no-store"})


@router.get("/assets/{name:path}")
def asset_file(name: str) -> FileResponse:
    """A file of the pages. Its address holds what it is, so it may be kept for ever."""
    if name not in ASSETS:
        raise HTTPException(404, "There is no such file.")
    return FileResponse(asset_path(name), headers={"Cache-Control": "public, max-age=31536000, immutable"})


ASSETS = frozenset(
    ["page.css", *(str(path.relative_to(STATIC)) for path in STATIC.rglob("*") if path.is_file())],
)


def _recordings(server: Server, key: str) -> tuple[list[ResultView], list[Path]]:
    """Return the results and recordings of a film by its key, one SHA-256 or two.

    Raises:
        HTTPException: 404, they may not be seen or don't belong together.
    """
    shas = key.split("-")
    results = [_result(server, sha) for sha in shas[:2]]
    paths = [path for sha in shas[:2] if (path := server.views.recording(sha)) is not None]
    same = len({(r.game, r.rules_id, r.seed) for r in results}) == 1
    if not same or len(paths) != len(shas) or len(set(shas)) != len(shas):
        raise HTTPException(404, "There is no video of this.")
    return results, paths


def _result(server: Server, sha: str) -> ResultView:
    found = server.views.result(sha) if len(sha) == 64 and sha.isalnum() else None
    if found is None:
        raise HTTPException(404, "There is no such episode here.")
    return found


def _facts(path: Path) -> dict[str, Any] | None:
    try:
        recording = read(path)
    except (ArenaError, OSError):
        return None
    return {"digest": recording.digest, "ale_py": recording.ale_py, "pacing": recording.pacing}


def _label(result: ResultView) -> str:
    return f"{result.player} plays {title_of(result.game)}, {result.score:,.0f} points"


def _game(name: str) -> Game:
    try:
        return find_game(name)
    except UnknownGame:
        return Game(name, name, "")
