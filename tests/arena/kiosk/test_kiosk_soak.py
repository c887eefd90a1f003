"""Every screen under random keys and pads: nothing raises, and it still draws.

ARENA_SOAK=1 makes each of them last 30 seconds instead of a third of one, two for a running game.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pygame
import pytest
from screenshots import visit_of

from arena.engine.eligibility import unranked_reason
from arena.engine.verify import verify_file
from arena.kiosk.model import House
from arena.kiosk.screens.attract import Attract
from arena.kiosk.screens.base import KioskScreen, Visit
from arena.kiosk.screens.choose import ChooseGame, ChooseOpponent
from arena.kiosk.screens.consent import Consent, WarmUp
from arena.kiosk.screens.exit import Attempts, Exit
from arena.kiosk.screens.match import NextRound, PlayingScreen, Practice, Trouble
from arena.kiosk.screens.name import EnterName
from arena.kiosk.screens.result import Counting, ResultScreen
from envs.games import GAMES
from tests.arena.kiosk.conftest import Guest
from tests.arena.mashing import SECONDS, SOAKING, random_event

GAME_SECONDS = 30 if SOAKING else 2
BREAKOUT = GAMES["breakout"]


def screens(house: House, now: float) -> dict[str, Callable[[], KioskScreen]]:
    played = visit_of(house, BREAKOUT, "Ada", "script:random", 1)

    def fresh() -> Visit:
        return replace(played, rounds=list(played.rounds))

    return {
        "attract": lambda: Attract(house, now),
        "game": lambda: ChooseGame(house, now),
        "rival": lambda: ChooseOpponent(house, Visit(BREAKOUT), now),
        "name": lambda: EnterName(house, Visit(BREAKOUT), now),
        "consent": lambda: Consent(house, fresh(), now),
        "warm up": lambda: WarmUp(house, fresh(), now),
        "next round": lambda: NextRound(house, fresh(), now),
        "counting": lambda: Counting(house, fresh(), now),
        "result": lambda: ResultScreen(house, fresh(), None, now),
        "trouble": lambda: Trouble(house, fresh(), "The disk is full.", now),
        "exit": lambda: Exit(house, Attract(house, now), Attempts(), now),
    }


NAMES = [
    "attract",
    "game",
    "rival",
    "name",
    "consent",
    "warm up",
    "next round",
    "counting",
    "result",
    "trouble",
    "exit",
]


@pytest.mark.parametrize("name", NAMES)
def test_random_keys_and_pads_do_no_harm(name: str, guest: Guest, house: House) -> None:
    """Comes back to the screen whenever it was left for one that takes real time (a game)."""
    rng = random.Random(name)
    kiosk = guest.kiosk
    make = screens(house, guest.clock())[name]
    kiosk.screen = make()
    end = time.monotonic() + SECONDS
    turns = 0
    while time.monotonic() < end or turns < 40:
        turns += 1
        for _ in range(rng.randrange(6)):
            pygame.event.post(random_event(rng))
        for press in kiosk.stage.poll_text() if kiosk.screen.typing else kiosk.stage.poll():
            kiosk.handle(press)
        guest.clock.now += rng.choice([0.02, 0.02, 0.5, 3.0])
        if isinstance(kiosk.screen, Practice | PlayingScreen) or rng.random() < 0.02:
            kiosk.screen = make()
            kiosk.screen.since = kiosk.screen.touched = guest.clock()
        kiosk.update()
        kiosk.draw()
        assert not kiosk.open, "random keys found the organizer's code"


def test_random_keys_and_pads_in_a_ranked_game_leave_a_recording(guest: Guest, house: House) -> None:
    """The keys come from another thread, while the game runs in real time; then nobody is there, and it gives up."""
    house.settings = replace(house.settings, idle_game_seconds=5.0, rounds=1)
    guest.kiosk.screen = PlayingScreen(
        house, Visit(BREAKOUT, name="Ada"), guest.clock(), house.seeds(BREAKOUT)[0], None
    )
    stop = threading.Event()

    def mash() -> None:
        rng = random.Random(5)
        while not stop.wait(0.02):
            pygame.event.post(random_event(rng))

    mashing = threading.Thread(target=mash)
    threading.Timer(GAME_SECONDS, stop.set).start()
    mashing.start()
    guest.kiosk.turn()
    stop.set()
    mashing.join()
    assert guest.sees in ("Counting", "ResultScreen")
    while guest.sees == "Counting":
        guest.wait(0.5)
    (path,) = house.event.recordings.glob("*.arena.zip")
    recording, verification = verify_file(path)
    assert recording is not None
    assert verification.ok
    ranked = unranked_reason(recording) is None  # not where this machine was too busy to hold the console's pace
    assert [(r.player, r.game) for r in house.board.results()] == [("Ada", "breakout")] * ranked
