"""The rival's process: it is started when the rival is chosen, so that it is ready when the match begins."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack, suppress

from arena.play.opponent import Opponent, open_opponent
from envs.errors import ArenaError
from envs.rules import Rules

log = logging.getLogger(__name__)


class RivalAtWork:
    """An opponent while it is loading, playing or gone.

    Args:
        agent: see `agents.load.load_player`.
        rules: what is played.
    """

    def __init__(self, agent: str, rules: Rules) -> None:
        self.problem: str | None = None
        """Why it can't play; None as long as it may."""
        self.opponent: Opponent | None = None
        """None while it is loading, and when it can't play."""
        self._stack = ExitStack()
        self._closed = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._load, args=(agent, rules), daemon=True)
        self._thread.start()

    @property
    def loading(self) -> bool:
        return self._thread.is_alive()

    def close(self) -> None:
        """End its process, also one that is still loading. May be called more than once; doesn't wait."""
        with self._lock:
            self._closed = True
            if not self.loading:
                self._end()

    def _load(self, agent: str, rules: Rules) -> None:
        try:
            opponent = self._stack.enter_context(open_opponent(agent, rules))
        except ArenaError as error:
            self.problem = str(error)
            log.warning("%s can't play: %s", agent, error)
            return
        except Exception as error:  # whatever a bot's file makes its process do, the guest plays on
            self.problem = str(error)
            log.warning("%s can't play", agent, exc_info=True)
            return
        with self._lock:
            self.opponent = opponent
            if self._closed:
                self._end()

    def _end(self) -> None:
        self.opponent = None
        with suppress(ArenaError, OSError):
            self._stack.close()
