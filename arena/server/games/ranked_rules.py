"""Which rules the server deals with."""

from __future__ import annotations

import json

from arena.server.errors import Refusal
from envs.errors import UnknownGame
from envs.games import find_game
from envs.rules import CLASSES, Rules, named_rules


def check_ranked(rules: Rules) -> None:
    """Refuse rules that nobody agreed on: their results would stand alone, and any length could be asked of the server.

    Raises:
        Refusal: these are none of the named rules of a game that is here.
    """
    try:
        find_game(rules.game)
    except UnknownGame as error:
        raise Refusal(str(error)) from None
    if rules.label not in CLASSES:
        raise Refusal(f"These rules of {rules.game} are not ranked; this server takes {' and '.join(CLASSES)}.")


def ranked_rules(game: str, name: str) -> Rules:
    """Return the rules called `name` of `game`.

    Raises:
        UnknownGame, RomError, RulesError: there are none.
    """
    return named_rules(find_game(game), name)


def rules_from_json(text: str) -> Rules:
    return Rules.from_dict(json.loads(text))
