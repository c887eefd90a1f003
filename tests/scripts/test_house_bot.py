"""scripts/house_bot.py: from a training run to a package with its card and its curve."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import torch
from stable_baselines3 import PPO

from agents.load import ZOO
from agents.packages import admit
from envs.rules import named_rules
from envs.training import TrainingEnv

ROOT = Path(__file__).resolve().parents[2]
ABOUT = {
    "game": "pacman",
    "algo": "ppo",
    "seed": 7,
    "rules": "5min",
    "steps": 4_000,
    "settings": {"envs": 2, "learning_rate": "linear 2.5e-4"},
    "commit": "0123456789",
    "command": "train.py pacman --algo ppo --steps 4000 --seed 7",
    "machine": "2 cores of an abacus, no GPU",
}


def house_bot(run: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "scripts" / "house_bot.py"), str(run), "--name", "pacman-test"]
    command += ["--out", str(out), "--episodes", "3", "--processes", "1", *more]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)


def test_a_card_is_made_of_the_run_and_of_games_that_are_played_now(tmp_path: Path) -> None:
    run, out = tmp_path / "run", tmp_path / "zoo"
    (run / "snapshots").mkdir(parents=True)
    out.mkdir()
    (run / "run.json").write_text(json.dumps(ABOUT))
    (run / "episodes.csv").write_text(
        "".join(f"{step},{step / 50},400,{step / 100}\n" for step in range(100, 3100, 100))
    )
    for seed, step in enumerate((1_000, 2_000, 3_000)):
        model = PPO(
            "CnnPolicy",
            TrainingEnv(named_rules("pacman"), 1, threads=1),
            seed=seed,
            device="cpu",
            n_steps=2,
            batch_size=2,
        )
        halves = {name: tensor.to(torch.float16) for name, tensor in model.policy.state_dict().items()}
        torch.save(halves, run / "snapshots" / f"step-{step:09d}.pt")
    before = (ZOO / "baselines.json").read_bytes()
    done = house_bot(run, out, "--step", "2100")
    assert done.returncode == 0, done.stdout + done.stderr
    card = (out / "pacman-test.md").read_text()
    assert "| training | 2,000 steps, 8,000 emulated frames (0.0 hours) |" in card
    assert "| planned length | 4,000 steps; the learning rate falls to zero at that point |" in card
    assert "| wall clock | 0 minutes" in card
    assert "| machine | 2 cores of an abacus, no GPU |" in card
    assert "Scores of 3 games on practice seeds 1,000 to 1,002" in card
    assert re.search(r"^\| 30min \| [\d.,]+ \| [\d.,]+ to [\d.,]+ \|", card, re.MULTILINE)
    assert "- script:random: 12.9 (11.1 to 14.8)" in card
    package = admit(out / "pacman-test.zip")
    assert package.training["steps"] == 2_000
    assert package.training["seconds"] == 20, "of the episodes up to that step"
    assert "mean of 10 games" in (out / "pacman-test.svg").read_text()
    assert (ZOO / "baselines.json").read_bytes() == before


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    done = house_bot(tmp_path, tmp_path)
    assert done.returncode == 2
    assert "holds no snapshots of a run" in done.stderr
