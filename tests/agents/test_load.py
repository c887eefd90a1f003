"""What stands in an agent's settings is kept to or refused; what can't be a file is no agent."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from agents.load import find_agent_file, house_bots, load_player
from agents.packages import AgentRefused
from envs.errors import AgentError
from envs.games import GAMES

BREAKOUT = GAMES["breakout"]


@pytest.mark.parametrize(
    ("line", "changed", "code"),
    [
        ("frame_skip = 4", "frame_skip = 0", "settings-wrong"),
        ("stack = 4", "stack = 1", "stack-wrong"),
        ("action_set = [0, 1, 3, 4]", "action_set = [0, 1, 4, 5]", "actions-wrong"),
        ('preprocessing = "ale-native-84"', 'preprocessing = "mine"', "settings-wrong"),
        ('game = "breakout"', 'game = "pong"', "game-other"),
    ],
)
def test_an_agent_that_was_trained_otherwise(tmp_path: Path, line: str, changed: str, code: str) -> None:
    path = tmp_path / "agent.zip"
    with zipfile.ZipFile(find_agent_file(house_bots(BREAKOUT)[0])) as old, zipfile.ZipFile(path, "w") as new:
        settings = old.read("agent.toml").decode()
        assert settings.count(line) == 1
        new.writestr("agent.toml", settings.replace(line, changed))
        new.writestr("weights.safetensors", old.read("weights.safetensors"))
    with pytest.raises(AgentRefused) as caught:
        load_player(str(path), BREAKOUT)
    assert caught.value.code == code


def test_what_lies_there_and_is_no_agent_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("print(1)")
    for path, code in ((tmp_path, "file-kind"), (Path("/dev/null"), "file-kind"), (tmp_path / "mine.py", "holds-code")):
        with pytest.raises(AgentRefused) as caught:
            load_player(str(path), BREAKOUT)
        assert caught.value.code == code


def test_a_script_has_no_file() -> None:
    with pytest.raises(AgentError, match="'script:random' is one of the arena's own scripts"):
        find_agent_file("script:random")


@pytest.mark.parametrize("agent", ["x" * 300, "folder/" + "x" * 300, "\0", ""])
def test_what_can_not_be_a_file(agent: str) -> None:
    with pytest.raises(AgentError, match="There is no agent"):
        find_agent_file(agent)
