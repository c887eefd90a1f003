"""The frame clock on a time of its own: what it waits for and what it measures."""

from __future__ import annotations

import pytest

from arena.ui.frame_clock import CATCH_UP, FRAME_SECONDS, FrameClock
from envs.games import FPS


class Time:
    """A clock that goes on only when somebody looks or sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def read(self) -> float:
        self.now += 1e-5
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def clock(time: Time) -> FrameClock:
    return FrameClock(10_000, time.read, time.sleep)


def test_an_absolute_schedule_does_not_drift(clock: FrameClock, time: Time) -> None:
    clock.tick()
    began = time.now
    for _ in range(6000):
        time.now += 0.004  # what emulating and drawing takes
        clock.tick()
    assert 6000 / (time.now - began) == pytest.approx(FPS, rel=1e-5)
    pacing = clock.pacing()
    assert pacing.frames_per_second == pytest.approx(FPS, abs=0.001)
    assert pacing.late_frames == 0
    assert pacing.max_ms < 1.01 * 1000 / FPS


def test_what_was_lost_is_made_up_for_but_not_in_a_burst(clock: FrameClock, time: Time) -> None:
    clock.tick()
    began = time.now
    for i in range(600):
        time.now += 0.1 if i == 100 else 0.004
        before = time.now
        clock.tick()
        assert time.now - before + 0.1 >= CATCH_UP * FRAME_SECONDS
    assert 600 / (time.now - began) == pytest.approx(FPS, rel=1e-4)
    pacing = clock.pacing()
    assert pacing.max_ms == pytest.approx(100, abs=1)
    assert 0 < pacing.late_frames < 40
    assert min(pacing.p50_ms, pacing.p99_ms) >= 1000 * CATCH_UP * FRAME_SECONDS - 0.1


def test_a_machine_that_was_stopped_gets_no_time_back(clock: FrameClock, time: Time) -> None:
    clock.tick()
    clock.tick()
    time.now += 30
    clock.tick()
    began = time.now
    for _ in range(59):
        clock.tick()
    assert time.now - began > 0.98
    assert clock.pacing().frames_per_second < 3


def test_a_pause_is_no_interval_and_is_noted(clock: FrameClock, time: Time) -> None:
    for _ in range(10):
        clock.tick()
    time.now += 12.5
    clock.paused(9, 12.5)
    for _ in range(10):
        clock.tick()
    pacing = clock.pacing(held_frames=2)
    assert [(pause.frame, pause.ms) for pause in pacing.pauses] == [(9, 12_500.0)]
    assert pacing.max_ms < 17
    assert pacing.held_frames == 2


def test_before_the_second_frame_there_is_nothing_to_measure(clock: FrameClock) -> None:
    assert clock.pacing().frames_per_second == 0.0
    clock.tick()
    assert clock.pacing().max_ms == 0.0
