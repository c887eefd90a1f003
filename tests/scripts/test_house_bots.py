"""scripts/house_bots.py: all bots by one command, which can be stopped and typed again."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from agents.load import house_bots
from agents.packages import admit

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = """
[ppo]
envs = 2
n_steps = 32
batch_size = 32
n_epochs = 1
[dagger]
envs = 2
buffer_size = 500
batch_size = 8
train_freq = 4
gradient_steps = 1
"""
RECIPES = """
[pacman-second]
train = "pacman --algo dagger --steps 64 --episodes 1 --config {config}"
after = "pacman-first"
minutes = 1
[pacman-first]
train = "pacman --steps 100000 --checkpoint-every 64 --episodes 1 --config {config}"
until = 64
minutes = 2
"""


def run(*arguments: str, expect: int = 0) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "scripts" / "house_bots.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_every_house_bot_has_a_recipe() -> None:
    recipes = tomllib.loads((ROOT / "scripts" / "house_bots.toml").read_text())
    assert sorted(recipes) == house_bots()
    said = run("--list")
    assert all(name in said for name in recipes)
    assert f"0 of {len(recipes)} bots are made" in said


def test_bots_are_made_in_order_and_only_once(tmp_path: Path) -> None:
    config, recipes, out = tmp_path / "small.toml", tmp_path / "recipes.toml", tmp_path / "zoo"
    config.write_text(SETTINGS)
    recipes.write_text(RECIPES.format(config=config))
    out.mkdir()
    given = ["--recipes", str(recipes), "--runs", str(tmp_path / "runs"), "--out", str(out), "--episodes", "1"]
    said = run(*given)
    assert "0 of 2 bots are made; the others take 3 minutes" in said
    assert said.index("pacman-first; about 3 minutes to go") < said.index("pacman-second; about 1 minutes to go")
    assert sorted(path.name for path in out.iterdir()) == [
        f"pacman-{name}.{kind}" for name in ("first", "second") for kind in ("md", "svg", "zip")
    ]
    assert admit(out / "pacman-first.zip").training["steps"] == 64
    assert "--from" in admit(out / "pacman-second.zip").training["command"]
    before = (out / "pacman-first.zip").stat().st_mtime_ns
    assert "2 of 2 bots are made" in run(*given)
    assert (out / "pacman-first.zip").stat().st_mtime_ns == before


def test_what_goes_wrong_is_said(tmp_path: Path) -> None:
    assert "there is no recipe for pong-quick; there are breakout-quick" in run("pong-quick", expect=2)
    recipes = tmp_path / "recipes.toml"
    for text, sentence in (
        ("[a]", "can't be used"),
        ("not toml", "can't be used"),
        ('[a]\ntrain = "pacman"\nminutes = 1\nafter = "b"', "make a after 'b', which has none"),
    ):
        recipes.write_text(text)
        assert sentence in run("--recipes", str(recipes), expect=2)
    recipes.write_text('[a]\ntrain = "pacman --algo magic"\nminutes = 1')
    said = run("--recipes", str(recipes), "--runs", str(tmp_path), expect=1)
    assert "no algorithm 'magic' here" in said
    assert "ended with 2; what is finished stays" in said
