"""A final's games at the stations, through a real server: the next seed, nobody else's, whatever a day's quota says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from arena.client.api import Client, RankedTicket, ServerRefused
from arena.engine.recover import replayed
from arena.event.lifecycle import EventLifecycle
from arena.event.log import Log
from arena.scoreboard.server_tables import Role
from arena.scoreboard.store import Scoreboard
from arena.tournament.runner import TournamentRunner, machine, person
from envs.rules import named_rules
from recordings.codec import encode
from recordings.recording import RecordedPlayer
from recordings.storage import Header
from tests.arena.server.serving import BEGAN, ROOT, SERVE, START_SECONDS, Serving, decided, play

SETTINGS = 'name = "Final"\ngames = ["breakout"]\n[quotas]\nattempts_per_day = 1\n'
SURPRISE = named_rules("breakout").varied(mode=4)


@pytest.fixture
def final(tmp_path: Path) -> Iterator[Serving]:
    """A server whose event has come to its final: Ada against a script, two seeds of a surprise round."""
    folder = tmp_path / "event"
    folder.mkdir()
    (folder / "event.toml").write_text(SETTINGS)
    with Serving(folder, options=["--evaluators", "0"]) as running, Scoreboard.open(running.database) as board:
        lifecycle = EventLifecycle(running.event, Log(board.engine))
        lifecycle.freeze()
        lifecycle.announce("1 2 3")
        players = [person("Ada"), machine("script:noop", ["breakout"])]
        plan = {
            "title": "Surprise", "format": "team battle", "rules": {"breakout": SURPRISE.as_dict()},
            "entrants": [one.model_dump(mode="json") for one in players], "series": {"kind": "best of", "n": 2},
        }  # fmt: skip
        TournamentRunner(running.event, board, "final").create(plan)
        yield running


def finish(station: Client, ticket: RankedTicket) -> str:
    """Play a short game with a ticket; return what became of it."""
    station.start(ticket.id)
    header = Header(ticket.rules, ticket.seed, RecordedPlayer(name=ticket.player, kind="human"), BEGAN)
    recording = encode(replayed(header, play(ticket.seed, 120)))
    receipt = station.send_recording(recording, f"key-of-{ticket.player}-{ticket.seed}", ticket.id)
    return str(decided(station, [receipt["id"]])[0]["state"])


def test_who_sits_down_gets_one_seed_after_the_other(final: Serving) -> None:
    station = final.client(Role.STATION)
    seeds = []
    for _ in range(2):
        ticket = station.seat("final", "Ada")
        assert station.seat("final", "Ada").seed == ticket.seed, "as long as it isn't played"
        assert (ticket.rules, ticket.seed >= 2**20) == (SURPRISE, True)
        assert finish(station, ticket) == "verified"
        seeds.append(ticket.seed)
    assert len(set(seeds)) == 2
    with pytest.raises(ServerRefused, match="Ada has nothing to play now in Surprise"):
        station.seat("final", "Ada")


@pytest.mark.parametrize(("name", "who", "said"), [("gone", "Ada", "no tournament called"), ("final", "Bob", "Nobody")])
def test_what_is_not_there(final: Serving, name: str, who: str, said: str) -> None:
    with pytest.raises(ServerRefused, match=said) as caught:
        final.client(Role.STATION).seat(name, who)
    assert caught.value.status == 404


def test_seeds_are_for_stations(final: Serving) -> None:
    with pytest.raises(ServerRefused) as caught:
        final.client(Role.PARTICIPANT).seat("final", "Ada")
    assert caught.value.status == 403


def test_a_station_says_that_its_player_is_ready_and_begins_with_the_other(final: Serving, tmp_path: Path) -> None:
    """Ada's is what a station runs, with a window that nobody sees; Ben's is the test."""
    with Scoreboard.open(final.database) as board:
        TournamentRunner(final.event, board, "final").arrive(person("Ben"))
    environment = os.environ | {"SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy", "PYTHONPATH": str(ROOT)}
    environment |= {"ARENA_EVENT": str(tmp_path / "station"), "ARENA_TOKEN": final.token(Role.STATION, "Station 9")}
    words = ["tournament", "play", "final", "Ada", "--with", "Ben", "--window", "--server", final.url]
    ben = final.client(Role.STATION)
    with subprocess.Popen([sys.executable, "-c", SERVE, *words], env=environment) as ada:
        deadline = time.monotonic() + START_SECONDS
        while ben.begin_together("final", "Ben", ["Ada"])[0] == ["Ada"]:
            assert time.monotonic() < deadline, "Ada's station doesn't say that she is ready"
            time.sleep(0.2)
        while not list((tmp_path / "station" / "recordings").glob("*.part")):
            assert time.monotonic() < deadline, "Ada's game doesn't begin"
            time.sleep(0.2)
        ada.send_signal(signal.SIGINT)


def test_people_who_play_the_same_seed_begin_together(final: Serving) -> None:
    with Scoreboard.open(final.database) as board:
        TournamentRunner(final.event, board, "final").arrive(person("Ben"))
    one, other = final.client(Role.STATION), final.client(Role.STATION)
    assert one.begin_together("final", "Ada", ["Ben"]) == (["Ben"], None)
    began = time.monotonic()
    missing, left = other.begin_together("final", "Ben", ["Ada"])
    begins = time.monotonic() + (left or 0)
    assert (missing, begins > began) == ([], True)
    missing, left = one.begin_together("final", "Ada", ["Ben"])
    assert missing == []
    assert left is not None
    assert time.monotonic() + left == pytest.approx(begins, abs=1), "the same moment for both"
    assert one.begin_together("final", "Ada", ["Ben", "script:noop"])[0] == ["Ben"], "with others it is another start"
    assert finish(other, other.seat("final", "Ben")) == "verified"
    assert one.begin_together("final", "Ada", ["Ben"])[0] == [], "who has played it isn't waited for"
    with pytest.raises(ServerRefused, match="Nobody called 'Cem'"):
        one.begin_together("final", "Ada", ["Cem"])
