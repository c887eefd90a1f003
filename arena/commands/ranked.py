"""Ranked games of `arena play --server`: tickets before them, and afterwards what arrived."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, overload

import typer

from agents.player import Kind
from arena.client.api import Client, RankedTicket
from arena.client.offline import Kept
from arena.client.outbox import Outbox
from arena.client.station import station
from arena.event.folder import Event
from envs.rules import Rules
from recordings.recording import Recording

SEND_SECONDS = 20.0
"""So long the command waits for the server after the last game; what is left, `arena sync` sends."""


class Ranked(NamedTuple):
    seeds: Sequence[int]
    """The server's."""
    begin: Callable[[int], Kept]
    """To be called with the number of each game when it begins."""


class ServerSeeds(Sequence[int]):
    """The seeds of so many ranked games. Each is asked for when its game begins: the server tells it then, and from
    then on the game counts.

    Raises, when a seed is looked up:
        ServerRefused: the server gives no ticket.
        ServerUnreachable: it doesn't answer.
    """

    def __init__(self, client: Client, player: str, rules: Rules, count: int) -> None:
        self._client = client
        self._player = player
        self._rules = rules
        self._count = count
        self._tickets: dict[int, RankedTicket] = {}

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, number: int) -> int: ...
    @overload
    def __getitem__(self, number: slice) -> list[int]: ...
    def __getitem__(self, number: int | slice) -> int | list[int]:
        if isinstance(number, slice):
            return [self.ticket(one).seed for one in range(self._count)[number]]
        return self.ticket(range(self._count)[number]).seed

    def ticket(self, number: int) -> RankedTicket:
        """Return the ticket of a game, 0 for the first."""
        if number not in self._tickets:
            self._tickets[number] = self._client.ticket(self._player, self._rules.game, self._rules.label)
        return self._tickets[number]


def _persons(kept: Kept) -> Kept:
    """Send what the person played; what a bot played beside counts only where the server has played it."""

    def keep(recording: Recording, path: Path) -> None:
        if recording.player.kind == Kind.HUMAN.value:
            kept(recording, path)

    return keep


@contextmanager
def followed(event: Event, player: str, rules: Rules, count: int, server: str, token: str) -> Iterator[Ranked]:
    """Have so many games of `player` followed while they are played, and sent; then wait a little for that.

    Raises:
        ServerRefused: the server doesn't know the token.
        ServerUnreachable: it doesn't answer.
    """
    with Client(server, token) as client, station(event, (), "", server, token) as one:
        client.get("/tickets", limit=1)  # what is wrong with the server or the token is said before the window opens
        seeds = ServerSeeds(client, player, rules, count)
        yield Ranked(seeds, lambda number: _persons(one.begin(seeds.ticket(number))))
        outbox = Outbox(event.folder)
        until = time.monotonic() + SEND_SECONDS
        while outbox.waiting() and time.monotonic() < until:
            time.sleep(0.1)
    waiting = len(outbox.waiting())
    if waiting:
        typer.echo(f"{waiting} could not be sent yet; send what waits with: arena sync --server {server}", err=True)
