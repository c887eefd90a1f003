"""docs/participants.md does what it says: its commands lead from nothing to an agent on the scoreboard.

They run in the README's environment as they stand, in the order of the page, in an empty folder, but shorter: few
steps, small batches, one seed. What opens a window, or needs a server or a file of one's own, is in
`tests/test_first_hour.py`.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import textwrap
from pathlib import Path
from typing import Any

from arena.engine.evaluate import play_seeds
from arena.engine.seeds import practice_seeds
from envs.rules import named_rules
from tests.readme_environment import ReadmeEnvironment

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "participants.md").read_text(encoding="utf-8")
STEPS = {"5000": "64", "200000": "64", "2000000": "128", "100000": "32", "450000": "64", "300000": "32"}
"""What the page says, and what is run."""
SMALL = """
[ppo]
envs = 2
n_steps = 32
batch_size = 32
[dagger]
envs = 2
batch_size = 8
train_freq = 4
[imitation]
epochs = 1
"""
NOT_HERE = ("scripts/demo.py", "arena watch", "arena agent", "arena submit", ".venv")


def commands() -> list[str]:
    lines = re.findall(r"^ {4,}((?:python3? scripts/|arena |source ).*)$", PAGE, re.MULTILINE)
    return [line for line in lines if not any(part in line for part in NOT_HERE)]


def shortened(command: str) -> list[str]:
    words = shlex.split(command)
    for option, value in (("--seeds", "1"), ("--steps", None)):
        if option in words:
            at = words.index(option) + 1
            words[at] = value or STEPS[words[at]]
    if words[0] == "python" and "--steps" not in words:
        words += ["--steps", "64"]
    if words[0] == "python":
        words += ["--config", "small.toml", "--episodes", "1", "--device", "cpu"]
    return words


def test_the_page_has_the_commands_that_are_run_here() -> None:
    kinds = [" ".join(shlex.split(command)[:2]) for command in commands()]
    assert kinds.count("python scripts/train.py") >= 4
    assert kinds.count("arena evaluate") >= 2
    assert "arena scoreboard" in kinds


def test_following_the_page_puts_a_newcomers_agent_on_the_scoreboard(
    tmp_path: Path, readme_environment: ReadmeEnvironment
) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    (tmp_path / "scripts").symlink_to(ROOT / "scripts")
    environment = readme_environment.variables(tmp_path)
    said = {}
    for command in commands():
        program, *words = shortened(command)
        strict = ["-W", "error"] * (program == "python")
        line = [readme_environment.bin / program, *strict, *words]
        done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, command + done.stdout + done.stderr
        said[command] = done.stdout
    assert "breakout-ppo" in said["arena scoreboard"]
    assert (tmp_path / "runs" / "breakout-ppo-0" / "agent.zip").is_file()
    assert (tmp_path / "runs" / "first" / "agent.zip").is_file()
    assert (tmp_path / "runs" / "taught" / "agent.zip").is_file()
    assert (tmp_path / "runs" / "pacman-dagger-0" / "agent.zip").is_file()
    assert (tmp_path / "runs" / "space_invaders-ppo-0" / "agent.zip").is_file()


def test_the_player_on_the_page_plays() -> None:
    block = re.search(r"^      from agents\.player import.*?(?=\n\n  `arena)", PAGE, re.MULTILINE | re.DOTALL)
    assert block
    names: dict[str, Any] = {"my_network": lambda pictures: int(pictures.shape == (4, 84, 84))}
    exec(textwrap.dedent(block.group()), names)
    rules = named_rules("breakout").varied(max_frames=41)
    assert "arena.engine.evaluate.play_seeds(MyPlayer(), named_rules" in PAGE
    (recording,) = play_seeds(names["MyPlayer"](), rules, practice_seeds(1))
    assert set(recording.actions) == {rules.action_set[1]}
