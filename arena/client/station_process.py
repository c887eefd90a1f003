"""The process beside the kiosk that talks to the server. The kiosk's own process never does: a frame can't be late for
the network's sake.

A running game is followed by reading its journal (`recordings.storage`), which grows on the disk anyway. What waits in
the outbox is sent; the standings are fetched; tickets are asked for until there is an answer.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from arena.client.api import Client, RankedTicket, ServerRefused
from arena.client.backoff import Backoff
from arena.client.live_feed import LiveFeed
from arena.client.outbox import TRY_AGAIN, Courier, Outbox
from arena.event.secrets import adopt
from envs.errors import ArenaError, RecordingError
from envs.games import find_game
from envs.rules import named_rules
from recordings.storage import JOURNAL_SUFFIX, read_journal

LOOK_SECONDS = 0.1
"""Between two looks at a journal that grows by 60 frames a second."""
NEWS_SECONDS = 5.0
FIRST_WAIT, LONGEST_WAIT = 0.25, 4.0
TELL_SECONDS = 10.0
"""So long the rest of a game may take to be told before its recording is sent without it."""
REQUEST_SECONDS = 5.0
NEWS_FILE = "news.json"


class TicketRequest(NamedTuple):
    """Asks for a ticket. A later wish takes the place of one that has no answer yet."""

    number: int
    player: str
    game: str
    rules: str
    """Their name, such as `5min`."""
    seed: int | None
    """None: the server chooses."""


class Begin(NamedTuple):
    """Says that a game with a ticket begins."""

    ticket: RankedTicket
    journals: frozenset[str]
    """Names of the journals that were there before."""


class OutboxNotice(NamedTuple):
    """Says that something was put into the outbox."""


class TicketAnswer(NamedTuple):
    """To a wish: a ticket, or the server's reason why there is none."""

    number: int
    ticket: RankedTicket | None
    reason: str


def attend(pipe: Connection, folder: Path, games: tuple[str, ...], rules: str, url: str, token: str) -> None:
    """Work until the kiosk's process ends. To be run by `arena.processes.workers`.

    Args:
        pipe: brings Wish, Begin and Kept; takes an Answer for each wish, unless another one came before.
        folder: the event folder.
        games: whose standings are fetched; none: this is no station, but somebody's own machine.
        rules: the name of their rules.
        url, token: see `Client`.
    """
    with Client(url, token, REQUEST_SECONDS) as client:
        introduction = Introduction(folder, client) if games else None
        _Attendant(pipe, folder, client, introduction).run(games, rules)


class Introduction:
    """Learns from the server who this station is and what the event's seeds are, once: before the first ticket is asked
    for, so that all stations play the same."""

    def __init__(self, folder: Path, client: Client) -> None:
        self._folder = folder
        self._client = client
        self._guard = threading.Lock()
        self._name = ""

    def name(self) -> str:
        """Return the station's name.

        Raises:
            ServerRefused, ServerUnreachable: see `Client`.
            EventError: the folder can't be written.
        """
        with self._guard:
            if not self._name:
                station = self._client.get("/station")
                adopt(self._folder, station["seeds"])
                self._name = station["name"]
            return self._name


class _Attendant:
    def __init__(self, pipe: Connection, folder: Path, client: Client, introduction: Introduction | None) -> None:
        self._pipe = pipe
        self._folder = folder
        self._client = client
        self._introduction = introduction
        self._courier = Courier(Outbox(folder), client)
        self._wished = 0
        self._wish_over = threading.Event()
        self._follower: threading.Thread | None = None
        self._over = threading.Event()
        self._answering = threading.Lock()

    def run(self, games: tuple[str, ...], rules: str) -> None:
        self._courier.start()
        if self._introduction is not None:
            arguments = (self._folder, self._client, self._introduction, games, rules)
            threading.Thread(target=fetch_news, args=arguments, daemon=True).start()
        with suppress(EOFError, OSError):
            while True:
                self._take(self._pipe.recv())

    def _take(self, message: TicketRequest | Begin | OutboxNotice) -> None:
        match message:
            case TicketRequest():
                self._end_wish(message.number)
                threading.Thread(target=self._fulfil, args=(message, self._wish_over), daemon=True).start()
            case Begin():
                self._end_wish(0)
                self._over.set()
                self._over = threading.Event()
                arguments = (self._folder / "recordings", message, self._client, self._over)
                self._follower = threading.Thread(target=follow, args=arguments, daemon=True)
                self._follower.start()
            case OutboxNotice():
                threading.Thread(target=self._send, args=(self._follower,), daemon=True).start()

    def _end_wish(self, follower: int) -> None:
        """Ask no longer for what was wished before the wish with the number `follower`; 0: nothing is wished."""
        self._wished = follower
        self._wish_over.set()
        self._wish_over = threading.Event()

    def _fulfil(self, wish: TicketRequest, over: threading.Event) -> None:
        """Ask for a ticket until there is an answer, or nobody wants it any more."""
        backoff = Backoff(over, FIRST_WAIT, LONGEST_WAIT)
        while not over.is_set():
            try:
                if self._introduction is not None:
                    self._introduction.name()
                ticket = self._client.ticket(wish.player, wish.game, wish.rules, wish.seed)
            except ServerRefused as error:
                if error.status not in TRY_AGAIN:
                    self._answer(TicketAnswer(wish.number, None, str(error)))
                    return
            except ArenaError:  # it can't be reached, or the disk is full
                pass
            else:
                self._answer(TicketAnswer(wish.number, ticket, ""))
                return
            backoff.wait()

    def _answer(self, answer: TicketAnswer) -> None:
        with self._answering, suppress(OSError):
            if self._wished == answer.number:
                self._pipe.send(answer)

    def _send(self, follower: threading.Thread | None) -> None:
        """Send what was kept: after the rest of its game was told, so that the server has seen all of it."""
        if follower is not None:
            follower.join(TELL_SECONDS)
        self._courier.wake()


# -- a running game ----------------------------------------------------------------------------------------------------


def follow(recordings: Path, begin: Begin, client: Client, over: threading.Event) -> None:
    """Tell the server of a game while its journal grows; return when that is gone, or `over` was set."""
    feed = LiveFeed(client, begin.ticket)
    try:
        path = _journal(recordings, begin, over)
        if path is not None:
            _read_along(path, feed, over)
    except OSError:  # the game goes on without
        pass
    finally:
        feed.close(TELL_SECONDS)


def _journal(recordings: Path, begin: Begin, over: threading.Event) -> Path | None:
    """Wait for the journal of the game that begins."""
    while not over.wait(LOOK_SECONDS):
        for path in recordings.glob(f"*{JOURNAL_SUFFIX}"):
            if path.name not in begin.journals and _is_of(path, begin.ticket):
                return path
    return None


def _is_of(path: Path, ticket: RankedTicket) -> bool:
    try:
        header, _ = read_journal(path.read_bytes())
    except (OSError, RecordingError):
        return False
    played = header.player.name, header.player.kind, header.rules, header.seed
    return played == (ticket.player, "human", ticket.rules, ticket.seed)


def _read_along(path: Path, feed: LiveFeed, over: threading.Event) -> None:
    with path.open("rb") as journal:
        journal.readline()
        while True:
            there = path.exists()  # asked first: what was written before it went is read below
            actions = journal.read()
            for action in actions:
                feed.add(action)
            if not actions and not there:
                return
            if over.wait(LOOK_SECONDS):
                return


# -- news --------------------------------------------------------------------------------------------------------------


def fetch_news(folder: Path, client: Client, introduction: Introduction, games: tuple[str, ...], rules: str) -> None:
    """Fetch the standings again and again; never returns."""
    classes = {game: named_rules(find_game(game), rules).rules_id for game in games}
    news: dict[str, Any] = {}
    while True:
        try:
            news["name"] = introduction.name()
            found = {game: client.get("/standings", game=game, rules_id=key) for game, key in classes.items()}
            news |= {"standings": found, "heard": time.time(), "trouble": ""}
        except ArenaError as error:
            news["trouble"] = str(error)
        _write(folder / "station" / NEWS_FILE, {**news, "server": client.url})
        time.sleep(NEWS_SECONDS)


def _write(path: Path, value: dict[str, Any]) -> None:
    """Write a file that may be lost: nothing is synced, which could hold up the kiosk's own writing."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(value), encoding="utf-8")
        temporary.replace(path)
