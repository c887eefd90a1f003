"""Opening pygame's display."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest

from arena.ui.display import opened_pygame


def test_ctrl_c_while_a_window_opens_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """pygame drops what its own Python code raises in `set_mode`, also KeyboardInterrupt; so none may run there."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    called: list[str] = []

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            called.append(frame.f_code.co_name)

    with opened_pygame() as pygame:
        sys.setprofile(note)
        try:
            pygame.display.set_mode((64, 64))
        finally:
            sys.setprofile(None)
    assert called == []
