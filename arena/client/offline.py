"""A kiosk without a server: what `arena.client.station.Station` does, undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from arena.client.api import RankedTicket
    from arena.client.station import TicketRefused
    from arena.scoreboard.results import Standing
    from envs.rules import Rules
    from recordings.recording import Recording

Kept = Callable[["Recording", Path], None]
"""Called with a recording that was just saved, and where."""


class Connection(Protocol):
    """What the kiosk asks of its server; `Station` and `Alone` answer."""

    @property
    def url(self) -> str:
        """The server's address; empty where there is none."""
        ...

    def wish(self, player: str, rules: Rules, seed: int | None) -> None: ...
    def answer(self) -> RankedTicket | TicketRefused | None: ...
    def begin(self, ticket: RankedTicket | None) -> Kept: ...
    def settle(self, recovered: Sequence[Path]) -> None: ...
    def standings(self, game: str) -> list[Standing] | None: ...


class Alone:
    """Gives no tickets, sends nothing, knows nothing."""

    url = ""

    def wish(self, player: str, rules: Rules, seed: int | None) -> None:
        pass

    def answer(self) -> RankedTicket | TicketRefused | None:
        return None

    def begin(self, ticket: RankedTicket | None) -> Kept:
        return keep_here

    def settle(self, recovered: Sequence[Path]) -> None:
        pass

    def standings(self, game: str) -> list[Standing] | None:
        return None


def keep_here(recording: Recording, path: Path) -> None:
    """Leave a recording where it was saved."""
