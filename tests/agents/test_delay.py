"""A delayed player does the same as the undelayed one, so many frames later."""

from __future__ import annotations

from typing import cast

import pytest

from agents.delay import DELAYS_MS, DelayedBatchPlayer, delay_frames, delayed, delayed_name
from agents.load import load_player
from agents.player import BatchPlayer, Player
from arena.engine.evaluate import play_seeds
from arena.engine.match import Match
from envs.errors import AgentError
from envs.games import find_game
from envs.names import check_name
from envs.rules import Rules, named_rules
from tests.contracts.player import PlayerContract
from tests.doubles import Dice, Eyes, Looker

RULES = named_rules("breakout").varied(max_frames=60)


class TestContract(PlayerContract):
    def make_player(self, rules: Rules) -> Player:
        return delayed(load_player("script:basic", find_game(rules.game)), 200)


def test_the_classes_in_frames() -> None:
    assert [delay_frames(ms) for ms in DELAYS_MS] == [0, 6, 12, 21]


@pytest.mark.parametrize("milliseconds", [100, 200, 350])
def test_every_action_comes_later_and_nothing_before(milliseconds: int) -> None:
    """Dice don't look, so that the actions must be the same."""
    (at_once,) = play_seeds(Dice(), RULES, [3])
    (late,) = play_seeds(delayed(Dice(), milliseconds), RULES, [3])
    frames = delay_frames(milliseconds)
    assert late.actions == bytes(frames) + at_once.actions[:-frames]
    assert (late.player.name, at_once.player.name) == (f"Dice, {milliseconds} ms", "Dice")


def test_no_delay_is_the_player_itself() -> None:
    dice = Dice()
    assert delayed(dice, 0) is dice
    with pytest.raises(AgentError, match="0, 100, 200, 350 ms, not 150"):
        delayed(dice, 150)


def test_many_games_at_once_are_as_delayed_as_one() -> None:
    def player() -> Player:
        return delayed(Looker(Eyes()), 100)

    together = {r.seed: r.actions for r in play_seeds(player(), RULES, range(4))}
    assert {seed: next(play_seeds(player(), RULES, [seed])).actions for seed in range(4)} == together
    assert len(set(together.values())) == 4


def test_delayed_and_undelayed_players_of_one_bot_are_asked_apart() -> None:
    bot = Eyes()
    players = [Looker(bot), cast(BatchPlayer, delayed(Looker(bot), 100)), cast(BatchPlayer, delayed(Looker(bot), 200))]
    assert isinstance(players[1], DelayedBatchPlayer)
    turns = [turn for turn in Match(RULES, [1], players).play() if turn.action is not None]
    actions = [[turn.action for turn in turns if turn.lane == lane] for lane in range(3)]
    assert [len(one) for one in actions] == [60] * 3
    assert actions[1][:6] == [0] * 6
    assert actions[2][:12] == [0] * 12


def test_long_names_stay_names() -> None:
    name = "a" * 32
    assert check_name(delayed_name(name, 350)) == "a" * 24 + ", 350 ms"
    assert delayed_name(name, 0) == name
