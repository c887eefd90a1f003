"""Players whose agent runs in the sandbox.

    player = sandboxed_player("model.zip", find_game("breakout"))

To the match engine they are players like any other. What goes wrong inside (an exception, a hang, a crash, too much
memory) is a `PlayerFailed` here: that game is a forfeit, and the next one gets a new process. Of a trained network only
the network runs inside (`agents.sandbox.network`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from agents.load import SCRIPT_PREFIX, find_agent_file, load_player, player_of
from agents.packages import AgentPackage, AgentRefused, admit, admit_bytes
from agents.player import Player, PlayerFailed
from agents.sandbox.bot import GameSeat, SandboxedBot, forfeits, start_box
from agents.sandbox.isolation import IsolationBackend, backends
from agents.sandbox.limits import SandboxLimits
from agents.sandbox.payload import Payload
from agents.sandbox.python import SUFFIX
from envs.errors import AgentError
from envs.games import Game, find_game
from envs.step import Step

if TYPE_CHECKING:  # what it imports exists on Linux only, and so does the sandbox
    from agents.sandbox.network import SandboxedNetworkPlayer

log = logging.getLogger(__name__)

MAX_PYTHON_BYTES = 256 * 1024


class NoSandbox(AgentError):
    """No sandbox works on this machine."""


@cache
def probe() -> IsolationBackend:
    """Return the sandbox that works on this machine: each is tried by starting a process in it.

    Raises:
        NoSandbox: none works; the message says what was tried and what to do.
    """
    tried = []
    for backend in backends():
        try:
            start_box(Payload("script", "noop", b"", "breakout"), backend, SandboxLimits(), 1).close()
            return backend
        except PlayerFailed as error:
            tried.append(f"{backend.name}: {error}")
    what = "; ".join(tried) if tried else "this system has neither bubblewrap nor Landlock"
    raise NoSandbox(
        f"No sandbox works here ({what.rstrip('.')}); on Linux: sudo apt-get install bubblewrap. Without a sandbox "
        "only weights and ONNX files are played, and nothing written in Python."
    )


def payload_of(agent: str, game: Game) -> Payload:
    """Return what `agent` (as `agents.load.load_player` takes it, or the path of a `.py` file) puts into the sandbox.

    Raises:
        AgentError: there is no such agent, or its file isn't admitted.
    """
    if agent.startswith(SCRIPT_PREFIX):
        return Payload("script", agent.removeprefix(SCRIPT_PREFIX), b"", game.name)
    path = find_agent_file(agent)
    if path.suffix == SUFFIX:
        return Payload("python", path.stem[:32], _content(path, MAX_PYTHON_BYTES), game.name)
    try:
        return payload_of_package(admit(path), game)
    except AgentRefused as refused:
        raise refused.at(str(path)) from None


def payload_of_package(package: AgentPackage, game: Game) -> Payload:
    """Return what an admitted agent puts into the sandbox.

    Raises:
        Refused: it can't play `game`.
    """
    package.check_game(game)
    return Payload("weights", package.name, package.content, game.name)


def _content(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise AgentError(f"{path}: can't be read ({error.strerror}).") from None
    if len(content) > most:
        raise AgentError(f"{path}: such a file has at most {most:,} bytes; this one has more.")
    return content


def sandboxed_player(
    agent: str, game: Game, limits: SandboxLimits | None = None
) -> SandboxedPlayer | SandboxedNetworkPlayer:
    """Return a player of `agent` that runs in the sandbox.

    Raises:
        AgentError: there is no such agent, it can't be loaded, or no sandbox works here.
    """
    return player_in_sandbox(payload_of(agent, game), limits)


def player_in_sandbox(
    payload: Payload, limits: SandboxLimits | None = None
) -> SandboxedPlayer | SandboxedNetworkPlayer:
    """Return a player of `payload` that runs in the sandbox.

    Raises:
        AgentError: it can't be loaded, or no sandbox works here.
    """
    bot = SandboxedBot(payload, probe(), limits or SandboxLimits())
    try:
        if payload.kind == "weights":
            from agents.sandbox.network import network_player  # imports OpenCV

            return network_player(bot, payload)
        return SandboxedBatchPlayer(bot) if bot.batch else SandboxedPlayer(bot)
    except BaseException:
        bot.close()
        raise


def guarded_player(payload: Payload) -> Player:
    """Return a player of `payload` in the sandbox; where none works, one outside for what can only be numbers.

    Raises:
        AgentError: it can't be loaded, or is written in Python and no sandbox works here.
    """
    try:
        return player_in_sandbox(payload)
    except NoSandbox as error:
        if payload.kind == "python":
            raise
        log.warning("%s plays without one. %s", payload.name, error)
        return _outside(payload)


def _outside(payload: Payload) -> Player:
    if payload.kind == "script":
        return load_player(SCRIPT_PREFIX + payload.name, find_game(payload.game))
    return player_of(admit_bytes(payload.content, payload.name, payload.name), find_game(payload.game))


class SandboxedPlayer:
    """One game of an agent of which everything runs in the sandbox."""

    def __init__(self, bot: SandboxedBot) -> None:
        self.info = bot.info
        self.seat = GameSeat(bot)
        self._bot = bot

    @property
    def failure(self) -> str | None:
        """Why the last game that it began was a forfeit, in a sentence; None if it wasn't."""
        return self.seat.failure

    def reset(self, *, seed: int, action_set: tuple[int, ...]) -> None:
        with forfeits([self.seat]):
            box = self.seat.begin()
            assert self.seat.slot is not None
            box.reset(self.seat.slot, seed, action_set)

    def act(self, step: Step) -> int:
        return _ask([self], [step])[0]

    def close(self) -> None:
        self.seat.close()


class SandboxedBatchPlayer(SandboxedPlayer):
    """One game of an agent that decides for several at once."""

    @property
    def bot(self) -> SandboxedBot:
        """What players of the same process share."""
        return self._bot

    def another(self) -> SandboxedBatchPlayer:
        player = SandboxedBatchPlayer(self._bot)
        player.info = self.info  # whoever runs it may have given it another name
        return player

    def act_many(self, players: Sequence[SandboxedPlayer], steps: Sequence[Step]) -> list[int]:
        return _ask(players, steps)


def _ask(players: Sequence[SandboxedPlayer], steps: Sequence[Step]) -> list[int]:
    """Ask the process once for all of these games, and charge each with its share of the time.

    Raises:
        PlayerFailed: it gave no answer, or one of the games has used up its time.
    """
    seats = [player.seat for player in players]
    with forfeits(seats):
        (box,) = {seat.box() for seat in seats}
        begin = time.monotonic()
        actions = box.act([seat.slot for seat in seats if seat.slot is not None], steps)
        share = (time.monotonic() - begin) / len(players)
        for seat, step in zip(seats, steps, strict=True):
            seat.charge(share, step.t)
    return actions
