"""An agent with its process in the sandbox, and the seats of the games that it plays there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agents.load import SCRIPT_PREFIX
from agents.player import Kind, PlayerFailed, PlayerInfo
from agents.sandbox.isolation import IsolationBackend
from agents.sandbox.limits import BREAKDOWNS, SandboxLimits
from agents.sandbox.payload import Payload
from agents.sandbox.protocol import SLOTS
from envs.errors import AgentError, ArenaError, shown
from envs.names import check_name

if TYPE_CHECKING:
    from agents.sandbox.box import Box


def start_box(payload: Payload, backend: IsolationBackend, limits: SandboxLimits, threads: int) -> Box:
    from agents.sandbox.box import Box  # what it imports exists on Linux only, and so do walls

    return Box(payload, backend, limits, threads)


class SandboxedBot:
    """An agent with its process, which is started anew when it has broken down.

    Raises:
        AgentError: it can't be loaded.
    """

    def __init__(self, payload: Payload, backend: IsolationBackend, limits: SandboxLimits) -> None:
        self.limits = limits
        self.generation = 0
        """Number of the process: a game lives and dies with the one it began in."""
        self._payload = payload
        self._backend = backend
        self._threads = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
        self._breakdowns = 0
        try:
            self._box = start_box(payload, backend, limits, self._threads)
        except PlayerFailed as error:
            raise AgentError(f"{payload.name}: {error}") from None
        self.batch = self._box.ready.get("batch") is True
        self.info = self._info(self._box.ready.get("name"))
        self._free = list(range(SLOTS))

    def _info(self, name: object) -> PlayerInfo:
        if self._payload.kind == "script":
            return PlayerInfo(f"{SCRIPT_PREFIX}{self._payload.name}", Kind.SCRIPT)
        if self._payload.kind == "weights":  # what was admitted outside says it, not the process
            name = self._payload.name
        if not isinstance(name, str):
            raise AgentError(f"The agent's process calls it {shown(name)}, which is no name.")
        return PlayerInfo(check_name(name), Kind.BOT, hashlib.sha256(self._payload.content).hexdigest())

    def box(self) -> Box:
        """Return the running process, a new one if the last broke down.

        Raises:
            PlayerFailed: it breaks down again and again.
        """
        if not self._box.alive:
            self._box.close()
            self._breakdowns += 1
            if self._breakdowns >= BREAKDOWNS:
                raise PlayerFailed(
                    f"The agent has broken down {self._breakdowns} times in a row and isn't started again."
                )
            self.generation += 1
            self._box = start_box(self._payload, self._backend, self.limits, self._threads)
        return self._box

    def running(self) -> Box:
        """Return the process that games have begun in."""
        return self._box

    def finished(self) -> None:
        """A game has come to its end: what broke down before is forgiven."""
        self._breakdowns = 0

    def take_slot(self) -> int:
        if not self._free:
            raise AgentError(f"One process plays at most {SLOTS} games side by side.")
        return self._free.pop(0)

    def free_slot(self, slot: int) -> None:
        """Give a slot back; with the last of them the process ends."""
        self._free.append(slot)
        if len(self._free) == SLOTS:
            self.close()

    def close(self) -> None:
        self._box.close()


class GameSeat:
    """One game at an agent's process: its slot there, the time it was thought about, and why it is a forfeit."""

    def __init__(self, bot: SandboxedBot) -> None:
        self._bot = bot
        self.slot: int | None = bot.take_slot()
        self.spent = 0.0
        """Seconds that the agent has thought about the running game."""
        self.failure: str | None = None
        """Why the last game was a forfeit, in a sentence; None if it wasn't."""
        self._generation = -1
        self._begun = False

    def begin(self) -> Box:
        """A game begins; return the process in which it is going to be played.

        Raises:
            PlayerFailed: there is none.
        """
        if self.slot is None:
            raise PlayerFailed("This player was closed.")
        if self._begun and self.failure is None:
            self._bot.finished()
        self.spent = 0.0
        self.failure = None
        box = self._bot.box()
        self._generation = self._bot.generation
        self._begun = True
        box.allow_a_game()
        return box

    def box(self) -> Box:
        """Return the process in which the game has begun.

        Raises:
            PlayerFailed: it has broken down meanwhile.
        """
        box = self._bot.running()
        if self.slot is None or self._generation != self._bot.generation or not box.alive:
            raise PlayerFailed("The agent's process has broken down in another game that it was playing.")
        return box

    def charge(self, seconds: float, t: int) -> None:
        """Add to the time that the agent has thought by frame `t`.

        Raises:
            PlayerFailed: that is too much.
        """
        self.spent += seconds
        limits = self._bot.limits
        if self.spent > limits.thinking(t):
            self.box().kill()
            raise PlayerFailed(
                f"The agent has thought for {self.spent:.0f} s by frame {t}, which the console plays in "
                f"{limits.thinking(t) - limits.grace:.0f} s; {limits.grace:g} s more are allowed."
            )

    def close(self) -> None:
        if self.slot is not None:
            slot, self.slot = self.slot, None
            self._bot.free_slot(slot)


@contextmanager
def forfeits(seats: Sequence[GameSeat]) -> Iterator[None]:
    """Note in all of the `seats` why what is done inside failed."""
    try:
        yield
    except ArenaError as error:
        for seat in seats:
            seat.failure = str(error)
        raise
