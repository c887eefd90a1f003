"""Ranked games of `arena play --server`: tickets before them, and afterwards what arrived."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

if TYPE_CHECKING:
    from arena.client import RankedTicket
    from arena.event import Event
    from arena.station.alone import Kept
    from envs.rules import Rules
    from recordings.recording import Recording

SEND_SECONDS = 20.0
"""So long the command waits for the server after the last game; what is left, `arena sync` sends."""


class Ranked(NamedTuple):
    seeds: tuple[int, ...]
    """The server's."""
    begin: Callable[[int], Kept]
    """To be called with the number of each game when it begins."""


def tickets_for(player: str, rules: Rules, count: int, server: str, token: str) -> list[RankedTicket]:
    """Get tickets for so many games.

    Raises:
        ServerRefused: the server gives none.
        ServerUnreachable: it doesn't answer.
    """
    from arena.client import Client

    with Client(server, token) as client:
        return [client.ticket(player, rules.game, rules.label) for _ in range(count)]


def _persons(kept: Kept) -> Kept:
    """Send what the person played; what a bot played beside counts only where the server has played it."""
    from agents.player import Kind

    def keep(recording: Recording, path: Path) -> None:
        if recording.player.kind == Kind.HUMAN.value:
            kept(recording, path)

    return keep


@contextmanager
def followed(event: Event, tickets: Sequence[RankedTicket], server: str, token: str) -> Iterator[Ranked]:
    """Have the games of these tickets followed while they are played, and sent; then wait a little for that."""
    from arena.outbox import Outbox
    from arena.station.station import station

    with station(event, (), "", server, token) as one:
        yield Ranked(tuple(ticket.seed for ticket in tickets), lambda number: _persons(one.begin(tickets[number])))
        outbox = Outbox(event.folder)
        until = time.monotonic() + SEND_SECONDS
        while outbox.waiting() and time.monotonic() < until:
            time.sleep(0.1)
    waiting = len(outbox.waiting())
    if waiting:
        typer.echo(f"{waiting} could not be sent yet; send what waits with: arena sync --server {server}", err=True)
