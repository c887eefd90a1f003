"""One running server: its parts, made in one place, started and stopped together."""

from __future__ import annotations

from pathlib import Path

from arena.scoreboard import Scoreboard
from arena.server.auth import Tokens
from arena.server.bus import Bus
from arena.server.clock import Clock
from arena.server.settings import Settings


class Server:
    """Everything that routes work with."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = Clock()
        self.bus = Bus()
        self.board = Scoreboard.open(settings.database)
        self.tokens = Tokens(self.board, self.clock)

    @property
    def recordings(self) -> Path:
        return self.settings.event.recordings

    def start(self) -> None:
        """Recover, then begin the work in the background."""

    def stop(self) -> None:
        """End the work in the background; what isn't done is taken up by the next start."""
        self.board.close()
