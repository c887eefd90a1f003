"""Loaded emulators to borrow. Loading a game takes as long as emulating a thousand frames of it."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from envs.environment import ArenaEnv
from envs.rules import Rules

MOST_KEPT = 32

_kept: list[ArenaEnv] = []
_guard = Lock()
atexit.register(_kept.clear)  # else ale-py complains of leaks when a process with other threads ends


@contextmanager
def borrowed(rules: Rules, count: int) -> Iterator[list[ArenaEnv]]:
    """Lend `count` environments under `rules` that nobody else in this process is using; they come back afterwards.

    Raises:
        UnknownGame, RomError, RulesError: see `ArenaEnv`.
    """
    with _guard:
        lent = [env for env in _kept if env.rules == rules][:count]
        _kept[:] = [env for env in _kept if env not in lent]
    try:
        lent += [ArenaEnv(rules, obs_type="ram") for _ in range(count - len(lent))]
        yield lent
    finally:
        with _guard:
            _kept[:0] = lent  # those used last are kept longest
            del _kept[MOST_KEPT:]
