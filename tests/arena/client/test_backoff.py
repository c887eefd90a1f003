"""Waits between attempts: they grow, they end at once, and they begin again after a success."""

from __future__ import annotations

import threading

from arena.client.backoff import Backoff


class Impatient(threading.Event):
    """Notes how long it was asked to wait, and doesn't."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.asked.append(timeout)
        return self.is_set()


def test_waits_grow_up_to_the_longest_and_begin_again_after_a_success() -> None:
    over = Impatient()
    backoff = Backoff(over, 1.0, 5.0)
    assert not any(backoff.wait() for _ in range(5))
    backoff.reset()
    backoff.wait()
    for asked, most in zip(over.asked, (1, 2, 4, 5, 5, 1), strict=True):
        assert most / 2 <= asked <= most


def test_a_wait_ends_when_all_is_over() -> None:
    over = threading.Event()
    over.set()
    assert Backoff(over, 3600.0, 3600.0).wait()
