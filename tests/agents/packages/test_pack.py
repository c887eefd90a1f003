"""`pack`: what comes out plays as what went in, and says what was said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.agent_files import TOML, onnx_model, package, sb3_zip, zip_of
from stable_baselines3 import PPO

from agents.load import load_player, player_of
from agents.packages import AgentRefused, admit
from agents.packages.pack import pack
from agents.packages.settings import read_settings
from agents.packages.writing import toml
from agents.training.impala import ImpalaCNN
from envs.errors import AgentError
from envs.games import GAMES
from envs.rules import named_rules
from envs.training import TrainingEnv

BREAKOUT = GAMES["breakout"]
PICTURES = [np.random.default_rng(i).integers(0, 256, (4, 84, 84), np.uint8) for i in range(3)]


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_plain_zip_has_the_frame_skip_of_its_game(tmp_path: Path) -> None:
    source = tmp_path / "a.zip"
    source.write_bytes(zip_of(sb3_zip()))
    assert admit(source).frame_skip is None
    assert [admit(source).frame_skip_in(GAMES[name]) for name in ("breakout", "pacman")] == [4, 3]
    assert pack(source, {"games": ["breakout"]}, {}).frame_skip == 4


def test_an_sb3_zip(tmp_path: Path) -> None:
    source = written(tmp_path / "mine.zip", zip_of(sb3_zip()))
    made = pack(source, {"games": ["Breakout"], "author": "Ada", "frame_skip": 2}, {})
    assert (made.name, made.author, made.games, made.frame_skip) == ("mine", "Ada", ("breakout",), 2)
    assert made.action_set == (0, 1, 3, 4)
    before, after = load_player(str(source), BREAKOUT), player_of(made, BREAKOUT)
    assert np.array_equal(before.bot.scores(PICTURES), after.bot.scores(PICTURES))  # type: ignore[attr-defined]
    assert len(made.content) < len(source.read_bytes())


def test_an_onnx_file(tmp_path: Path) -> None:
    source = written(tmp_path / "net.onnx", onnx_model().SerializeToString())
    made = pack(source, {"games": ["breakout"], "name": "Neo"}, {"pixels": "uint8", "output": "values"})
    assert (made.name, made.kind, made.actions) == ("Neo", "onnx", 4)
    assert player_of(made, BREAKOUT).bot.draws is False
    with pytest.raises(AgentError, match="--pixels, --output, --game"):
        pack(source, {}, {})
    with pytest.raises(AgentRefused, match=r"onnx\.pixels"):
        pack(source, {"games": ["breakout"]}, {"pixels": "red", "output": "values"})


def test_a_package_is_changed(tmp_path: Path) -> None:
    source = written(
        tmp_path / "a.zip", zip_of(package(TOML + 'licence = "MIT"\n[training]\nsteps = 5\nday = 2026-01-01\n'))
    )
    made = pack(source, {"name": "Other"}, {})
    assert (made.name, made.licence, made.games, made.training["steps"]) == ("Other", "MIT", ("breakout",), 5)
    assert made.sha256 != admit(source).sha256
    assert pack(source, {}, {}).content == pack(source, {}, {}).content
    with pytest.raises(AgentError, match="--pixels can be said of an ONNX network"):
        pack(source, {}, {"pixels": "uint8"})


def test_what_must_be_said(tmp_path: Path) -> None:
    source = written(tmp_path / "a.zip", zip_of(sb3_zip()))
    with pytest.raises(AgentError, match="--game"):
        pack(source, {}, {})
    with pytest.raises(AgentRefused) as caught:
        pack(source, {"games": ["ms_pacman"]}, {})
    assert caught.value.code == "actions-wrong"
    with pytest.raises(AgentRefused, match="frame_skip"):
        pack(source, {"games": ["breakout"], "frame_skip": 40}, {})


def test_impala_of_sb3(tmp_path: Path) -> None:
    """A real model with our extractor, saved by SB3: it plays as it is and packed, and scores as in SB3."""
    import torch

    env = TrainingEnv(named_rules(BREAKOUT), 1)
    kwargs = {"features_extractor_class": ImpalaCNN, "net_arch": []}
    model = PPO("CnnPolicy", env, n_steps=8, batch_size=8, seed=1, device="cpu", policy_kwargs=kwargs)
    model.save(tmp_path / "impala.zip")
    env.close()
    player = load_player(str(tmp_path / "impala.zip"), BREAKOUT)
    ours = player.bot.scores(PICTURES)  # type: ignore[attr-defined]
    with torch.no_grad():
        theirs = model.policy.get_distribution(torch.from_numpy(np.stack(PICTURES))).distribution.logits.numpy()
    np.testing.assert_allclose(ours - np.log(np.exp(ours).sum(axis=1, keepdims=True)), theirs, atol=1e-5)
    packed = player_of(pack(tmp_path / "impala.zip", {"games": ["breakout"]}, {}), BREAKOUT)
    assert np.array_equal(packed.bot.scores(PICTURES), ours)


def test_any_text_survives_toml() -> None:
    text = 'a "quote", a \\ and a tab\t, \x7f, \u00e9, \U0001f600'
    table = {
        "name": "A",
        "kind": "sb3",
        "game": "breakout",
        "training": {"a key": text, "list": [1, 2.5, [True]], "b": {"c": text}},
    }
    assert read_settings(toml(table).encode()).training == table["training"]
