"""What takes long says how far it is, also where no terminal can show a bar."""

from __future__ import annotations

import threading

import pytest

from arena.commands import progress
from arena.commands.progress import progress_bar, progress_lines


def test_lines_come_without_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "FIRST_LINE_SECONDS", 0.001)
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.001)
    told = threading.Semaphore(0)

    def say() -> str:
        told.release()
        return "copying"

    with progress_lines(say):
        for _ in range(3):
            told.acquire()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= 2
    assert all(line.startswith("copying, ") and line.endswith(" s ...") for line in lines)


def test_lines_say_how_much_is_done(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "FIRST_LINE_SECONDS", 0.001)
    said = ""
    with progress_bar("verifying", 1_200, "recording") as tick:
        tick()
        while not said:
            said = capsys.readouterr().err
    assert said.startswith("verifying: 1 of 1,200 recordings, ")


def test_what_is_quickly_done_says_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "FIRST_LINE_SECONDS", 10_000)
    with progress_bar("verifying", 2) as tick:
        tick()
    assert capsys.readouterr().err == ""
