"""Options of the training scripts, as people write them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import NoReturn

from envs.errors import AgentError, shown

_NUMBER = re.compile(r"(\d+(?:_\d+)*|\d{1,3}(?:,\d{3})+|\d*\.?\d+(?=[ekm]))(?:(e\+?\d{1,3})|([km]))?", re.ASCII)
_TIMES = {"": 1, "k": 1_000, "m": 1_000_000}
MOST = 2**32 - 1


class Options(argparse.ArgumentParser):
    """A parser that refuses in one sentence, as everything here does."""

    def error(self, message: str) -> NoReturn:
        """Raises: AgentError, always."""
        raise AgentError(f"{message[:1].upper()}{message[1:].removesuffix('.')}; --help lists all options.")


def whole(low: int) -> Callable[[str], int]:
    """What argparse makes of a whole number from `low` on: 200000, 200_000, 200,000, 2e5, 200k or 0.2M."""

    def read(text: str) -> int:
        number = _number(text)
        if number is None or not low <= number <= MOST:
            raise argparse.ArgumentTypeError(f"expected a whole number from {low} to {MOST}, not {shown(text)}")
        return number

    return read


def _number(text: str) -> int | None:
    match = _NUMBER.fullmatch(text.strip().lower())
    if match is None:
        return None
    digits, exponent, unit = match.groups()
    number = Decimal(digits.replace("_", "").replace(",", "") + (exponent or "")) * _TIMES[unit or ""]
    return int(number) if number <= MOST and number == number.to_integral_value() else None


def algorithm(known: Iterable[str]) -> Callable[[str], str]:
    """What argparse makes of an algorithm's name: PPO is ppo, QR-DQN is qrdqn."""

    def read(text: str) -> str:
        name = "".join(character for character in text.lower() if character.isalnum())
        if name not in known:
            raise argparse.ArgumentTypeError(
                f"there is no algorithm {shown(text)} here; expected one of {', '.join(known)}"
            )
        return name

    return read
