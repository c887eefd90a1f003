"""A few real recordings for the tests of this folder."""

from __future__ import annotations

import pytest

from arena.engine.evaluate import play_seeds
from envs.rules import named_rules
from recordings.recording import Recording
from tests.doubles import Dice


@pytest.fixture(scope="session")
def recording() -> Recording:
    """A game of Breakout to its end: one checkpoint and some points."""
    played = next(play_seeds(Dice("Ada"), named_rules("breakout"), [1]))
    assert played.frames > 600
    return played


@pytest.fixture(scope="session")
def truncated() -> Recording:
    """The first 20 frames of a game."""
    return next(play_seeds(Dice("Bob"), named_rules("breakout").varied(max_frames=20), [2]))
