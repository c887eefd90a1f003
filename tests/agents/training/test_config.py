"""A file of settings: which sections it may have, and whose settings hold where."""

from pathlib import Path
from typing import Any

import pytest
from sb3_contrib import QRDQN
from stable_baselines3 import A2C, DQN, PPO

from agents.training.config import Config, read_config
from agents.training.dagger import DAgger
from agents.training.hyperparameters import check_together
from agents.training.room import buffer_of
from envs.errors import AgentError
from envs.games import GAMES, find_game

DEFAULTS = Path(__file__).parents[3] / "scripts" / "train.toml"
LEARNERS: dict[str, Any] = {"ppo": PPO, "a2c": A2C, "dqn": DQN, "qrdqn": QRDQN, "dagger": DAgger}
PACMAN = find_game("pacman")


def read(folder: Path, text: str) -> Config:
    path = folder / "mine.toml"
    path.write_text(text)
    return read_config(path, LEARNERS)


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("algo", LEARNERS)
def test_the_defaults_are_taken(algo: str, game: str) -> None:
    config = read_config(DEFAULTS, LEARNERS)
    for kickstart in (False, algo not in ("dqn", "qrdqn")):
        settings = config.settings(algo, find_game(game), kickstart=kickstart)
        check_together(settings, algo, LEARNERS[algo], plain=False)
        assert buffer_of(settings, LEARNERS[algo], plain=False).bytes_each < 30_000
    assert config.steps(find_game(game)) >= 1_000_000
    assert set(config.imitation()) == {"epochs", "batch_size", "learning_rate"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[pppo]\nn_steps = 64\n", "have a 'pppo', which names no game and no algorithm"),
        ("[pacman.pppo]\nn_steps = 64\n", "have a 'pacman.pppo', which names no game and no algorithm"),
        ("[pacman]\nn_steps = 64\n", "have a 'pacman.n_steps', which names no game and no algorithm"),
        ("[PacMan.ppo]\nn_steps = 64\n", "have a 'PacMan', which names no game and no algorithm"),
        ("n_steps = 64\n", "have a 'n_steps', which names no game and no algorithm"),
        ("ppo = 3\n", "have a value for ppo; expected a section of settings"),
        ("pacman = 3\n", "have a value for pacman; expected a section of settings"),
        ("kickstart = []\n", "have a value for kickstart; expected a section of settings"),
        ("[pacman]\nkickstart = 3\n", "have a value for pacman.kickstart; expected a section of settings"),
        ("imitation = 1.5\n", "have a value for imitation; expected a section of settings"),
        ("[imitation]\na2c = true\n", "have a value for imitation.a2c; expected a section of settings"),
        ("steps = 64\n", "have a value for steps; expected a section of settings"),
    ],
)
def test_sections_that_cannot_be_are_refused(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(AgentError) as refused:
        read(tmp_path, text)
    assert says in str(refused.value)


def test_settings_that_nobody_would_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match=r"give pacman\.ppo a 'learning_speed', which it does not have; did you mean"):
        read(tmp_path, "[pacman.ppo]\nlearning_speed = 3\n").settings("ppo", PACMAN, kickstart=False)
    with pytest.raises(AgentError, match="give imitation an 'epoch', which it does not have; did you mean 'epochs'"):
        read(tmp_path, "[imitation]\nepoch = 3\n").imitation()
    with pytest.raises(AgentError, match="give imitation a 'ppo', which it does not have"):
        read(tmp_path, "[imitation.ppo]\nn_epochs = 3\n").imitation()
    with pytest.raises(AgentError, match=r"give imitation\.a2c a 'n_epochs', which it does not have"):
        read(tmp_path, "[imitation.a2c]\nn_epochs = 3\n").settings("a2c", PACMAN, kickstart=True)
    with pytest.raises(AgentError, match=r"give pacman\.kickstart a 'criticsteps', which it does not have"):
        read(tmp_path, "[pacman.kickstart]\ncriticsteps = 3\n").settings("ppo", PACMAN, kickstart=True)
    with pytest.raises(AgentError, match="give steps pacman = -5; expected a whole number from 1"):
        read(tmp_path, "[steps]\npacman = -5\n").steps(PACMAN)
    with pytest.raises(AgentError, match="give steps a 'packman', which it does not have; did you mean 'pacman'"):
        read(tmp_path, "[steps]\npackman = 5\n").steps(PACMAN)


def test_what_is_said_of_a_game_holds_for_it_and_going_on_changes_both(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        "[ppo]\ngamma = 0.9\nn_epochs = 2\n[pacman.ppo]\nn_epochs = 3\n[kickstart]\ngamma = 0.8\n"
        "[pacman.kickstart]\nsoften = 2\n[imitation.a2c]\ngamma = 0.7\n[pacman.dagger]\nsharper = 4.0\n",
    )

    def settings(algo: str, game: str, *, kickstart: bool) -> dict[str, Any]:
        return config.settings(algo, find_game(game), kickstart=kickstart)

    assert settings("ppo", "breakout", kickstart=False) == {"envs": 8, "gamma": 0.9, "n_epochs": 2}
    assert settings("ppo", "pacman", kickstart=False) == {"envs": 8, "gamma": 0.9, "n_epochs": 3}
    assert settings("ppo", "breakout", kickstart=True) == {"envs": 8, "gamma": 0.8, "n_epochs": 2}
    assert settings("ppo", "pacman", kickstart=True) == {"envs": 8, "gamma": 0.8, "n_epochs": 3, "soften": 2}
    assert settings("a2c", "pacman", kickstart=False) == {"envs": 8}
    assert settings("a2c", "pacman", kickstart=True) == {"envs": 8, "gamma": 0.7}
    pupil = settings("dagger", "pacman", kickstart=True)
    assert pupil["soften"] == pupil["sharper"] == 4.0
    assert pupil["steered_fraction"] == 0
