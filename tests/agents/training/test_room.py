"""A buffer that doesn't fit is refused before a run begins, with the number that does."""

from pathlib import Path
from typing import Any

import pytest
from stable_baselines3 import A2C, DQN, PPO

from agents.training.dagger import DAgger
from agents.training.room import SPARE, Buffer, buffer_of, check_disk, check_memory, check_room
from envs.errors import AgentError

GB = 10**9


def test_a_buffer_that_fits_is_not_spoken_of(tmp_path: Path) -> None:
    check_memory(Buffer(100_000, 2), available=3 * GB)
    check_memory(Buffer(10, 1))
    check_memory(Buffer(10, 1), available=0)  # it is not the buffer that has no room
    check_disk(Buffer(100_000, 2), 10_000_000, tmp_path, free=5 * GB)
    check_disk(Buffer(10**9, 2), 1_000, tmp_path / "runs" / "not-yet", free=GB)


@pytest.mark.parametrize(
    ("algorithm", "settings", "plain", "expected"),
    [
        (DQN, {"buffer_size": 500}, False, Buffer(500, 2)),
        (DQN, {"buffer_size": 500}, True, Buffer(500, 8)),
        (DQN, {}, False, Buffer(1_000_000, 2)),
        (DAgger, {"buffer_size": 500}, True, Buffer(500, 1)),
        (DAgger, {}, False, Buffer(300_000, 1)),
        (PPO, {"envs": 16, "n_steps": 128}, False, Buffer(2_048, 4, "n_steps", 16, 1)),
        (A2C, {"envs": 3}, False, Buffer(15, 4, "n_steps", 3, 1)),
    ],
)
def test_what_is_kept(algorithm: Any, settings: dict[str, Any], plain: bool, expected: Buffer) -> None:
    assert buffer_of(settings, algorithm, plain=plain) == expected


@pytest.mark.parametrize(
    "buffer",
    [Buffer(3_000_000, 1), Buffer(3_000_000, 2), Buffer(3_000_000, 8), Buffer(3_000_000, 4, "n_steps", 300, 1)],
)
def test_memory(buffer: Buffer) -> None:
    with pytest.raises(AgentError, match=rf"Set {buffer.setting} = [0-9_]+ in a copy") as raised:
        check_memory(buffer, available=6 * GB)
    fits = int(str(raised.value).split(f"{buffer.setting} = ")[1].split(" ")[0])

    def sized(setting: int) -> Buffer:
        return Buffer(setting * buffer.games, buffer.pictures, buffer.setting, buffer.games, buffer.round_to)

    check_memory(sized(fits), available=6 * GB)
    with pytest.raises(AgentError):
        check_memory(sized(fits + buffer.round_to), available=6 * GB)


def test_disk(tmp_path: Path) -> None:
    with pytest.raises(
        AgentError, match=r"21\.6 GB in .*; 6\.0 GB are free there\. Set buffer_size = 270_000"
    ) as raised:
        check_disk(Buffer(1_000_000, 1), 2_000_000, tmp_path, free=6 * GB)
    assert str(tmp_path) in str(raised.value)


def test_no_room_at_all(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="not even 10,000 would fit"):
        check_memory(Buffer(100_000, 2), available=SPARE)
    with pytest.raises(AgentError, match="not even 10,000 would fit"):
        check_disk(Buffer(100_000, 2), 10**6, tmp_path, free=0)


@pytest.mark.parametrize(
    ("algorithm", "settings"),
    [(DQN, {"buffer_size": 10**9}), (DAgger, {"buffer_size": 10**9}), (PPO, {"envs": 4_096, "n_steps": 10**6})],
)
def test_no_machine_has_room_for_this(algorithm: Any, settings: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(AgentError, match=r"of memory are free\. (Set|Make room)"):
        check_room(settings, algorithm, plain=False, steps=100, out=tmp_path)
