"""Who plays: people, trained bots, scripts and replays are one kind of thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from envs.errors import ArenaError
from envs.step import Step


class Kind(StrEnum):
    HUMAN = "human"
    BOT = "bot"
    SCRIPT = "script"
    REPLAY = "replay"


@dataclass(frozen=True, slots=True)
class PlayerInfo:
    name: str
    """What the scoreboard shows: 1 to 32 characters."""
    kind: Kind
    artifact_sha256: str | None = None
    """SHA-256 of the agent's file, in hexadecimal; None for people and scripts."""


class PlayerQuit(Exception):
    """Raised by `Player.act` to leave the game; what was played counts."""


class PlayerFailed(ArenaError):
    """Raised by `Player.act` when the player can't go on; the episode ends as FAILED and what was played counts."""


class Player(Protocol):
    """Plays one game at a time. The contract, which `tests/contracts/player.py` checks for every kind:

    - `reset` comes before the first `act` of each episode; `seed` (0 to 2**63-1) is for the player's own draws and
      says nothing about the environment's seed; the same seed and the same steps give the same actions.
    - `act` is called once for every emulated frame, from t = 0 on, until a step has an `end`. It returns one of
      `action_set`. A player that decides less often holds its action itself.
    - `close` may be called more than once.
    """

    info: PlayerInfo

    def reset(self, *, seed: int, action_set: tuple[int, ...]) -> None: ...
    def act(self, step: Step) -> int: ...
    def close(self) -> None: ...


@runtime_checkable
class BatchPlayer(Player, Protocol):
    """A player whose bot can decide for many games at once.

    `bot` is the thing that decides, such as a network with its weights. Players whose `bot` is the same object may be
    given to one `act_many`, and the match engine does so for all of them that play side by side; players of different
    bots are never mixed. `another` gives one more player of the same bot (it shares that and nothing else) for one more
    simultaneous game. `act_many` takes some of these players with one step each and returns what each one's own `act`
    would have returned; if it raises, all of them forfeit.
    """

    bot: object

    def another(self) -> BatchPlayer: ...
    def act_many(self, players: Sequence[Player], steps: Sequence[Step]) -> Sequence[int]: ...
