"""Agent packages: the same bytes for the same agent, and what went in comes out."""

import zipfile
from pathlib import Path

import pytest
import torch
from benchmarks.agent_files import tensors

from agents.networks.torch_networks import playing_weights
from agents.packages import admit
from agents.packages.package import Sb3Network
from agents.training.packing import pack_agent
from envs import find_game
from envs.errors import AgentError


def state() -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(numbers) for name, numbers in tensors().items()}


def pack(path: Path, weights: dict[str, torch.Tensor]) -> None:
    about = {"steps": 10, "lr": 1e-4, "note": 'a "quoted" text', "best": {"score": 1.5}}
    pack_agent(path, weights, find_game("breakout"), name="breakout-x", algo="ppo", about=about)


def test_what_went_in_comes_out(tmp_path: Path) -> None:
    pack(tmp_path / "a.zip", state())
    read = admit(tmp_path / "a.zip")
    assert isinstance(read.network, Sb3Network)
    found = read.network.tensors
    wanted = playing_weights(state())
    assert "value_net.weight" not in found  # not needed for playing
    assert found.keys() == wanted.keys()
    assert all(torch.equal(torch.from_numpy(found[name]), wanted[name].float()) for name in wanted)
    assert read.name == "breakout-x"
    assert read.action_set == (0, 1, 3, 4)
    assert read.training["note"] == 'a "quoted" text'
    assert read.training["lr"] == 1e-4


def test_the_same_agent_gives_the_same_bytes_and_another_differs(tmp_path: Path) -> None:
    other = state()
    other["action_net.weight"] += 1
    for name, weights in (("a", state()), ("b", state()), ("c", other)):
        pack(tmp_path / name, weights)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() != (tmp_path / "c").read_bytes()
    with zipfile.ZipFile(tmp_path / "a") as archive:
        assert [m.compress_type for m in archive.infolist()] == [zipfile.ZIP_STORED] * 2


def test_what_is_no_agent_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_text("before")
    with pytest.raises(AgentError, match="not an SB3 CnnPolicy"):
        pack(path, {"nonsense": torch.zeros(3)})
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
