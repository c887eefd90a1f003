"""Whether what a run keeps to learn from fits into memory, and its checkpoints onto the disk: said before it begins."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm

from agents.networks.preprocessing import SIDE, STACK
from agents.training.checkpoints import KEPT
from agents.training.dagger import DAgger
from agents.training.hyperparameters import steps_per_update, value_of
from agents.training.replay_buffer import AnswerBuffer, FrameReplayBuffer
from envs.errors import AgentError

PICTURE = SIDE * SIDE
"""Bytes of one picture."""
BESIDES = 128
"""Bytes of a decision besides its pictures: action, reward, notes and so on, rounded up."""
SPARE = 1 << 30
"""Bytes that the rest of a run needs: about half as much was measured."""

SMALL = 1 << 27
"""Bytes of a buffer that isn't asked about: where there is no room for it, its size is not the reason."""


@dataclass(frozen=True, slots=True)
class Buffer:
    """Decisions that a run keeps to learn from."""

    decisions: int
    """How many, of all games together."""
    pictures: int
    """That are kept of each."""
    setting: str = "buffer_size"
    """What its size is called where it is set."""
    games: int = 1
    """Decisions for each one of that setting."""
    round_to: int = 10_000
    """What fits is named in multiples of this."""

    @property
    def bytes_each(self) -> int:
        return self.pictures * PICTURE + BESIDES


def buffer_of(settings: Mapping[str, Any], algorithm: type[BaseAlgorithm], *, plain: bool) -> Buffer:
    """The buffer of `algorithm` with checked settings; `plain` if it is SB3's own, which keeps both stacks."""
    if not issubclass(algorithm, OffPolicyAlgorithm):
        games = settings["envs"]
        return Buffer(steps_per_update(settings, algorithm), STACK, "n_steps", games, 1)
    size = value_of(settings, algorithm, "buffer_size")
    if issubclass(algorithm, DAgger):
        return Buffer(size, AnswerBuffer.PICTURES)
    return Buffer(size, 2 * STACK if plain else FrameReplayBuffer.PICTURES)


def check_room(
    settings: Mapping[str, Any], algorithm: type[BaseAlgorithm], *, plain: bool, steps: int, out: Path
) -> None:
    """Check that the buffer of a run of `steps` steps fits into memory, and onto the disk of the folder `out` if
    checkpoints hold it.

    Raises:
        AgentError: it doesn't; the sentence names the number that would fit.
    """
    buffer = buffer_of(settings, algorithm, plain=plain)
    check_memory(buffer)
    if issubclass(algorithm, OffPolicyAlgorithm):
        check_disk(buffer, steps, out)


def check_memory(buffer: Buffer, available: int | None = None) -> None:
    """Check that `buffer` fits into memory.

    Args:
        available: bytes; what this machine has left if not given, or has in all where that isn't known. (On Windows
            neither is, and nothing is checked.)

    Raises:
        AgentError: it doesn't; the sentence names the number that would fit.
    """
    available = _available_memory() if available is None else available
    size = buffer.decisions * buffer.bytes_each
    if available is None or size <= max(SMALL, available - SPARE):
        return
    raise AgentError(
        f"A buffer of {buffer.decisions:,} decisions takes {_gb(size)}, and "
        f"{_gb(SPARE)} besides; {_gb(available)} of memory are free. {_advice(buffer, max(0, available - SPARE))}"
    )


def check_disk(buffer: Buffer, steps: int, out: Path, free: int | None = None) -> None:
    """Check that the checkpoints of a run of `steps` steps fit onto the disk that `out` is, or will be, on.

    Args:
        buffer: that is part of them.
        free: bytes; what is free there if not given.

    Raises:
        AgentError: they don't; the sentence names the number that would fit.
    """
    if free is None:
        free = shutil.disk_usage(next(path for path in (out, *out.absolute().parents) if path.exists())).free
    copies = KEPT + 1  # the one being written, too
    filled = min(buffer.decisions, steps)
    if filled * buffer.bytes_each * copies <= free:
        return
    raise AgentError(
        f"Checkpoints with a buffer of {filled:,} decisions take up to {_gb(filled * buffer.bytes_each * copies)} in "
        f"{out}; {_gb(free)} are free there. {_advice(buffer, free // copies)}"
    )


def _advice(buffer: Buffer, room: int) -> str:
    fits = room // buffer.bytes_each // buffer.games // buffer.round_to * buffer.round_to
    if not fits:
        return f"Make room first: not even {buffer.round_to * buffer.games:,} would fit."
    return f"Set {buffer.setting} = {fits:_} in a copy of train.toml and pass it with --config."


def _available_memory() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        return None


def _gb(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"
