"""The web pages as HTTP answers: what stands on them, hostile names, errors, headers, files for programs, films."""

from __future__ import annotations

import html
import re
import shlex
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx2 as httpx
import pytest
import typer

from arena import cli
from arena.scoreboard.server_tables import Role
from tests.arena.server.event_for_pages import HOSTILE, EventForPages, begin_game, fill, station
from tests.arena.server.serving import Serving

HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def event(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EventForPages]:
    serving = Serving(tmp_path_factory.mktemp("pages") / "event", options=["--evaluators", "0"])
    filled = fill(serving)
    with serving:
        yield filled


@pytest.fixture
def web(event: EventForPages) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=event.url, headers=HTML, timeout=300) as client:
        yield client


def paths(event: EventForPages) -> list[str]:
    left, right = event.recordings
    return [
        "/",
        "/live",
        event.standings,
        f"{event.standings}?kind=human&q=a",
        "/player?name=Ann",
        f"/player?{urlencode({'name': 'pixel-eater', 'kind': 'bot', 'version': 'ab' * 32})}",
        f"/episode/{left}",
        f"/compare?left={left}&right={right}",
        "/submit",
        "/rules",
        "/login",
    ]


class Tags(HTMLParser):
    """Collects elements with their attributes, and every text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_every_page_answers_and_may_run_nothing_inline(event: EventForPages, web: httpx.Client) -> None:
    for path in paths(event):
        answer = web.get(path)
        assert answer.status_code == 200, path
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        for tag, attributes in Tags(answer.text).tags:
            assert "style" not in attributes, (path, tag)
            assert tag != "style", path
            assert not [name for name in attributes if name.startswith("on")], (path, attributes)
            assert tag != "script" or attributes.get("src") or attributes.get("type") == "application/json", path


def test_every_link_of_every_page_leads_somewhere(event: EventForPages, web: httpx.Client) -> None:
    found: set[str] = set()
    for path in paths(event):
        for _, attributes in Tags(web.get(path).text).tags:
            found |= {
                value for name in ("href", "src") if (value := attributes.get(name)) and not value.startswith("#")
            }
    own = {link for link in found if not link.startswith(("http", "#"))}
    assert all(re.fullmatch(rf"http://[0-9.]+:{event.serving.port}", link) for link in found - own - {"#", "#main"})
    kinds: dict[str, list[str]] = {}
    for link in sorted(own):
        kinds.setdefault(re.sub(r"[0-9a-f]{64}|\?.*", "*", link), []).append(link)
    for links in kinds.values():  # a few of each kind
        for link in links[:3]:
            assert web.get(link, follow_redirects=True).status_code == 200, link


@pytest.mark.parametrize("database_kind", ["sqlite", "postgres"])
def test_fifty_hostile_names_are_shown_as_they_are_and_do_nothing(
    request: pytest.FixtureRequest, tmp_path: Path, database_kind: str
) -> None:
    assert len(HOSTILE) == len(set(HOSTILE)) == 50
    if database_kind == "sqlite":
        look_for_names(request.getfixturevalue("event"))
        return
    serving = Serving(tmp_path / "event", request.getfixturevalue("database"), ["--evaluators", "0"])
    filled = fill(serving)
    with serving:
        look_for_names(filled)


def look_for_names(event: EventForPages) -> None:
    with httpx.Client(base_url=event.url, headers=HTML, timeout=300) as web:
        pages = [Tags(web.get(f"{event.standings}?page={number}").text) for number in (1, 2)]
        shown = {text for page in pages for text in page.texts}
        linking = {"svg", "img", "script", "link", "meta", "form", "a"}
        for name in HOSTILE:
            assert name in shown, name
            url = f"/player?{urlencode({'name': name, 'kind': 'human'})}"
            answer = web.get(url)
            assert answer.status_code == 200, name
            page = Tags(answer.text)
            assert page.texts.count(name) == 1, name
            assert not [a for tag, a in page.tags if tag in {"iframe", "base", "object", "embed"}], name
            for tag, attributes in page.tags:
                assert not [key for key in attributes if key.startswith("on")], name
                target = attributes.get("href") or attributes.get("src") or attributes.get("action") or ""
                assert tag not in linking or not target.startswith(("//", "javascript:", "data:")), name


def test_a_file_for_a_table_program_holds_no_formula(event: EventForPages, web: httpx.Client) -> None:
    links = [a["href"] for _, a in Tags(web.get(event.standings).text).tags if ".csv" in (a.get("href") or "")]
    lines = web.get(str(links[0])).text
    assert "SUM(1+1)" in lines
    assert not re.search(r'(^|,)"?[=+@\-][A-Za-z0-9]*[(+|]', lines, re.MULTILINE)


def test_commands_on_the_page_for_participants_work_as_they_stand(event: EventForPages, web: httpx.Client) -> None:
    lines = html.unescape("\n".join(re.findall(r"<pre>(.*?)</pre>", web.get("/submit").text, re.DOTALL))).splitlines()
    assert any(re.fullmatch(r"export ARENA_SERVER=http://[0-9.]+:\d+", line) for line in lines)
    commands = [shlex.split(line)[1:] for line in lines if line.startswith("arena ")]
    assert {words[0] for words in commands} == {"agent", "submit"}
    found: Any = typer.main.get_command(cli.app)
    for words in commands:
        command = found
        while hasattr(command, "commands"):
            command = command.get_command(command.make_context("arena", [], resilient_parsing=True), words.pop(0))
        command.make_context("arena", words)  # it raises where an option isn't known


def test_what_is_not_there_is_said_in_the_look_of_the_site(event: EventForPages, web: httpx.Client) -> None:
    missing = [
        "/nothing",
        "/episode/xyz",
        f"/episode/{'0' * 64}",
        "/player?name=Nobody",
        "/player",
        "/standings/breakout/abc",
        "/compare?left=a&right=b",
        f"/compare?left={event.recordings[0]}&right={event.recordings[0]}",
        f"/films/{'0' * 64}",
        f"/films/{'0' * 64}.mp4",
        f"/films/{event.recordings[0]}-{event.recordings[0]}",
        "/films/..%2F..%2Fevent.toml.mp4",
        "/assets/..%2Fpages.py",
        "/assets/../pages.py",
        f"{event.standings}?page=0",
    ]
    for path in missing:
        answer = web.get(path)
        assert answer.status_code == 404, path
        assert '<p class="code">404</p>' in answer.text, path
        assert answer.headers["cache-control"] == "no-store"
    assert web.get("/api/v1/nothing", headers={"Accept": "application/json"}).json() == {"detail": "Not Found"}
    assert web.post("/rules").status_code == 405


def test_standings_are_filtered_by_kind_and_name(event: EventForPages, web: httpx.Client) -> None:
    def players(query: str) -> list[str]:
        text = web.get(f"{event.standings}?{query}").text
        return [a["href"] for _, a in Tags(text).tags if (a.get("href") or "").startswith("/player?")]  # type: ignore[misc]

    def total(query: str) -> int:
        return int(re.findall(r"(\d+) players? *[·<]", web.get(f"{event.standings}?{query}").text)[0])

    everybody = players("")
    assert all("kind=bot" in link for link in players("kind=bot"))
    bots, people, all_of_them = (total(query) for query in ("kind=bot", "kind=human", ""))
    assert 0 < bots < people < all_of_them == bots + people
    assert len(everybody) == 50, "one page of several"
    assert [link for link in everybody if "name=Ann&" in link] == players("q=ANN")
    assert players("trust=unattested") == everybody, "nothing of this was seen by anybody"
    assert players("trust=witnessed") == []
    assert players("trust=nonsense") == everybody
    assert "Nobody fits this filter." in web.get(f"{event.standings}?q=zzzz").text
    assert players("kind=nonsense") == everybody


def test_people_against_bots_stand_on_the_big_screen(event: EventForPages, web: httpx.Client) -> None:
    text = web.get("/live").text
    assert "mean lead" in text
    assert "Bots haven’t played yet." in text
    assert "People ahead on" in text


def test_an_episode_names_its_proof_and_its_rivals(event: EventForPages, web: httpx.Client) -> None:
    left, right = event.recordings
    text = web.get(f"/episode/{left}").text
    assert left in text
    assert "Replayed bit for bit" in text
    assert f"/compare?left={left}&amp;right={right}" in text
    download = web.get(f"/api/v1/recordings/{left}")
    assert download.status_code == 200
    assert download.content[:2] == b"PK"


def test_what_has_not_changed_is_not_sent_again(event: EventForPages, web: httpx.Client) -> None:
    first = web.get(event.standings)
    again = web.get(event.standings, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    style = next(a["href"] for _, a in Tags(first.text).tags if "web.css" in (a.get("href") or ""))
    assert "immutable" in web.get(str(style)).headers["cache-control"]


def test_a_film_is_made_when_somebody_wants_it_and_can_be_read_in_parts(
    event: EventForPages, web: httpx.Client
) -> None:
    key = event.recordings[0]
    assert "Watch this game" in web.get(f"/films/{key}").text
    assert web.get(f"/films/{key}.mp4").status_code == 404
    answer = web.post(f"/films/{key}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/episode/{key}")
    answer = web.post(f"/films/{key}", headers={"HX-Request": "true"})
    assert "<video" in answer.text or "<progress" in answer.text
    deadline = time.monotonic() + 300
    while "<video" not in (text := web.get(f"/films/{key}").text):
        assert "<progress" in text
        assert time.monotonic() < deadline
        time.sleep(0.2)
    film = web.get(f"/films/{key}.mp4", headers={"Range": "bytes=4-11"})
    assert film.status_code == 206
    assert film.content[:4] == b"ftyp"
    assert film.headers["content-range"].startswith("bytes 4-11/")
    assert film.headers["content-type"] == "video/mp4"


def test_an_organizer_changes_something_only_with_the_forms_own_secret(event: EventForPages, web: httpx.Client) -> None:
    assert web.get("/organizer").headers["location"] == "/login"
    wrong = web.post("/login", data={"token": event.serving.tokens[Role.STATION]})
    assert wrong.status_code == 403
    assert "not an organizer" in wrong.text
    logged_in = web.post("/login", data={"token": event.serving.tokens[Role.ORGANIZER]})
    cookie = logged_in.headers["set-cookie"]
    assert cookie.startswith("__Host-arena=")
    assert {"secure", "httponly", "samesite=strict"} <= {part.strip().lower() for part in cookie.split(";")}
    headers = {"Cookie": cookie.split(";")[0]}
    page = web.get("/organizer", headers=headers)
    assert page.headers["cache-control"] == "no-store"
    csrf = next(a["value"] for _, a in Tags(page.text).tags if a.get("name") == "csrf")

    def act(action: str, subject: str, reason: str, secret: str | None = csrf) -> httpx.Response:
        data = {"subject": subject, "reason": reason} | ({"csrf": secret} if secret else {})
        return web.post(f"/organizer/{action}", data=data, headers=headers)

    shown = "/player?name=Ann"
    assert act("hide", "Ann", "asked for it", None).status_code == 403
    assert act("hide", "Ann", "asked for it", "x" * 32).status_code == 403
    assert web.get(shown).status_code == 200
    refused = act("hide", "Ann", " ")
    assert refused.status_code == 422
    assert "A reason is needed" in refused.text
    assert "There is no episode with the recording" in act("void", "0" * 64, "why").text
    assert act("dance", "Ann", "why").status_code == 404
    assert "obey" not in web.get("/organizer?failed=obey", headers=headers).text, "it says only what happened"

    assert act("hide", "Ann", "asked for it").status_code == 303
    assert web.get(shown).status_code == 404
    assert act("void", event.recordings[1], "two people played").status_code == 303
    assert "two people played" in web.get(f"/episode/{event.recordings[1]}").text
    assert act("state", "frozen", "a break").status_code == 303
    assert "The event is frozen" in web.get("/live").text

    log = web.get("/organizer", headers=headers).text
    assert log.count('action="/organizer/undo"') == 3
    numbers = [a["value"] for _, a in Tags(log.split('id="log"')[1]).tags if a.get("name") == "subject"]
    for number in numbers:
        assert act("undo", str(number), "that was a test").status_code == 303
    assert web.get(shown).status_code == 200
    assert "The event is frozen" not in web.get("/live").text
    assert "two people played" not in web.get(f"/episode/{event.recordings[1]}").text

    assert web.post("/logout", data={"csrf": csrf}, headers=headers).status_code == 303
    assert web.get("/organizer", headers=headers).headers["location"] == "/login"


def test_a_running_game_is_shown_without_its_seed(event: EventForPages, web: httpx.Client) -> None:
    client = station(event.serving)
    ticket = begin_game(client, "Дмитрий", "space_invaders")
    seed = str(client.get(f"/tickets/{ticket}")["seed"])
    assert "Дмитрий" in web.get("/live").text
    assert seed not in web.get("/live").text
    sent = ""
    with web.stream("GET", "/live/pictures") as stream:
        for piece in stream.iter_text():
            sent += piece
            if sent.count("event: pictures") >= 2:
                break
    assert '"webp":"UklGR' in sent
    assert seed not in sent
    client.abandon(ticket)


def test_the_address_to_join_is_one_that_others_can_reach(event: EventForPages, web: httpx.Client) -> None:
    text = web.get("/live", headers={"Host": "arena.example:8000"}).text
    assert "http://arena.example:8000" in text
    qr = web.get("/live/qr.svg")
    assert qr.headers["content-type"] == "image/svg+xml"


def test_an_empty_event_says_what_will_come(tmp_path_factory: pytest.TempPathFactory) -> None:
    with (
        Serving(
            tmp_path_factory.mktemp("empty") / "event",
            options=["--evaluators", "0", "--url", "https://arena.example/night/"],
        ) as serving,
        httpx.Client(base_url=serving.url, headers=HTML, timeout=300, follow_redirects=True) as web,
    ):
        assert "No games yet" in web.get("/live").text
        assert "Nobody is in a ranked game" in web.get("/live").text
        assert "https://arena.example/night<" in web.get("/live").text
        assert web.get("/api/v1/tally").json() == []
        assert "When the first game has been played" in web.get("/standings").text
        assert "Nobody has finished a game yet" in web.get("/").text
        assert "No bot has been sent in yet" in web.get("/submit").text
        assert web.get(f"/standings/{quote('breakout')}/{'0' * 64}").status_code == 404
