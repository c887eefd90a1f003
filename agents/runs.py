"""What a training run tells of itself: the code it runs, where it stopped, what it has found so far."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from agents.checkpoints import checkpoints, read_checkpoint
from envs.errors import AgentError


def commit() -> str:
    """The commit this code is at, with a plus if files differ from it; empty outside a repository."""

    def git(*args: str) -> str:
        done = subprocess.run(["git", *args], cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        return git("rev-parse", "--short=10", "HEAD") + "+" * bool(git("status", "--porcelain", "-uno"))
    except (OSError, subprocess.CalledProcessError):
        return ""


def newest_checkpoint(run: Path, *, resume: bool) -> tuple[Path, dict[str, Any]] | None:
    """The checkpoint from which the run in the folder `run` goes on, and what it holds; None for a run that begins.

    Raises:
        AgentError: there is one and the run should begin, or none (that can be read) and it should go on.
    """
    found = checkpoints(run / "checkpoints")
    if found and not resume:
        raise AgentError(f"{run} already holds a run; add --resume to go on with it, or choose another --out.")
    if resume and not found:
        raise AgentError(f"There is no checkpoint in {run} to go on from; leave out --resume to start.")
    return (found[-1], read_checkpoint(found[-1])) if found else None


def carry_over(about: dict[str, Any], before: dict[str, Any], path: Path) -> None:
    """Take over into `about` what the run has found so far: `before`, of the checkpoint `path`.

    Raises:
        AgentError: that checkpoint is of another run.
    """
    for what in ("game", "algo", "seed"):
        if before[what] != about[what]:
            raise AgentError(f"{path} is of a run with the {what} {before[what]}, not {about[what]}.")
    for what in ("steps", "settings", "plain"):
        if before[what] != about[what]:
            print(f"note: {what} was {before[what]} and is now {about[what]}")
    about |= {key: before[key] for key in ("best", "seconds") if key in before}
    about["command"] = f"{before['command']}; then {about['command']}"
