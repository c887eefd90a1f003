"""What a guest meets of the event's server: a ticket, none, a refusal; and whose standings are shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from agents.player import Kind
from arena.client.api import RankedTicket
from arena.client.offline import Alone
from arena.client.station import TicketRefused
from arena.event.secrets import adopt, ranked_seeds, shared
from arena.kiosk.flow import follow
from arena.kiosk.model import House, with_own
from arena.kiosk.screens.attract import Attract
from arena.kiosk.screens.base import Command, Input, Visit
from arena.kiosk.screens.match import NextRound, PlayingScreen
from arena.scoreboard.results import Result, Standing
from arena.scoreboard.store import Scoreboard
from arena.ui.strings import text
from envs.games import find_game
from envs.rules import Rules, named_rules
from envs.step import End
from tests.arena.kiosk.conftest import Guest

BREAKOUT = find_game("breakout")
RULES = named_rules("breakout")
GO = Input(Command.GO)


class Server(Alone):
    """One that answers as a test says, at once."""

    url = "http://10.0.0.5:8000"

    def __init__(self, said: RankedTicket | TicketRefused | None) -> None:
        self.said = said
        self.wishes: list[tuple[str, int | None]] = []

    def wish(self, player: str, rules: Rules, seed: int | None) -> None:
        self.wishes.append((player, seed))

    def answer(self) -> RankedTicket | TicketRefused | None:
        return self.said


def before_the_match(house: House, guest: Guest, server: Server) -> NextRound:
    house.station = server
    guest.kiosk.screen = screen = NextRound(house, Visit(BREAKOUT, name="Ada"), guest.clock())
    guest.wait(3)
    return screen


@pytest.mark.parametrize(
    "ticket", [None, RankedTicket("t" * 24, "Ada", RULES, 2**30, "0" * 64, "issued")], ids=["away", "there"]
)
def test_a_game_waits_for_nobody(ticket: RankedTicket | None, house: House, guest: Guest) -> None:
    server = Server(ticket)
    screen = before_the_match(house, guest, server)
    seed = house.seeds(BREAKOUT)[0]
    assert server.wishes == [("Ada", seed)]
    playing = follow(screen.handle(GO, guest.clock()), house, guest.clock())
    assert isinstance(playing, PlayingScreen)
    assert (playing.ticket, playing.seed) == (ticket, seed)


def test_a_refusal_is_said_and_ends_the_match(house: House, guest: Guest) -> None:
    screen = before_the_match(house, guest, Server(TicketRefused("The event is closed.")))
    assert screen.refusal == "The event is closed."
    assert isinstance(follow(screen.handle(GO, guest.clock()), house, guest.clock()), Attract)


def test_a_day_has_so_many_games_without_a_server_too(house: House, guest: Guest, board: Scoreboard) -> None:
    attempts = house.event.settings.quotas.attempts_per_day
    for number in range(attempts):
        assert house.may_play(BREAKOUT, "Ada")
        assert board.add(result(number))
    server = Server(None)
    assert before_the_match(house, guest, server).refusal == text("kiosk.enough")
    assert server.wishes == []
    assert house.may_play(BREAKOUT, "Bob")
    assert house.may_play(find_game("pacman"), "Ada")


def result(number: int) -> Result:
    now = datetime.now(UTC)
    return Result(
        player="Ada",
        kind=Kind.HUMAN,
        artifact_sha256=None,
        game="breakout",
        rules_id=RULES.rules_id,
        rules_label="5min",
        seed=number,
        score=number,
        frames=100,
        end=End.TERMINATED,
        recording_sha256=f"{number:064x}",
        digest=f"{number + 1:064x}",
        recording_name=f"{number}.arena.zip",
        started_at=now,
        verified_at=now,
    )


def standing(player: str, mean: float, episodes: int = 1) -> Standing:
    now = datetime.now(UTC)
    return Standing(1, player, Kind.HUMAN, None, episodes, mean, mean, None, None, mean, now)


def test_ones_own_games_stand_among_those_of_all_stations() -> None:
    theirs = [standing("Bob", 30), standing("Cid", 20), standing("Dan", 20)]
    found = with_own(theirs, [standing("Ada", 20)], "Ada")
    assert {s.player: s.rank for s in found} == {"Bob": 1, "Cid": 2, "Dan": 2, "Ada": 2}
    known_better = [*theirs, replace(standing("Ada", 40), episodes=5)]
    assert with_own(known_better, [standing("Ada", 20)], "Ada")[0].episodes == 5
    assert with_own(theirs, [], "Ada") == theirs


def test_another_station_takes_over_the_seeds(house: House) -> None:
    folder = house.event.folder
    other = folder / "other"
    other.mkdir()
    assert ranked_seeds(other, RULES, 3) != ranked_seeds(folder, RULES, 3)
    adopt(other, shared(folder))
    assert ranked_seeds(other, RULES, 3) == ranked_seeds(folder, RULES, 3)
