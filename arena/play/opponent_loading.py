"""An opponent's process while it is started: that takes seconds, in which the window must go on living."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack, suppress

from arena.engine.evaluate import PLAIN, Handling
from arena.play.opponent import RemoteOpponent, open_opponent
from envs.errors import ArenaError
from envs.rules import Rules

log = logging.getLogger(__name__)


class LoadingOpponent:
    """An opponent while it is loading, playing or gone.

    Args:
        agent, rules, handling, name: see `arena.play.opponent.open_opponent`.
    """

    def __init__(self, agent: str, rules: Rules, *, handling: Handling = PLAIN, name: str | None = None) -> None:
        self.problem: ArenaError | None = None
        """Why it can't play; None as long as it may."""
        self.opponent: RemoteOpponent | None = None
        """None while it is loading, and when it can't play."""
        self._stack = ExitStack()
        self._loaded = self._closed = False
        self._lock = threading.Lock()
        threading.Thread(target=self._load, args=(agent, rules, handling, name), daemon=True).start()

    @property
    def loading(self) -> bool:
        return not self._loaded

    def close(self) -> None:
        """End its process, also one that is still loading. May be called more than once; doesn't wait."""
        with self._lock:
            self._closed = True
            if self._loaded:
                self._end()

    def give_up(self, problem: ArenaError) -> None:
        """End its process, because it can't play on."""
        self.problem = problem
        self.close()

    def _load(self, agent: str, rules: Rules, handling: Handling, name: str | None) -> None:
        opponent = None
        try:
            opponent = self._stack.enter_context(open_opponent(agent, rules, handling=handling, name=name))
        except ArenaError as error:
            self.problem = error
            log.warning("%s can't play: %s", agent, error)
        except Exception as error:  # whatever a bot's file makes its process do, the person plays on
            self.problem = ArenaError(str(error))
            log.warning("%s can't play", agent, exc_info=True)
        with self._lock:
            self.opponent = opponent
            self._loaded = True
            if self._closed:
                self._end()

    def _end(self) -> None:
        self.opponent = None
        with suppress(ArenaError, OSError):
            self._stack.close()
