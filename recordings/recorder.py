"""Makes a recording of an episode while it runs."""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import version

from envs.environment import ale_seed_of
from envs.errors import EventError
from envs.step import Step
from recordings.digest import EpisodeDigest
from recordings.recording import Pacing, Recording
from recordings.storage import FLUSH_FRAMES, Header, Journal


class Recorder:
    """Takes every frame of one episode, in order, and gives the recording at its end."""

    def __init__(self, header: Header, journal: Journal) -> None:
        self.header = header
        self._journal = journal
        self._actions = bytearray()
        self._digest = EpisodeDigest()
        self._score = 0

    def add(self, action: int, step: Step) -> None:
        """Take the frame that `action` led to."""
        actions = self._actions
        actions.append(action)
        if len(actions) % FLUSH_FRAMES == 0:
            self._journal.append(actions[-FLUSH_FRAMES:])
        self._digest.add(step)
        if step.reward:
            self._score += int(step.reward)

    def recording(self, last: Step, pacing: Pacing | None = None) -> Recording:
        """Return the recording of the episode that ended with the step `last`."""
        assert last.end is not None
        header = self.header
        return Recording(
            rules=header.rules,
            seed=header.seed,
            ale_seed=ale_seed_of(header.seed),
            ale_py=version("ale-py"),
            player=header.player,
            score=self._score,
            frames=len(self._actions),
            end=last.end,
            digest=self._digest.hexdigest(),
            checkpoints=tuple(self._digest.checkpoints),
            started_at=header.started_at,
            pacing=pacing,
            actions=bytes(self._actions),
        )

    def close_journal(self) -> None:
        """Leave the journal for `arena.engine.recover`: the episode is broken off."""
        with suppress(EventError):  # what can't be written now is lost, as if the process had been killed
            self._journal.append(self._actions[len(self._actions) // FLUSH_FRAMES * FLUSH_FRAMES :])
        self._journal.close()

    def discard_journal(self) -> None:
        """To be called when the recording is safe."""
        self._journal.discard()
