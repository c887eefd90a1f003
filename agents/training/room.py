"""Whether a replay buffer fits into memory, and its checkpoints onto the disk: said before a run begins."""

from __future__ import annotations

import shutil
from pathlib import Path

from agents.training.checkpoints import KEPT
from envs.errors import AgentError

PICTURE = 84 * 84
"""Bytes of one picture."""
BESIDES = 128
"""Bytes of a transition besides its pictures: action, reward, notes and so on, rounded up."""
SPARE = 1 << 30
"""Bytes that the rest of a run needs: about half as much was measured."""


def check_memory(buffer_size: int, pictures: int, available: int | None = None) -> None:
    """Check that a buffer of `buffer_size` transitions, with so many pictures each, fits into memory.

    Args:
        available: bytes; what this machine has left if not given. (Outside Linux that isn't known, nor checked.)

    Raises:
        AgentError: it doesn't; the sentence names the number that would fit.
    """
    available = _available_memory() if available is None else available
    each = pictures * PICTURE + BESIDES
    if available is None or buffer_size * each + SPARE <= available:
        return
    fits = max(0, available - SPARE) // each // 10_000 * 10_000
    raise AgentError(
        f"A buffer of {buffer_size:,} decisions takes {_gb(buffer_size * each)}, and {_gb(SPARE)} besides; "
        f"{_gb(available)} of memory are free. {_advice(fits)}"
    )


def check_disk(buffer_size: int, pictures: int, steps: int, out: Path, free: int | None = None) -> None:
    """Check that the checkpoints of a run of `steps` steps fit onto the disk that `out` is, or will be, on.

    Args:
        free: bytes; what is free there if not given.

    Raises:
        AgentError: they don't; the sentence names the number that would fit.
    """
    if free is None:
        free = shutil.disk_usage(next(path for path in (out, *out.absolute().parents) if path.exists())).free
    each = (KEPT + 1) * (pictures * PICTURE + BESIDES)  # the one being written, too
    filled = min(buffer_size, steps)
    if filled * each <= free:
        return
    raise AgentError(
        f"Checkpoints with a buffer of {filled:,} decisions take up to {_gb(filled * each)} in {out}; "
        f"{_gb(free)} are free there. {_advice(free // each // 10_000 * 10_000)}"
    )


def _advice(fits: int) -> str:
    if not fits:
        return "Make room first: not even 10,000 would fit."
    return f"Set buffer_size = {fits:_} in a copy of train.toml and pass it with --config."


def _available_memory() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError, IndexError):
        return None


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
