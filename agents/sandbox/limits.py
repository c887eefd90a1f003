"""What an agent in the sandbox may use."""

from __future__ import annotations

from dataclasses import dataclass

DECISION_SECONDS = 2.0
"""Longest wall-clock wait for one answer, whether it decides one game or several side by side."""
START_SECONDS = 60.0
"""Longest wall-clock time from the start of the process until the agent is ready; libraries are loaded in it."""
MEMORY_BYTES = 2 * 2**30
"""Private memory of the agent's process. NatureCNN in torch takes 0.4 GiB."""
ADDRESS_BYTES = 2 * MEMORY_BYTES
"""Address space of the process: code of libraries and memory that is shared count here, too."""
THREADS = 64
"""Threads of the process, those of its libraries included. Further processes: none."""
OPEN_FILES = 64
FILE_BYTES = 64 * 1024
"""Longest file that can be written; the only one there is holds the agent's error messages."""
CPU_SECONDS = 120
"""Processor seconds, of all threads together, for the start and once more for every game. The game clock is what
decides in an honest game; this ends threads that go on working between the answers."""
GRACE_SECONDS = 20.0
"""By how much an agent's thinking in one game may be behind the console's clock, which it must keep up with."""
BREAKDOWNS = 3
"""Processes of one agent that may break down one after the other; it isn't started again after that."""


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """Limits of one sandboxed agent, in seconds, bytes and counts. A test shortens them."""

    decision: float = DECISION_SECONDS
    start: float = START_SECONDS
    grace: float = GRACE_SECONDS
    memory: int = MEMORY_BYTES
    address: int = ADDRESS_BYTES
    cpu: int = CPU_SECONDS

    def thinking(self, t: int) -> float:
        """Return the seconds that an agent may have spent on a game by frame `t`: as many as the console needs for it
        at its own speed, which is what a person has, and the grace."""
        from envs.games import FPS  # not above: see `lockdown`

        return self.grace + t / FPS
