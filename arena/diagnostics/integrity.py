"""What a score alone doesn't show: whether a bot looks at the screen, and whether it is the bot that it was.

- Open loop: the actions of the bot's own best game, played blindly on the other seeds. Sticky actions make every game
  another one, so a bot that reacts scores far more than its own script does; a ratio near 1 shows a memorized script.
- Re-run: the same agent on the same seed must give the same actions, frame by frame. If it doesn't, the recording
  proves a score but not that this file reached it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agents.replay import ReplayPlayer
from arena.engine.evaluate import PLAIN, Handling, evaluate, play_seeds
from envs.errors import AgentError
from recordings.recording import Recording

OPEN_LOOP_SEEDS = 20
RERUN_SEEDS = 3


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """One game's actions on other seeds, against the bot on the same ones."""

    seed: int
    """Whose actions were replayed: the bot's best game."""
    score: int
    """What they scored there, in points."""
    n: int
    """On how many other seeds they were replayed."""
    script_mean: float
    """Mean points of the replayed actions. Where they run out before the game is over, it ends there."""
    bot_mean: float
    """Mean points of the bot on the same seeds."""

    @property
    def ratio(self) -> float | None:
        """`script_mean` / `bot_mean`; None where the bot has no points."""
        return self.script_mean / self.bot_mean if self.bot_mean > 0 else None

    def sentence(self) -> str:
        """Return what came out in plain words."""
        said = (
            f"Open loop: its actions of seed {self.seed} ({self.score:,} points) score {self.script_mean:,.1f} on "
            f"{self.n} other {'seed' if self.n == 1 else 'seeds'}, where it scores {self.bot_mean:,.1f} itself"
        )
        return f"{said}." if self.ratio is None else f"{said}: {self.ratio:.2f} of it."


@dataclass(frozen=True, slots=True)
class Rerun:
    """The same agent on the same seeds, once more."""

    n: int
    same: int
    """Games with the same actions from the first frame to the last."""
    first_difference: int | None
    """Frame of the first difference, in the game in which it comes first; None if all agree."""

    def sentence(self) -> str:
        """Return what came out in plain words."""
        if self.first_difference is None:
            return f"Played again: the same actions in {self.same} of {self.n} {'game' if self.n == 1 else 'games'}."
        return (
            f"Played again: the same actions in {self.same} of {self.n} games; the first difference is at frame "
            f"{self.first_difference:,}. This agent doesn't repeat what it did."
        )


def open_loop(recordings: Sequence[Recording]) -> OpenLoop:
    """Replay the best of `recordings`, all of one player under the same rules, on the seeds of the others.

    Raises:
        AgentError: there are fewer than two.
    """
    if len(recordings) < 2:
        raise AgentError(f"The open-loop check needs games on two seeds or more; here are {len(recordings)}.")
    best = max(recordings, key=lambda recording: (recording.score, -recording.seed))
    others = sorted((r for r in recordings if r.seed != best.seed), key=lambda r: r.seed)[:OPEN_LOOP_SEEDS]
    script = ReplayPlayer(best.player.name, best.actions)
    scores = [r.score for r in play_seeds(script, best.rules, [r.seed for r in others])]
    return OpenLoop(best.seed, best.score, len(others), _mean(scores), _mean([r.score for r in others]))


def rerun(agent: str, recordings: Sequence[Recording], handling: Handling = PLAIN) -> Rerun:
    """Let `agent` play the seeds of the first of `recordings` again, as they lie, and compare all actions.

    Raises:
        AgentError: the agent can't be loaded, or it isn't the one that is in the recordings.
    """
    chosen = list(recordings[:RERUN_SEEDS])
    differences = []
    for before, now in _pairs(agent, chosen, handling):
        if now.player != before.player:
            raise AgentError(
                f"The recordings are of {before.player.name!r}, file {str(before.player.artifact_sha256)[:12]}; "
                f"this is {now.player.name!r}, file {str(now.player.artifact_sha256)[:12]}."
            )
        differences.append(first_difference(before.actions, now.actions))
    found = [frame for frame in differences if frame is not None]
    return Rerun(len(differences), len(differences) - len(found), min(found, default=None))


def _pairs(agent: str, recordings: Sequence[Recording], handling: Handling) -> Iterator[tuple[Recording, Recording]]:
    if not recordings:
        return
    seeds = [recording.seed for recording in recordings]
    again = {r.seed: r for r in evaluate(agent, recordings[0].rules, seeds, 1, handling)}
    for recording in recordings:
        yield recording, again[recording.seed]


def first_difference(one: bytes, other: bytes) -> int | None:
    """Return the first frame at which two sequences of actions differ, the end of the shorter included."""
    if one == other:
        return None
    return next((t for t, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _mean(scores: Sequence[int]) -> float:
    return sum(scores) / len(scores)
