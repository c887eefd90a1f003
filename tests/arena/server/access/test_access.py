"""Who may do what: every role at every endpoint. A new endpoint must be entered here."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest

from arena.scoreboard.server_tables import Role
from tests.arena.server.serving import Serving

ALL = {None, Role.SPECTATOR, Role.PARTICIPANT, Role.STATION, Role.ORGANIZER}
SENDERS = {Role.PARTICIPANT, Role.STATION, Role.ORGANIZER}
ORGANIZERS = {Role.ORGANIZER}
READING = {
    *("health", "me", "event", "classes", "classes.csv", "standings", "standings.csv", "results", "results.csv"),
    *("results/{recording_sha256}", "seeds", "void", "void.csv", "recordings/{recording_sha256}", "agents"),
    *("agents.csv", "live", "events", "tally", "tally.csv", "references", "references.csv", "seeds.csv", "live.csv"),
}
ALLOWED: dict[tuple[str, str], set[Role | None]] = {
    **{("get", path): ALL for path in READING},
    ("get", "station"): {Role.STATION, Role.ORGANIZER},
    **{("get", path): SENDERS for path in ("tickets", "tickets/{ticket}", "uploads", "uploads.csv")},
    **{("get", path): SENDERS for path in ("uploads/{number}", "agents/{number}", "my/agents")},
    **{("post", path): SENDERS for path in ("tickets", "recordings", "agents", "agents/{number}/withdraw")},
    **{("post", f"tickets/{{ticket}}/{what}"): SENDERS for what in ("start", "links", "abandon")},
    **{("post", f"tournaments/{{name}}/{what}"): {Role.STATION, Role.ORGANIZER} for what in ("tickets", "starts")},
    **{("get", f"organizer/{what}"): ORGANIZERS for what in ("audit", "audit.csv", "tokens", "uploads")},
    **{("post", f"organizer/{what}"): ORGANIZERS for what in ("void", "hide", "approve", "state", "undo/{number}")},
    ("post", "organizer/refuse"): ORGANIZERS,
    **{("post", f"organizer/{what}"): ORGANIZERS for what in ("tokens", "tokens/{number}/revoke")},
}
PARAMETERS = {"game": "breakout", "rules_id": "0" * 64, "seed": "1", "name": "Bot", "until": "first"}


def paths(serving: Serving) -> dict[str, Any]:
    schema: dict[str, Any] = httpx2.get(f"{serving.url}/api/openapi.json").json()
    return schema["paths"]


def test_the_table_has_every_endpoint(on_sqlite: Serving) -> None:
    there = {(method, path.removeprefix("/api/v1/")) for path, item in paths(on_sqlite).items() for method in item}
    assert there == set(ALLOWED)


@pytest.mark.parametrize("role", [None, *Role], ids=str)
def test_every_role_at_every_endpoint(on_sqlite: Serving, role: Role | None) -> None:
    """Whoever may not gets 401 (without a token) or 403, before anything else of the request is looked at."""
    headers = {"Idempotency-Key": "key-of-nothing"}
    if role is not None:
        headers["Authorization"] = f"Bearer {on_sqlite.tokens[role]}"
    wrong = []
    with httpx2.Client(base_url=f"{on_sqlite.url}/api/v1/", headers=headers, timeout=300) as client:
        for (method, path), allowed in ALLOWED.items():
            if path == "events":
                continue  # never ends; the test below
            filled = re.sub(r"\{(number)\}", "999999", path)
            filled = re.sub(r"\{ticket\}", "t" * 24, filled).replace("{recording_sha256}", "0" * 64)
            answer = client.request(method, filled, params=PARAMETERS, json={} if method == "post" else None)
            passed = answer.status_code not in (401, 403)
            if passed != (role in allowed) or answer.status_code >= 500:
                wrong.append((method, path, answer.status_code))
            if not passed:
                assert answer.status_code == (401 if role is None else 403)
                assert "token" in answer.json()["detail"]
    assert wrong == []


def test_organizers_pages_are_for_organizers(on_sqlite: Serving) -> None:
    """A browser that has not logged in is sent to do so, whatever bearer token it shows."""
    posts = [f"/organizer/{what}" for what in ("void", "hide", "approve", "refuse", "state", "undo", "dance")] + [
        "/logout"
    ]
    with httpx2.Client(base_url=on_sqlite.url, timeout=300) as client:
        for token in on_sqlite.tokens.values():
            for method, path in [*(("GET", f"/organizer{end}") for end in ("", "/log.json", "/log.csv"))] + [
                ("POST", path) for path in posts
            ]:
                headers = {"Authorization": f"Bearer {token}", "Cookie": "__Host-arena=guessed"}
                answer = client.request(method, path, headers=headers, data={"subject": "Ann", "reason": "why"})
                assert (answer.status_code, answer.headers["location"]) == (303, "/login"), (method, path)


def test_everybody_may_listen(on_sqlite: Serving) -> None:
    with httpx2.stream("GET", f"{on_sqlite.url}/api/v1/events", timeout=300) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert next(stream.iter_lines()) == "retry: 2000"


@pytest.mark.parametrize("token", ["arena_wrong", "x" * 10_000, "é"])
def test_a_wrong_token_is_no_spectator(on_sqlite: Serving, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}".encode()}
    answer = httpx2.get(f"{on_sqlite.url}/api/v1/me", headers=headers)
    assert answer.status_code in (400, 401, 431)


def test_a_revoked_token_is_worth_nothing(serving: Serving) -> None:
    boss = serving.client(Role.ORGANIZER)
    made = boss.post("/organizer/tokens", {"role": "station", "name": "Hall 2", "reason": "second laptop"})
    headers = {"Authorization": f"Bearer {made['token']}"}
    me = f"{serving.url}/api/v1/me"
    assert httpx2.get(me, headers=headers).json() == {"role": "station", "name": "Hall 2"}
    boss.post(f"/organizer/tokens/{made['id']}/revoke", {"reason": "lost"})
    assert httpx2.get(me, headers=headers).status_code == 401
    tokens = boss.get("/organizer/tokens")
    assert made["token"] not in str(tokens)
    assert [one["revoked_at"] is not None for one in tokens if one["id"] == made["id"]] == [True]
    assert {"token", "revoke"} <= {entry["action"] for entry in boss.get("/organizer/audit")}


def test_tokens_are_stored_hashed(on_sqlite: Serving) -> None:
    stored = b"".join(path.read_bytes() for path in on_sqlite.event.folder.glob("arena.sqlite*"))
    for token in on_sqlite.tokens.values():
        assert len(token) >= 6 + 32
        assert token.encode() not in stored
        assert token.removeprefix("arena_").encode() not in stored


# -- what every answer says, and how much a request may bring ----------------------------------------------------------


def test_every_answer_has_the_safe_headers(on_sqlite: Serving) -> None:
    for path in ("/api/v1/health", "/api/v1/nothing", "/api/v1/me", "/api/openapi.json", "/nowhere"):
        answer = httpx2.get(on_sqlite.url + path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "server" not in answer.headers


@pytest.mark.parametrize(
    ("path", "size"), [("/api/v1/recordings", 2 * 2**20 + 1), ("/api/v1/tickets", 2**18 + 1), ("/api/v1/me", 2**18 + 1)]
)
def test_a_body_that_is_too_large(on_sqlite: Serving, path: str, size: int) -> None:
    """Refused by its length, and where none is said, while it comes."""
    headers = {"Authorization": f"Bearer {on_sqlite.tokens[Role.STATION]}", "Idempotency-Key": "a-large-one"}

    def parts() -> Any:
        for _ in range(size // 65536 + 2):
            yield bytes(65536)

    for content in (bytes(size), parts()):
        try:
            answer = httpx2.post(on_sqlite.url + path, content=content, headers=headers, timeout=300)
        except (httpx2.WriteError, httpx2.ReadError, httpx2.RemoteProtocolError):
            continue  # the server has hung up on us
        assert answer.status_code in (413, 405), answer.text
