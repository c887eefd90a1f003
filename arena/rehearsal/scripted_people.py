"""Scripted keyboards: where an event is rehearsed, a script's hands press the keys that a person would press.

The script looks at the screen as it was a quarter of a second ago, its hand slips now and then, and what it holds down
goes the way of a person's keys: `agents.human.HumanPlayer`, then a station that takes a ticket, tells the server how
the game goes on, and sends the recording. Such a game stands among those of people, so the name says what it is.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from agents.human import Button
from agents.player import Player
from envs.errors import ArenaError, EventError
from envs.games import ACTION_NAMES, NOOP
from envs.rules import Rules
from envs.step import Step

if TYPE_CHECKING:
    from arena.client.api import Client
    from arena.client.outbox import Courier, Outbox
    from recordings.recording import Recording

SUFFIX = " (scripted)"
"""How the name of every scripted keyboard ends."""
REACTION_FRAMES = 15
"""A quarter of a second: people react to what they see in 200 to 400 ms."""
SLIP_FRAMES = 6
"""For so long another key is pressed than was meant."""
VERIFY_SECONDS = 120.0
"""How long the server may take to replay what was sent."""
LOOK_SECONDS = 0.1
TELL_SECONDS = 30.0
"""How long the rest of a game may take to be told before its recording is sent."""


@dataclass(frozen=True, slots=True)
class ScriptedPerson:
    """Somebody whose keyboard is scripted."""

    first_name: str
    slips: float
    """Probability, in each tenth of a second, that the hand does something else."""

    @property
    def name(self) -> str:
        """What stands in recordings."""
        return self.first_name + SUFFIX


@dataclass(frozen=True, slots=True)
class GameToPlay:
    """One game that somebody has to play."""

    game: str
    rules: str
    """`5min` or `30min`."""
    seed: int | None = None
    """None where the server chooses it."""


@dataclass(frozen=True, slots=True)
class ScriptedStation:
    """Where a scripted keyboard stands."""

    url: str
    """The server's."""
    token: str
    """The station's."""
    folder: Path
    """Its own: journals, recordings and outbox lie there."""


class ScriptedHands:
    """What a script would hold down (`agents.human.Hands`).

    Args:
        script: decides; it is this object's own.
        rules: of the game.
        slips: as in `ScriptedPerson`.
        rng: for the slips and the script's own draws.
    """

    def __init__(self, script: Player, rules: Rules, slips: float, rng: random.Random) -> None:
        self._script = script
        self._rules = rules
        self._slips = slips
        self._rng = rng
        self._coming: deque[int] = deque()
        self._slipped: int | None = None

    def next(self, step: Step) -> Sequence[Button]:
        if step.t == 0:
            self._coming = deque([NOOP] * REACTION_FRAMES)
            self._script.reset(seed=self._rng.getrandbits(53), action_set=self._rules.action_set)
        self._coming.append(self._script.act(step))
        action = self._coming.popleft()
        if step.t % SLIP_FRAMES == 0:
            slips = self._rng.random() < self._slips
            self._slipped = self._rng.choice(self._rules.action_set) if slips else None
        return buttons_of(action if self._slipped is None else self._slipped)


def buttons_of(action: int) -> tuple[Button, ...]:
    """Return what is held down for an ALE action code (0-17)."""
    name = ACTION_NAMES[action]
    return tuple(button for button in Button if button.name in name)


def play_at_station(
    pipe: Connection, station: ScriptedStation, person: ScriptedPerson, wishes: Sequence[GameToPlay]
) -> None:
    """Play every game of `wishes`, one after the other, and wait until the server has judged them; to be run by
    `arena.processes.workers`. What comes through `pipe`: a sentence for every game, an `ArenaError` where it can't go
    on, and None at the end."""
    from arena.client.api import Client
    from arena.client.outbox import Courier, Outbox

    outbox = Outbox(station.folder)
    try:
        with Client(station.url, station.token) as client:
            courier = Courier(outbox, client)
            courier.start()
            try:
                for wish in wishes:
                    pipe.send(_play(client, outbox, station.folder, person, wish))
                    courier.wake()
                _wait_for_verdicts(client, outbox, courier)
            finally:
                courier.stop()
        pipe.send(None)
    except ArenaError as error:
        pipe.send(error)


def _play(client: Client, outbox: Outbox, folder: Path, person: ScriptedPerson, wish: GameToPlay) -> str:
    """Play one game with a ticket, put it into the outbox, and say how it went."""
    from agents.human import HumanPlayer
    from agents.load import load_player
    from arena.client.live_feed import LiveFeed
    from arena.engine.match import Match, RecordingObserver
    from envs.games import find_game
    from recordings.storage import save

    game = find_game(wish.game)
    ticket = client.ticket(person.name, game.name, wish.rules, wish.seed)
    rng = random.Random(f"{person.name} {ticket.seed}")
    hands = ScriptedHands(load_player("script:basic", game), ticket.rules, person.slips, rng)
    player = HumanPlayer(person.name, hands)
    done: list[Recording] = []
    observe = RecordingObserver(ticket.rules, [player], done.append)
    feed = LiveFeed(client, client.start(ticket.id))
    for turn in Match(ticket.rules, [ticket.seed], [player]).play():
        observe(turn)
        feed(turn)
    feed.close(TELL_SECONDS)
    (recording,) = done
    outbox.add(save(recording, folder / "recordings"), ticket.id)
    return f"{person.name}: {recording.score:,} in {game.title}"


def _wait_for_verdicts(client: Client, outbox: Outbox, courier: Courier) -> None:
    """Wait until everything was sent and replayed.

    Raises:
        EventError: the server has refused a game, or takes too long.
    """
    deadline = time.monotonic() + VERIFY_SECONDS
    decided: set[str] = set()
    while time.monotonic() < deadline:
        contents = outbox.contents()
        reasons = list(contents.refused.values())
        for key in contents.sent.keys() - decided:
            receipt = client.get(f"/uploads/{contents.sent[key]['id']}")
            if receipt["state"] == "refused":
                reasons.append(receipt["reason"])
            elif receipt["state"] == "verified":
                decided.add(key)
        if reasons:
            raise EventError(f"The server has refused a scripted keyboard's game: {reasons[0]}.")
        if not contents.waiting and decided == contents.sent.keys():
            return
        time.sleep(LOOK_SECONDS)
    raise EventError(f"The server hasn't replayed all games within {VERIFY_SECONDS:.0f} seconds. {courier.trouble}")
