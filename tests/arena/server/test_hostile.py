"""What strangers send: names made to break pages and tables, and requests of every odd shape."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from arena.client.api import ServerRefused
from arena.scoreboard.server_tables import Role
from arena.server.api.table import cell
from recordings.codec import encode
from tests.arena.server.serving import Serving, decided, game

EXAMPLES = 50 if os.environ.get("ARENA_SOAK") else 6
"""Requests made up for each endpoint."""
ENDING = r"/organizer/(state|tokens/\{number\}/revoke|undo/\{number\})$"
"""What these do is wanted, and would end the event for the tests that follow."""
schemathesis.openapi.media_type("application/zip", st.binary(max_size=500))


@schemathesis.serializer("application/zip")
def as_it_is(context: object, value: bytes) -> bytes:
    return value


NAMES = [
    *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "'><svg/onload=alert(1)>", '"><b>fat</b>'),
    *("=1+1", "=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1:A9)", "|calc", "%0A%0D", '=HYPERLINK("http://e")'),
    *("'; DROP TABLE players; --", "' OR '1'='1", "Robert'); --", "\\'; SELECT 1", "admin'--", "1; VACUUM"),
    *("{{7*7}}", "{% raw %}", "${jndi:ldap://e}", "#{7*7}", "<%= 7*7 %>", "%s%s%s%n", "{0}", "$(reboot)", "`id`"),
    *("../../etc/passwd", "..\\..\\windows", "/etc/passwd", "C:\\CON", "NUL", ".", "..", "~root", "a/b/c.arena.zip"),
    *("null", "undefined", "NaN", "true", "None", "0", "-0", "1e309", "[]", "{}"),
    *("Zoë", "Zoe\u0308", "Æthelred", "Ελένη", "Владимир", "木村拓哉", "أحمد", "שרה", "नेहा", "👩‍🚀"),
    *("W" * 32, "ﷺ", "Z̴̡͖a̷͙͝l̶̰̾g̵̹̅ö", "a&b", "a;b", "a,b", 'a"b', "a'b", "javascript:alert(1)", "data:text/html,x"),
]
"""All of them are names; none may do anything."""
NO_NAMES = [
    *("", " ", "\u200b", "\u202egnp.exe", "a\u202eb", "a\u2066b", "a\x00b", "a\nb", "a\r\nSet-Cookie: x", "a\tb"),
    *("\x1b[31m", "\ud800", "\ufeff", "W" * 33, "\ue000", "a\u2028b", "\u115f"),
]


def test_there_are_enough() -> None:
    assert len(NAMES) >= 50


def test_hostile_names_do_nothing(serving: Serving) -> None:
    """They come back as they are, escaped where that is needed, and the scoreboard lives on."""
    station = serving.client(Role.STATION)
    left = game("Name", 3001)
    normal = {name: station.ticket(name, "breakout").player for name in NAMES}
    assert all(normal.values())
    numbers = []
    for name in NAMES:
        recording = left.model_copy(update={"player": left.player.model_copy(update={"name": normal[name]})})
        numbers.append(station.send_recording(encode(recording), f"hostile-{len(numbers)}")["id"])
    assert {one["state"] for one in decided(station, numbers, 300)} == {"verified"}
    results = station.get("/results", limit=1000)
    assert {normal[name] for name in NAMES} <= {one["player"] for one in results}
    for name in NAMES:
        (found, *_) = station.get("/results", player=normal[name])
        assert found["player"] == normal[name]
    rules_id = results[0]["rules_id"]
    answer = httpx2.get(f"{serving.url}/api/v1/standings.csv", params={"game": "breakout", "rules_id": rules_id})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    shown = {row["player"] for row in rows}
    assert not [name for name in shown if name[0] in "=+-@|%\t\r\n"]
    assert {cell(normal[name]) for name in NAMES} <= shown
    for path in serving.event.recordings.iterdir():
        assert path.parent == serving.event.recordings


@pytest.mark.parametrize("name", NO_NAMES, ids=ascii)
def test_what_is_no_name_is_refused(on_sqlite: Serving, name: str) -> None:
    body = b'{"player": ' + json.dumps(name).encode() + b', "game": "breakout"}'
    headers = {"Authorization": f"Bearer {on_sqlite.tokens[Role.STATION]}", "Content-Type": "application/json"}
    answer = httpx2.post(f"{on_sqlite.url}/api/v1/tickets", content=body, headers=headers)
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize(
    ("value", "shown"),
    [("=1", "'=1"), ("-x", "'-x"), (-1.5, "-1.5"), (None, ""), ("a=1", "a=1"), (True, "True"), ("@x", "'@x")],
)
def test_cells_run_nothing(value: object, shown: str) -> None:
    assert cell(value) == shown


@pytest.mark.parametrize("role", [None, Role.PARTICIPANT, Role.ORGANIZER], ids=str)
def test_no_request_breaks_the_server(serving: Serving, role: Role | None) -> None:
    """Requests made from the API's own description, valid and invalid: none is answered with 5xx."""
    headers = {} if role is None else {"Authorization": f"Bearer {serving.tokens[role]}"}
    schema = schemathesis.openapi.from_url(f"{serving.url}/api/openapi.json")
    asked: list[int] = []
    for operation in schema.exclude(path_regex=rf"/events$|{ENDING}").get_all_operations():  # the stream never ends
        run_one(operation.ok(), headers, asked)
    assert len(asked) >= 100
    assert {200, 422} & set(asked)


def test_no_request_of_an_organizer_breaks_the_server(tmp_path: Path) -> None:
    with Serving(tmp_path / "event", options=["--evaluators", "0"]) as serving:
        headers = {"Authorization": f"Bearer {serving.tokens[Role.ORGANIZER]}"}
        schema = schemathesis.openapi.from_url(f"{serving.url}/api/openapi.json")
        asked: list[int] = []
        for operation in schema.include(path_regex=ENDING).get_all_operations():
            run_one(operation.ok(), headers, asked)
        assert len(asked) >= 10


def run_one(operation: Any, headers: dict[str, str], asked: list[int]) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize=True,
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        answer = case.call(headers=headers, timeout=300)
        asked.append(answer.status_code)
        assert answer.status_code < 500, (case.method, case.formatted_path, answer.text)

    ask()


PLACES = (
    "{}",
    "player",
    "episode/{}",
    "standings/{}",
    "standings/breakout/{}",
    "films/{}",
    "films/{}.mp4",
    "assets/{}",
)
ASKED = ("player", "compare", "organizer", "live", "submit", "standings")
FIELDS = ("name", "kind", "version", "page", "q", "trust", "left", "right", "player", "failed")
ODD = ("", "0" * 64, "\0" * 64, "x" * 64 + "-" + "y" * 64, "-1", "9" * 30, "breakout", "\ud800", "%", "a\0b", "é" * 64)


def test_no_address_breaks_a_page(serving: Serving) -> None:
    """The pages aren't in the API's description: odd paths and questions to each, by somebody who may see them all."""
    login = httpx2.post(f"{serving.url}/login", data={"token": serving.tokens[Role.ORGANIZER]})
    headers = {"Accept": "text/html", "Cookie": login.headers["set-cookie"].split(";")[0]}
    asked: set[int] = set()
    with httpx2.Client(base_url=serving.url, headers=headers, timeout=300) as web:

        def ask(place: str, word: str, fields: dict[str, str]) -> None:
            query = urlencode(fields, errors="surrogatepass")
            path = "/" + place.format(quote(word, safe="", errors="surrogatepass"))
            answer = web.get(f"{path}?{query}")
            asked.add(answer.status_code)
            assert answer.status_code < 500, (path, query, answer.text[-500:])

        for word in ODD:
            for place in PLACES:
                ask(place, word, {})
            for place in ASKED:
                ask(place, "", dict.fromkeys(FIELDS, word))

        texts = st.one_of(st.sampled_from(ODD), st.text(max_size=80))
        fields = st.dictionaries(st.sampled_from(FIELDS), texts, max_size=3)
        given_these = given(place=st.sampled_from(PLACES + ASKED), word=texts, fields=fields)
        settings(max_examples=10 * EXAMPLES, deadline=None, database=None, derandomize=True)(given_these(ask))()
    assert asked >= {200, 404}


def test_a_wrong_address_is_said(on_sqlite: Serving) -> None:
    with on_sqlite.client() as client, pytest.raises(ServerRefused) as caught:
        client.get("/nothing-here")
    assert caught.value.status == 404
