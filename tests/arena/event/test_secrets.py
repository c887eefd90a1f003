"""The secrets of an event: made once, whoever comes first, and kept as they are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from arena.event.secrets import (
    EVALUATION_FILE,
    FINAL_FILE,
    adopt,
    evaluation_secret,
    final_secret,
    make_final_secret,
    shared,
)
from envs.errors import EventError


def test_each_purpose_has_a_secret_of_its_own(tmp_path: Path) -> None:
    make_final_secret(tmp_path)
    secrets = {final_secret(tmp_path).hex(), evaluation_secret(tmp_path).hex(), shared(tmp_path)}
    assert len(secrets) == 3
    make_final_secret(tmp_path)
    assert {final_secret(tmp_path).hex(), evaluation_secret(tmp_path).hex(), shared(tmp_path)} == secrets
    assert len(list(tmp_path.iterdir())) == 3, "nothing half-written is left"


def test_of_many_that_make_a_secret_at_once_the_first_wins(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(evaluation_secret, [tmp_path] * 64))) == 1


def test_a_secret_of_an_older_event_is_read(tmp_path: Path) -> None:
    (tmp_path / EVALUATION_FILE).write_text("ab" * 32)  # without a line end
    assert evaluation_secret(tmp_path) == b"\xab" * 32


def test_another_folder_of_the_event_takes_over_the_ranked_seeds(tmp_path: Path) -> None:
    adopt(tmp_path / "laptop", "cd" * 32)
    assert shared(tmp_path / "laptop") == "cd" * 32


def test_the_secret_of_the_final_is_never_made_anew(tmp_path: Path) -> None:
    with pytest.raises(EventError, match="restore it"):
        final_secret(tmp_path)
    (tmp_path / FINAL_FILE).write_text("")
    make_final_secret(tmp_path)
    with pytest.raises(EventError, match="64 hexadecimal digits, not 0"):
        final_secret(tmp_path)
