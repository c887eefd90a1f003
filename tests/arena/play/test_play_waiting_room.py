"""Waiting for somebody at another station."""

from __future__ import annotations

import pygame

from arena.play.waiting_room import wait_together
from arena.ui.window import Stage
from tests.arena.play.conftest import Keyboard


def test_it_ends_when_all_begin(stage: Stage) -> None:
    answers = iter([(["Ben"], None), ([], 0.1)])
    assert wait_together(stage, lambda: next(answers))


def test_enter_begins_alone_and_escape_leaves(stage: Stage, keyboard: Keyboard) -> None:
    for key, goes_on in ((pygame.K_RETURN, True), (pygame.K_ESCAPE, False)):
        keyboard.tap(key)
        assert wait_together(stage, lambda: (["Ben"], None)) is goes_on


def test_a_closed_window_leaves(stage: Stage) -> None:
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    assert not wait_together(stage, lambda: (["Ben"], None))
