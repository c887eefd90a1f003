"""scripts/tune.py as people run it."""

import os
import subprocess
import sys
from pathlib import Path

import optuna

ROOT = Path(__file__).resolve().parents[2]
SMALL = "[ppo]\nenvs = 2\nn_steps = 32\nbatch_size = 64\nclip_range = 0.1\n[steps]\npacman = 64\n"


def run(script: str, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [
        sys.executable,
        str(ROOT / "scripts" / script),
        "pacman",
        "--threads",
        "1",
        "--device",
        "cpu",
        *arguments,
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_study_goes_on_and_ends_in_settings_that_train_py_takes(tmp_path: Path) -> None:
    config = tmp_path / "small.toml"
    config.write_text(SMALL)
    common = ("--config", str(config), "--steps", "300", "--out", str(tmp_path / "study"))
    assert "Best of 1 trials" in run("tune.py", *common, "--trials", "1")
    assert "Best of 2 trials" in run("tune.py", *common, "--trials", "1")
    storage = f"sqlite:///{tmp_path / 'study' / 'study.sqlite'}"
    trials = optuna.load_study(study_name="pacman ppo", storage=storage).trials
    assert trials[0].params != trials[1].params, "a study that goes on proposes something new"
    best = tmp_path / "study" / "best.toml"
    train = ("--config", str(best), "--out", str(tmp_path / "run"), "--episodes", "1")
    assert "The best agent is" in run("train.py", *train)
