"""What a server is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from arena.event.folder import Event
from arena.event.settings import Quotas


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What one may ask of the server."""

    recording_bytes: int = 2 * 2**20
    package_bytes: int = 64 * 2**20
    other_bytes: int = 256 * 1024
    evaluations_per_day: int = 5
    """Completed evaluations per participant and day (UTC); those that failed or were refused don't count."""
    attempts_per_day: int = 30
    """Ranked games that a player may begin per day (UTC), in each game."""
    waiting_per_owner: int = 10
    """Agents of one participant that may wait at once."""
    quiet_seconds: float = 2 * 3600
    """A started game from which nothing was heard for so long, while the server ran, is counted as abandoned."""
    lease_seconds: float = 10
    """A worker that gives no sign for so long has lost its job to the next one."""

    @classmethod
    def of(cls, quotas: Quotas) -> Self:
        """Return the limits of an event with these quotas."""
        return cls(evaluations_per_day=quotas.submissions_per_day, attempts_per_day=quotas.attempts_per_day)


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """One server."""

    event: Event
    database: str
    """URL or file of the scoreboard."""
    verifiers: int = 2
    """Processes that replay what was uploaded."""
    evaluators: int = 1
    """Processes that evaluate submitted agents, one agent at a time each; 0: none here."""
    evaluation_seeds: int = 20
    """Hidden seeds that a submitted agent plays."""
    approval: bool = False
    """Whether an organizer must approve a submitted agent before it is evaluated."""
    url: str = ""
    """Where others reach this server, `http://10.0.0.5:8000`; empty: as a browser asked for it."""
    limits: RequestLimits = field(default_factory=RequestLimits)
