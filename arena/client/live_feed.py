"""Tells the server of a ranked game while it is played. It watches the turns, and does all else in a thread of its own:
the game never waits for the network, and what can't be told now is told later, or never."""

from __future__ import annotations

import threading

from arena.client.api import Client, RankedTicket, ServerRefused, ServerUnreachable
from arena.client.backoff import Backoff
from arena.engine.match import Turn
from recordings.live_chain import Chain, Link

FIRST_WAIT, LONGEST_WAIT = 0.5, 5.0
MOST_LINKS = 100
"""Links in one message."""
ISSUED = "issued"
"""State of a ticket whose game hasn't begun."""


class LiveFeed:
    """An observer of the turns of one ranked game (`arena.engine.match.observed`).

    Args:
        client: the server.
        ticket: the game's; if it wasn't started yet, that is said first.
        lane: which lane of the turns is the game.
    """

    def __init__(self, client: Client, ticket: RankedTicket, lane: int = 0) -> None:
        self._client = client
        self._ticket = ticket
        self._lane = lane
        self._chain = Chain(ticket.chain)
        self._links: list[Link] = []
        self._told = 0
        self._over = threading.Event()
        self._news = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live-feed", daemon=True)
        self._thread.start()

    def __call__(self, turn: Turn) -> None:
        if turn.lane == self._lane and turn.action is not None:
            self.add(turn.action)

    def add(self, action: int) -> None:
        """Take the next frame's action."""
        link = self._chain.add(action)
        if link is not None:
            self._links.append(link)
            self._news.set()

    def close(self, wait: float = 2.0) -> bool:
        """End; give what isn't told yet so many seconds. Return whether all was told."""
        self._over.set()
        self._news.set()
        self._thread.join(wait)
        return self._told == len(self._links)

    def _run(self) -> None:
        if self._started():
            self._tell()

    def _started(self) -> bool:
        """Say that the game begins, if that wasn't said; return whether the server knows it."""
        backoff = Backoff(self._over, FIRST_WAIT, LONGEST_WAIT)
        while self._ticket.state == ISSUED:
            try:
                self._ticket = self._client.start(self._ticket.id)
            except ServerUnreachable:
                if backoff.wait():
                    return False
            except ServerRefused:
                return False
        return True

    def _tell(self) -> None:
        backoff = Backoff(self._over, FIRST_WAIT, LONGEST_WAIT)
        while True:
            waiting = self._links[self._told : self._told + MOST_LINKS]
            if not waiting:
                if self._over.is_set():
                    return
                self._news.wait()
                self._news.clear()
                continue
            try:
                frames = self._client.tell(self._ticket.id, waiting)
            except ServerUnreachable:
                if backoff.wait():
                    return
            except ServerRefused:
                return  # the game will be judged without: there is nothing to gain by insisting
            else:
                self._told = frames // len(waiting[0].actions)
                backoff.reset()
