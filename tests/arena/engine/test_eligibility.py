"""Which games count, and that the scoreboard respects it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from arena.engine.eligibility import unranked_reason
from arena.engine.evaluate import play_seeds
from arena.scoreboard.publish import keep, publish, unpublished
from arena.scoreboard.store import Scoreboard
from envs.games import FPS
from envs.rules import named_rules
from recordings.recording import Pacing, Pause, RecordedPlayer, Recording
from tests.doubles import Dice

RULES = named_rules("breakout").varied(max_frames=3000)
GOOD: dict[str, Any] = {"frames_per_second": 59.9, "p50_ms": 16.7, "p99_ms": 18.0, "max_ms": 30.0, "late_frames": 0}


@pytest.fixture(scope="module")
def game() -> Recording:
    (recording,) = play_seeds(Dice("Ada"), RULES, [1])
    return recording


def of(game: Recording, kind: str = "human", **pacing: Any) -> Recording:
    player = RecordedPlayer(name="Ada", kind=kind)  # type: ignore[arg-type]
    return game.model_copy(update={"player": player, "pacing": Pacing(**GOOD | pacing)})


def test_a_good_game_counts(game: Recording) -> None:
    assert unranked_reason(of(game)) is None
    assert unranked_reason(game) is None, "no word about its pace: a machine's game"
    assert unranked_reason(of(game).model_copy(update={"pacing": None})) is None, "its program was killed"


@pytest.mark.parametrize(("rate", "word"), [(FPS * 1.02, "too fast"), (FPS * 0.98, "too slow"), (30.0, "too slow")])
def test_a_wrong_pace_does_not(game: Recording, rate: float, word: str) -> None:
    reason = unranked_reason(of(game, frames_per_second=rate).model_copy(update={"frames": 3000}))
    assert reason is not None
    assert word in reason


def test_a_short_game_may_stumble_once(game: Recording) -> None:
    short = of(game, frames_per_second=FPS * 0.9).model_copy(update={"frames": 60})
    assert unranked_reason(short) is None
    assert unranked_reason(short.model_copy(update={"frames": 600})) is not None
    assert unranked_reason(of(game, frames_per_second=0.0)) is None, "not two frames long"


def test_pauses_are_limited(game: Recording) -> None:
    assert unranked_reason(of(game, pauses=tuple(Pause(frame=1, ms=20_000.0) for _ in range(3)))) is None
    assert "4 times" in str(unranked_reason(of(game, pauses=tuple(Pause(frame=1, ms=1.0) for _ in range(4)))))
    assert "70 seconds" in str(unranked_reason(of(game, pauses=(Pause(frame=1, ms=70_000.0),))))


@pytest.mark.parametrize(
    ("frames", "held", "counts"),
    [(3000, 1, True), (3000, 30, True), (3000, 31, False), (18_000, 180, True), (18_000, 181, False), (60, 29, True)],
)
def test_a_bot_may_be_late_for_one_frame_in_a_hundred_or_half_a_second(
    game: Recording, frames: int, held: int, counts: bool
) -> None:
    played = of(game, "bot", held_frames=held).model_copy(update={"frames": frames})
    reason = unranked_reason(played)
    assert (reason is None) is counts
    assert counts or f"{held} of its {frames:,} frames" in str(reason)


def test_a_bot_may_be_paused_and_slowed_with_the_person(game: Recording) -> None:
    assert unranked_reason(of(game, "bot", frames_per_second=30.0)) is None
    assert unranked_reason(of(game, "bot", pauses=tuple(Pause(frame=1, ms=1.0) for _ in range(9)))) is None


def test_what_a_bot_held_says_nothing_about_a_person(game: Recording) -> None:
    assert unranked_reason(of(game, "human", held_frames=3000)) is None


def test_the_scoreboard_leaves_it_out_and_says_why(game: Recording, tmp_path: Path) -> None:
    slow, good = of(game, frames_per_second=50.0), of(game)
    paths = [keep(one, tmp_path / "recordings") for one in (slow, good)]
    with Scoreboard.open(tmp_path / "arena.sqlite") as board:
        publications = publish(paths, board, processes=1)
        assert [(b.new, b.verification.ok) for b in publications] == [(False, True), (True, True)]
        assert "50.00 frames per second" in str(publications[0].unranked)
        assert publications[1].unranked is None
        assert len(board.results()) == 1
        assert unpublished(tmp_path / "recordings", board) == [], "nobody is asked about it again"
