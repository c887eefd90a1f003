"""Every screen of `arena play` and of the doctor under random keys and pads: nothing raises, nothing is lost.

ARENA_SOAK=1 hammers on each of them for 30 seconds instead of a third of one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents.human import HumanPlayer
from arena.engine.evaluate import play_seeds
from arena.engine.recover import recover
from arena.engine.verify import verify
from arena.play import hands_on, session
from arena.play.limits import PlayLimits
from arena.play.opponent import GhostOpponent
from arena.play.remap import choose_keys
from arena.play.session import play_game
from arena.ui.window import Stage
from envs.rules import named_rules
from recordings.codec import SUFFIX, read
from tests.arena.mashing import SECONDS, mashed
from tests.doubles import Dice

RULES = named_rules("breakout").varied(max_frames=120)
LIMITS = PlayLimits(pauses=9, pause_seconds=1.0, countdown=0, idle_seconds=20)


def for_a_while(show: Callable[[], object], seed: int) -> None:
    """Show a screen again and again while somebody hammers."""
    began = time.monotonic()
    with mashed(seed):
        show()
        while time.monotonic() - began < SECONDS:
            show()


def test_choosing_keys(stage: Stage) -> None:
    for_a_while(lambda: choose_keys(stage), 1)


def test_a_game_with_its_pauses_and_its_end(stage: Stage, tmp_path: Path) -> None:
    for_a_while(lambda: play_game(stage, RULES, 1, "Ada", tmp_path, limits=LIMITS), 2)
    kept = [read(path) for path in tmp_path.glob(f"*{SUFFIX}")]
    assert kept
    assert all(verify(recording).ok for recording in kept)
    assert recover(tmp_path) == [], "no journal is left"


def test_a_ghost_that_plays_on_alone(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    (recording,) = play_seeds(Dice("Shade"), RULES, [3])

    def breaks_down(self: HumanPlayer, step: Any) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(HumanPlayer, "act", breaks_down)  # the person's game ends at once
    for_a_while(lambda: play_game(stage, RULES, 3, "Ada", None, opponent=GhostOpponent(recording), limits=LIMITS), 3)


def test_a_disk_that_stays_full(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "file"
    folder.write_text("not a folder")
    asked = []
    wait = session._Game._wait

    def then_wait(self: session._Game, lines: list[Any], seconds: float | None) -> bool:
        asked.append(lines)
        return wait(self, lines, seconds)

    monkeypatch.setattr(session._Game, "_wait", then_wait)
    for_a_while(lambda: play_game(stage, RULES, 1, "Ada", folder, limits=LIMITS), 4)
    assert asked


def test_the_doctors_checks(unseen: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands_on, "PACING_SECONDS", 0.5)
    monkeypatch.setattr(hands_on, "ANSWER_SECONDS", 3.0)
    for_a_while(lambda: list(hands_on.hands_on()), 5)
