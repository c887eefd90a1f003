"""What is kept of a game at the window: recordings, and the journal while it runs. None of it may stop the game."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from agents.player import Kind, Player
from arena.client.offline import Kept
from arena.engine.eligibility import unranked_reason
from arena.engine.match import RecordingObserver, Turn
from arena.ui.show import Panel
from envs.errors import EventError
from envs.rules import Rules
from envs.step import End
from recordings.recording import Pacing, Recording
from recordings.storage import FileJournal, Header, Journal, NullJournal, save


class PlayedGame(NamedTuple):
    """One side of a game."""

    recording: Recording
    path: Path | None
    """Where it lies; None in practice, for a ghost, and if it could not be saved."""
    unranked: str | None
    """Why it doesn't count, as a part of a sentence; None if it does."""


class Keeper:
    """Saves the recordings of one game: the person's at once, when nothing can be delayed by it any more, the
    opponent's in another thread, because the person may be playing still. An opponent's game that was broken off is not
    saved: nobody's score shall be a part of a game that somebody else has ended."""

    def __init__(self, folder: Path | None, writer: ThreadPoolExecutor, kept: Kept) -> None:
        self._folder = folder
        self._writer = writer
        self._kept = kept
        self._recordings: dict[bool, Recording] = {}
        """By whether it is the person's."""
        self._saving: dict[bool, Future[Path]] = {}

    def __call__(self, recording: Recording) -> None:
        persons = recording.player.kind == Kind.HUMAN.value
        self._recordings[persons] = recording
        if self._folder is not None:
            self._saving[persons] = self._writer.submit(self._save, recording, self._folder)
            if persons:
                self._saving[persons].exception()  # waits: the journal goes when this returns

    def _save(self, recording: Recording, folder: Path) -> Path:
        path = save(recording, folder)
        self._kept(recording, path)
        return path

    def broken_off(self, recording: Recording) -> None:
        """Take what the opponent had played when the person left."""
        self._recordings[False] = recording

    def problem(self) -> str | None:
        """Wait until everything is saved; return the sentence about what can't be."""
        for saving in self._saving.values():
            error = saving.exception()
            if isinstance(error, EventError):
                return str(error)
            if error is not None:
                raise error
        return None

    def try_again(self) -> None:
        """Save what could not be saved."""
        for persons, saving in self._saving.items():
            if self._folder is not None and saving.exception() is not None:
                self._saving[persons] = self._writer.submit(self._save, self._recordings[persons], self._folder)

    def played(self, persons: bool) -> PlayedGame | None:
        """Return what the person played, or the opponent; None if there is nothing."""
        recording = self._recordings.get(persons)
        if recording is None:
            return None
        saving = self._saving.get(persons)
        if saving is None and not persons and recording.end is End.QUIT:
            return PlayedGame(recording, None, "it was broken off when the person left")
        path = None if saving is None or saving.exception() is not None else saving.result()
        return PlayedGame(recording, path, unranked_reason(recording))


class LiveObserver(RecordingObserver):
    """Records a person's game and what plays beside it, but no ghost: that has its recording.

    The person's journal may fail, as when the disk is full: the game goes on all the same. What a machine plays needs
    none."""

    def __init__(
        self,
        rules: Rules,
        players: Sequence[Player],
        keeper: Keeper,
        journals: Path | None,
        pacing: Callable[[int], Pacing],
    ) -> None:
        super().__init__(rules, players, keeper, journals, pacing)
        self._keeper = keeper

    def __call__(self, turn: Turn) -> None:
        if self._players[turn.lane].kind != Kind.REPLAY.value:
            super().__call__(turn)

    def break_off(self, panel: Panel) -> None:
        """End the opponent's game where it stands on `panel`."""
        recorder = self._recorders[1]
        if recorder is not None and panel.step is not None:
            self._keeper.broken_off(recorder.recording(panel.step.ended(End.QUIT), self._pacing(1)))

    def _journal(self, header: Header) -> Journal:
        if self._journals is None or header.player.kind != Kind.HUMAN.value:
            return NullJournal()
        try:
            return _ForgivingJournal(FileJournal(self._journals, header))
        except EventError:
            return NullJournal()


class _ForgivingJournal:
    """A journal whose failures don't stop the game."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._fails = False

    def append(self, actions: bytes | bytearray) -> None:
        if not self._fails:
            try:
                self._journal.append(actions)
            except EventError:
                self._fails = True  # with a gap the rest would be worthless

    def close(self) -> None:
        self._journal.close()

    def discard(self) -> None:
        with suppress(EventError):
            self._journal.discard()
