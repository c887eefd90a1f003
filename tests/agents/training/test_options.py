"""Options of the training scripts as people write them."""

import argparse

import pytest

from agents.training.options import Options, algorithm, whole
from envs.errors import AgentError


@pytest.mark.parametrize(
    "text", ["200000", "200_000", "200,000", "2e5", "2E5", "2e+5", "200k", "200K", "0.2M", " 2e5 "]
)
def test_numbers_as_people_write_them(text: str) -> None:
    assert whole(1)(text) == 200_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ten",
        "2.0",
        "200.000",
        "-5",
        "+5",
        "0",
        "1,00",
        "1__0",
        "_1",
        "1e-3",
        "1e999",
        "2e5k",
        "5000m",
        "²",
        "٣",
        "nan",
        "1" * 5_000,
        "1.2345k",
    ],
)
def test_what_is_not_plainly_a_whole_number_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected a whole number from 1 to 4294967295, not "):
        whole(1)(text)


def test_algorithms_as_people_write_them() -> None:
    read = algorithm(["ppo", "qrdqn"])
    assert [read(text) for text in ("ppo", "PPO", "QR-DQN", "qr_dqn")] == ["ppo", "ppo", "qrdqn", "qrdqn"]
    with pytest.raises(argparse.ArgumentTypeError, match="no algorithm 'sac' here; expected one of ppo, qrdqn"):
        read("sac")


def test_a_wrong_option_is_one_sentence() -> None:
    with pytest.raises(AgentError, match=r"^Unrecognized arguments: --speed; --help lists all options.$"):
        Options().parse_args(["--speed"])
