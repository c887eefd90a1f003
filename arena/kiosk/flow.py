"""Which class each name of a screen stands for. Screens name the next one, so that none imports another."""

from __future__ import annotations

from collections.abc import Callable

from arena.kiosk.model import House
from arena.kiosk.screens.attract import Attract
from arena.kiosk.screens.base import KioskScreen, Next, To
from arena.kiosk.screens.choose import ChooseGame, ChooseOpponent
from arena.kiosk.screens.consent import Consent, WarmUp
from arena.kiosk.screens.match import NextRound, PlayingScreen, Practice, Trouble
from arena.kiosk.screens.name import EnterName
from arena.kiosk.screens.result import Counting, ResultScreen

SCREENS: dict[To, Callable[..., KioskScreen]] = {
    To.ATTRACT: Attract,
    To.CHOOSE_GAME: ChooseGame,
    To.CHOOSE_RIVAL: ChooseOpponent,
    To.ENTER_NAME: EnterName,
    To.CONSENT: Consent,
    To.WARM_UP: WarmUp,
    To.PRACTICE: Practice,
    To.NEXT_ROUND: NextRound,
    To.PLAYING: PlayingScreen,
    To.TROUBLE: Trouble,
    To.COUNTING: Counting,
    To.RESULT: ResultScreen,
}


def follow(what: KioskScreen | Next, house: House, now: float) -> KioskScreen:
    """Return the screen itself, or make the next one.

    Args:
        now: when it is shown first, in seconds of a monotonic clock.
    """
    return what if isinstance(what, KioskScreen) else SCREENS[what.to](house=house, now=now, **what.arguments)
