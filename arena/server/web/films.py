"""Games as films: made by replaying the recording when somebody wants to see it, kept in the event folder."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.datastructures import State

from arena.processes.workers import workers
from envs.errors import ArenaError
from recordings.codec import read

if TYPE_CHECKING:
    from arena.server.services import Server

KEPT_BYTES = 4 * 2**30
"""Films are thrown away when they take more than this, those first that nobody has looked at for longest."""
MOST_WAITING = 20
"""Films that may wait to be made."""
NICENESS = 10
"""Replaying what was uploaded goes first."""


@dataclass(frozen=True, slots=True)
class Film:
    """Where a film stands."""

    key: str
    state: str
    """none, waiting, working, failed or ready."""
    percent: int = 0
    before: int = 0
    """Films that are made first."""
    reason: str = ""

    @property
    def double(self) -> bool:
        return "-" in self.key


@dataclass
class _Order:
    key: str
    recordings: Sequence[Path]
    percent: int = 0


@dataclass
class Films:
    """Makes films one after the other in a process of its own, and keeps them in `folder`."""

    folder: Path
    _waiting: deque[_Order] = field(default_factory=deque)
    _current: _Order | None = None
    _failed: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def path(self, key: str) -> Path:
        return self.folder / f"{key}.mp4"

    def state(self, key: str) -> Film:
        with self._lock:
            if self._current is not None and self._current.key == key:
                return Film(key, "working", self._current.percent)
            for before, order in enumerate(self._waiting):
                if order.key == key:
                    return Film(key, "waiting", before=before + 1)
            if self.path(key).is_file():
                return Film(key, "ready", 100)
            if key in self._failed:
                return Film(key, "failed", reason=self._failed[key])
            return Film(key, "none")

    def order(self, key: str, recordings: Sequence[Path]) -> Film:
        """Have a film made, unless it is there or on its way, and return where it stands."""
        state = self.state(key)
        if state.state in ("ready", "working", "waiting"):
            return state
        with self._lock:
            if len(self._waiting) >= MOST_WAITING:
                return Film(key, "failed", reason="Many videos are being made just now; try again in some minutes.")
            self._failed.pop(key, None)
            idle = self._current is None and not self._waiting
            self._waiting.append(_Order(key, recordings))
        if idle:
            threading.Thread(target=self._work, name="films", daemon=True).start()
        return self.state(key)

    def looked_at(self, key: str) -> None:
        """Note that somebody has looked at a film, so that it isn't thrown away first."""
        os.utime(self.path(key))

    def _work(self) -> None:
        while True:
            with self._lock:
                self._current = self._waiting.popleft() if self._waiting else None
                order = self._current
            if order is None:
                return
            reason = self._make(order)
            with self._lock:
                if reason:
                    self._failed[order.key] = reason
                if not self._waiting:
                    self._current = None
                    return

    def _make(self, order: _Order) -> str:
        """Make a film; return what went wrong, or nothing."""
        target = self.path(order.key)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with workers(_film, [([str(path) for path in order.recordings], str(target))]) as (pipe,):
                while True:
                    said = pipe.recv()
                    if not isinstance(said, int):
                        break
                    order.percent = said
        except (EOFError, OSError):
            said = "The video could not be made; there may be no room on the disk, or in memory."
        if not said:
            self._tidy(keep=target)
        return str(said)

    def _tidy(self, keep: Path) -> None:
        films = sorted(self.folder.glob("*.mp4"), key=lambda path: path.stat().st_mtime, reverse=True)
        taken = 0
        for path in films:
            taken += path.stat().st_size
            if taken > KEPT_BYTES and path != keep:
                path.unlink(missing_ok=True)


def films_of(server: Server, state: State) -> Films:
    """Return the films of a server, made when the first asks.

    Args:
        server: whose films.
        state: where they are kept for the others (`app.state`).
    """
    if not hasattr(state, "films"):
        state.films = Films(server.settings.event.folder / "films")
    found: Films = state.films
    return found


def _film(pipe: Connection, recordings: Sequence[str], target: str) -> None:
    """What the making process does: it says how far it is in percent, and at the end what went wrong, or nothing."""
    from arena.ui.video import export

    if hasattr(os, "nice"):
        os.nice(NICENESS)
    try:
        export(
            [read(Path(path)) for path in recordings],
            Path(target),
            progress=lambda done, total: pipe.send(int(100 * done / max(total, 1))),
        )
        pipe.send("")
    except ArenaError as error:
        pipe.send(str(error))
