"""What Stable-Baselines3 saves goes through `check` and `evaluate` and stands on the scoreboard, as it is."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import ale_py
import gymnasium
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.vec_env import VecFrameStack

from arena import cli


def test_three_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ARENA_EVENT", raising=False)
    gymnasium.register_envs(ale_py)
    env = VecFrameStack(make_atari_env("BreakoutNoFrameskip-v4", n_envs=1, seed=0), 4)
    PPO("CnnPolicy", env, n_steps=8, batch_size=8, seed=0, device="cpu").save("x.zip")
    env.close()
    capsys.readouterr()

    assert cli.main(["agent", "check", "x.zip", "--game", "breakout"]) == 0
    assert capsys.readouterr().out.endswith("It would be accepted.\n")
    assert cli.main(["evaluate", "x.zip", "--game", "breakout", "--seeds", "3", "--processes", "1"]) == 0
    assert "3 of 3 recordings" in capsys.readouterr().out
    assert cli.main(["scoreboard", "--json"]) == 0
    ((standing,),) = [table["standings"] for table in json.loads(capsys.readouterr().out)]
    assert (standing["rank"], standing["player"], standing["episodes"]) == (1, "x", 3)
    assert standing["artifact_sha256"] == hashlib.sha256(Path("x.zip").read_bytes()).hexdigest()
