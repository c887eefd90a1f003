"""What stands in an agent's settings is kept to or refused; what can't be a file is no agent."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from agents.load import find_agent_file, house_bots, load_player
from envs.errors import AgentError
from envs.games import GAMES

BREAKOUT = GAMES["breakout"]


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("frame_skip = 4", "frame_skip = 2"),
        ("stack = 4", "stack = 1"),
        ("action_set = [0, 1, 3, 4]", "action_set = [0, 1, 4, 3]"),
        ('preprocessing = "ale-native-84"', 'preprocessing = "mine"'),
        ('game = "breakout"', 'game = "pong"'),
    ],
)
def test_an_agent_that_was_trained_otherwise(tmp_path: Path, line: str, changed: str) -> None:
    path = tmp_path / "agent.zip"
    with zipfile.ZipFile(find_agent_file(house_bots(BREAKOUT)[0])) as old, zipfile.ZipFile(path, "w") as new:
        settings = old.read("agent.toml").decode()
        assert settings.count(line) == 1
        new.writestr("agent.toml", settings.replace(line, changed))
        new.writestr("weights.safetensors", old.read("weights.safetensors"))
    with pytest.raises(AgentError, match="this agent was trained"):
        load_player(str(path), BREAKOUT)


@pytest.mark.parametrize("agent", ["x" * 300, "folder/" + "x" * 300, "\0", ""])
def test_what_can_not_be_a_file(agent: str) -> None:
    with pytest.raises(AgentError, match="There is no agent"):
        find_agent_file(agent)
