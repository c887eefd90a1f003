"""What organizers do: logged, undoable, and seen by everybody at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from arena.client.api import ServerRefused
from arena.scoreboard.server_tables import Role
from recordings.codec import encode
from tests.arena.server.serving import Serving, decided, game, play


def sent(serving: Serving, name: str, seed: int) -> dict[str, Any]:
    """A verified game of a player, as everybody sees it."""
    client = serving.client(token=serving.token(Role.PARTICIPANT, name))
    receipt = client.send_recording(encode(game(name, seed, play(seed, 90))), f"{seed}-organizing")
    assert decided(client, [receipt["id"]])[0]["state"] == "verified"
    (found,) = client.get("/results", player=name)
    result: dict[str, Any] = found
    return result


def line_of(serving: Serving, result: dict[str, Any]) -> dict[str, Any] | None:
    lines = serving.client().get("/standings", game=result["game"], rules_id=result["rules_id"])
    return next((line for line in lines if line["player"] == result["player"]), None)


def test_a_result_is_struck_out_and_counts_again(serving: Serving) -> None:
    boss, anybody = serving.client(Role.ORGANIZER), serving.client()
    result = sent(serving, "Fay", 2001)
    sha = result["recording_sha256"]
    assert line_of(serving, result) is not None
    entry = boss.post("/organizer/void", {"recording_sha256": sha, "reason": "the wrong cartridge"})
    assert (entry["action"], entry["actor"], entry["reason"]) == ("void", "Organizer", "the wrong cartridge")
    assert line_of(serving, result) is None
    assert anybody.get("/results", player="Fay") == []
    assert anybody.get(f"/results/{sha}")["void_reason"] == "the wrong cartridge"
    assert sha in [one["recording_sha256"] for one in anybody.get("/void")]
    with pytest.raises(ServerRefused, match="struck out already"):
        boss.post("/organizer/void", {"recording_sha256": sha, "reason": "again"})
    boss.post(f"/organizer/undo/{entry['id']}", {"reason": "it was the right one"})
    assert line_of(serving, result) is not None
    assert anybody.get(f"/results/{sha}")["void_reason"] is None
    with pytest.raises(ServerRefused, match="undone already"):
        boss.post(f"/organizer/undo/{entry['id']}", {"reason": "again"})
    log = {one["id"]: one for one in boss.get("/organizer/audit")}
    assert log[log[entry["id"]]["undone_by"]]["reason"] == "it was the right one"
    with pytest.raises(ServerRefused) as caught:
        boss.post("/organizer/void", {"recording_sha256": "0" * 64, "reason": "nothing"})
    assert caught.value.status == 404


def test_a_hidden_name_is_shown_nowhere(serving: Serving) -> None:
    boss = serving.client(Role.ORGANIZER)
    result = sent(serving, "Rude Name", 2002)
    places = ["results?limit=1000", "results.csv?limit=1000", f"results/{result['recording_sha256']}", "agents", "live"]
    places += [f"standings?game=breakout&rules_id={result['rules_id']}"]
    places += [f"standings.csv?game=breakout&rules_id={result['rules_id']}", "results?player=Rude%20Name"]
    places += [f"seeds?game=breakout&rules_id={result['rules_id']}&seed=2002", "void", "void.csv"]

    def seen() -> str:
        return "".join(httpx2.get(f"{serving.url}/api/v1/{place}").text for place in places)

    recording = f"{serving.url}/api/v1/recordings/{result['recording_sha256']}"
    assert "Rude Name" in seen()
    assert httpx2.get(recording).status_code == 200
    entry = boss.post("/organizer/hide", {"name": "Rude Name", "reason": "rude"})
    assert "Rude Name" not in seen()
    assert "(name hidden, " in seen()
    assert httpx2.get(recording).status_code == 404, "the name stands in it"
    boss.post(f"/organizer/undo/{entry['id']}", {"reason": "it is her name"})
    assert "Rude Name" in seen()


def test_after_the_freeze_only_stations_play(serving: Serving) -> None:
    boss, station = serving.client(Role.ORGANIZER), serving.client(Role.STATION)
    begun = station.ticket("Gil", "breakout")
    station.start(begun.id)
    entry = boss.post("/organizer/state", {"state": "frozen", "reason": "the final begins"})
    try:
        assert station.get("/event")["state"] == "frozen"
        assert station.ticket("Gil", "breakout", seed=2002).seed == 2002
        participant = serving.client(Role.PARTICIPANT)
        with pytest.raises(ServerRefused, match="frozen"):
            participant.ticket("Participant", "breakout")
        with pytest.raises(ServerRefused, match="frozen"):
            participant.send_recording(encode(game("Participant", 2003, play(1, 60))), "new-in-the-frost")
        with pytest.raises(ServerRefused, match="frozen"):
            station.send_agent(b"agent", "agent-in-the-frost", name="Bot", game="breakout", rules="5min")
        receipt = station.send_recording(encode(game("Gil", begun.seed, play(2, 60))), "begun-before", begun.id)
        assert decided(station, [receipt["id"]])[0]["state"] == "verified"
    finally:
        boss.post(f"/organizer/undo/{entry['id']}", {"reason": "not yet"})
    assert station.get("/event")["state"] == "open"


def test_a_shared_seed_is_secret_until_the_event_is_closed(serving: Serving) -> None:
    station, boss, anybody = serving.client(Role.STATION), serving.client(Role.ORGANIZER), serving.client()
    seed = 8_123_456_789_012_345
    ticket = station.ticket("Hal", "breakout", seed=seed)
    station.start(ticket.id)
    receipt = station.send_recording(encode(game("Hal", seed, play(3, 60))), "the-secret-seed", ticket.id)
    assert decided(station, [receipt["id"]])[0]["state"] == "verified"
    (result,) = anybody.get("/results", player="Hal")
    assert (result["seed"], result["recording_public"]) == (None, False)
    assert anybody.get("/seeds", game="breakout", rules_id=result["rules_id"], seed=seed) == []
    recording = f"{serving.url}/api/v1/recordings/{result['recording_sha256']}"
    assert httpx2.get(recording).status_code == 404
    entry = boss.post("/organizer/state", {"state": "closed", "reason": "over"})
    try:
        (result,) = anybody.get("/results", player="Hal")
        assert (result["seed"], result["recording_public"]) == (seed, True)
        assert httpx2.get(recording).content == encode(game("Hal", seed, play(3, 60)))
    finally:
        boss.post(f"/organizer/undo/{entry['id']}", {"reason": "the tests go on"})


def test_events_tell_what_happens(serving: Serving) -> None:
    with httpx2.stream("GET", f"{serving.url}/api/v1/events", timeout=300) as stream:
        lines = stream.iter_lines()
        assert next(lines) == "retry: 2000"
        result = sent(serving, "Ida", 2004)
        told = []
        for line in lines:
            told.append(line)
            if line.startswith("data:") and "Ida" in line:
                break
    assert told[-2] == "event: result"
    assert result["recording_sha256"] in told[-1]
    assert "2004" not in told[-1]


def test_an_upload_can_be_refused_and_taken_back(tmp_path: Path) -> None:
    with Serving(tmp_path / "event", options=["--evaluators", "0", "--verifiers", "0"]) as serving:
        mine, boss = serving.client(Role.PARTICIPANT), serving.client(Role.ORGANIZER)
        number = mine.send_recording(encode(game("Participant", 5, play(5, 60))), "to-be-refused")["id"]
        (waiting,) = boss.get("/organizer/uploads")
        assert (waiting["id"], waiting["sender"], waiting["attempts"]) == (number, "Participant", 0)
        entry = boss.post("/organizer/refuse", {"upload": number, "reason": "by mistake"})
        assert mine.get(f"/uploads/{number}")["reason"] == "by the organizers: by mistake"
        assert boss.get("/organizer/uploads") == []
        boss.post(f"/organizer/undo/{entry['id']}", {"reason": "it was fine"})
        assert mine.get(f"/uploads/{number}")["state"] == "received"
