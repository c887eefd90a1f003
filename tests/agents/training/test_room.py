"""A buffer that doesn't fit is refused before a run begins, with the number that does."""

from pathlib import Path

import pytest

from agents.training.room import SPARE, check_disk, check_memory
from envs.errors import AgentError

GB = 10**9


def test_a_buffer_that_fits_is_not_spoken_of(tmp_path: Path) -> None:
    check_memory(100_000, 2, available=3 * GB)
    check_memory(10, 1)
    check_disk(100_000, 2, 10_000_000, tmp_path, free=5 * GB)
    check_disk(10**9, 2, 1_000, tmp_path / "runs" / "not-yet", free=GB)


@pytest.mark.parametrize("pictures", [1, 2, 8])
def test_memory(pictures: int) -> None:
    with pytest.raises(AgentError, match=r"buffer_size = [0-9_]+ in a copy") as raised:
        check_memory(3_000_000, pictures, available=6 * GB)
    fits = int(str(raised.value).split("buffer_size = ")[1].split(" ")[0])
    check_memory(fits, pictures, available=6 * GB)
    with pytest.raises(AgentError):
        check_memory(fits + 10_000, pictures, available=6 * GB)


def test_disk(tmp_path: Path) -> None:
    with pytest.raises(
        AgentError, match=r"21\.6 GB in .*; 6\.0 GB are free there\. Set buffer_size = 270_000"
    ) as raised:
        check_disk(1_000_000, 1, 2_000_000, tmp_path, free=6 * GB)
    assert str(tmp_path) in str(raised.value)


def test_no_room_at_all(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="not even 10,000 would fit"):
        check_memory(100_000, 2, available=SPARE)
    with pytest.raises(AgentError, match="not even 10,000 would fit"):
        check_disk(100_000, 2, 10**6, tmp_path, free=0)
