"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import pytest

from arena.commands.options import token_of

STATION, ADA = "s" * 43, "a" * 43


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "token.txt").write_text(f"{STATION}\n")
    return tmp_path / "token.txt"


def test_a_token_file_that_is_typed_comes_before_the_variable(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARENA_TOKEN", ADA)
    assert token_of(ADA, file) == STATION
    assert token_of(ADA, None) == ADA


def test_a_token_comes_before_a_file_that_only_a_variable_names(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARENA_TOKEN_FILE", str(file))
    assert token_of(ADA, file) == ADA
    monkeypatch.setenv("ARENA_TOKEN", ADA)
    assert token_of(ADA, file) == ADA
    assert token_of("", file) == STATION


def test_a_token_that_is_typed_comes_before_a_file(file: Path) -> None:
    assert token_of(ADA, file) == ADA
