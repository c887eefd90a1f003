"""Ranked games from ticket to standing, on both databases, through a real server."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from arena.chain import links
from arena.client import ServerRefused
from arena.server.auth import Role
from tests.server.serving import Serving, bytes_of, decided, game, play


def test_a_ranked_game_from_ticket_to_standing(tmp_path: Path, database: str) -> None:
    with Serving(tmp_path / "event", database, ["--evaluators", "0"]) as serving:
        station, anybody = serving.client(Role.STATION), serving.client()
        ticket = station.ticket("Ada", "breakout")
        assert station.start(ticket.id).state == "started"
        actions = play(1, 180)
        recording = bytes_of(game("Ada", ticket.seed, actions))
        for link in links(ticket.chain, actions):
            assert station.tell(ticket.id, [link]) == link.frame
        (running,) = anybody.get("/live")
        assert (running["player"], running["frames"]) == ("Ada", 180)
        assert "seed" not in running
        receipt = station.send_recording(recording, "key-of-ada", ticket.id)
        assert receipt["state"] == "received"
        assert station.send_recording(recording, "key-of-ada", ticket.id)["id"] == receipt["id"]
        (verdict,) = decided(station, [receipt["id"]])
        assert verdict["state"] == "verified", verdict
        (result,) = anybody.get("/results")
        assert (result["player"], result["seed"], result["end"]) == ("Ada", ticket.seed, "quit")
        assert (result["trust"], result["source"]) == ("unattested", "upload"), "three seconds came within one"
        rules_id = result["rules_id"]
        (line,) = anybody.get("/standings", game="breakout", rules_id=rules_id)
        assert (line["rank"], line["player"], line["episodes"]) == (1, "Ada", 1)
        assert anybody.get("/live") == []
        assert station.get(f"/tickets/{ticket.id}")["state"] == "finished"
        with pytest.raises(ServerRefused) as caught:
            station.send_recording(bytes_of(game("Ada", ticket.seed, actions[:120])), "another-key", ticket.id)
        assert caught.value.status == 409
        assert serving.stop() == 0


def test_every_started_game_counts(tmp_path: Path, database: str) -> None:
    """A hundred games that were given up are a hundred episodes, each with what was told of it."""
    with Serving(tmp_path / "event", database, ["--evaluators", "0"]) as serving:
        mine = serving.client(Role.PARTICIPANT)
        for number in range(100):
            ticket = mine.ticket("Participant", "breakout")
            mine.start(ticket.id)
            if number % 10 == 0:
                mine.tell(ticket.id, list(links(ticket.chain, play(number, 120))))
            assert mine.abandon(ticket.id).state == "abandoned"
            assert mine.abandon(ticket.id).state == "abandoned"
        deadline = time.monotonic() + 60
        while (event := mine.get("/event"))["episodes"] < 100:
            assert time.monotonic() < deadline, event
            time.sleep(0.2)
        results = mine.get("/results", limit=200)
        assert sorted({(one["frames"], one["source"]) for one in results}) == [(0, "abandoned"), (120, "abandoned")]
        assert len({one["seed"] for one in results}) == 100
        (line,) = mine.get("/standings", game="breakout", rules_id=results[0]["rules_id"])
        assert line["episodes"] == 100
