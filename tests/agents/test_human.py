"""A person as a player: from what is held down to an action of the game."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import pytest

from agents.human import FIRE_FRAMES, Button, HumanPlayer, action_of
from agents.player import Player, PlayerQuit
from envs import GAMES
from envs.errors import PlayerNameError
from envs.games import ACTION_NAMES, FIRE, LEFT, NOOP, RIGHT, UP
from envs.rules import Rules, named_rules
from envs.step import Step
from tests.contracts.player import PlayerContract

ALL = tuple(range(18))
U, D, L, R, F = Button.UP, Button.DOWN, Button.LEFT, Button.RIGHT, Button.FIRE


class Scripted:
    """Hands that hold the listed buttons, one entry per frame, over and over; PlayerQuit in the list is raised."""

    def __init__(self, *frames: Sequence[Button] | type[PlayerQuit]) -> None:
        self.frames = frames

    def next(self, step: Step) -> Sequence[Button]:
        held = self.frames[step.t % len(self.frames)]
        if isinstance(held, type):
            raise held
        return held


class TestContract(PlayerContract):
    def make_player(self, rules: Rules) -> Player:
        return HumanPlayer("Ada", Scripted((F,), (L,), (L, F), (), (R,), (R, U)))


@pytest.mark.parametrize(
    ("held", "name"),
    [
        ((), "NOOP"),
        ((F,), "FIRE"),
        ((U, R), "UPRIGHT"),
        ((R, U), "UPRIGHT"),
        ((D, L, F), "DOWNLEFTFIRE"),
        ((F, U), "UPFIRE"),
        ((L, R), "RIGHT"),
        ((R, L), "LEFT"),
        ((U, D, L), "DOWNLEFT"),
    ],
)
def test_with_all_actions_every_wish_comes_true(held: tuple[Button, ...], name: str) -> None:
    assert ACTION_NAMES[action_of(held, ALL)] == name


@pytest.mark.parametrize("game", GAMES)
def test_every_wish_gives_an_action_of_the_game(game: str) -> None:
    actions = named_rules(game).action_set
    for count in range(len(Button) + 1):
        for held in permutations(Button, count):
            for first in (True, False):
                assert action_of(held, actions, fire_first=first) in actions


def test_without_diagonals_the_newest_direction_counts_and_without_up_the_other() -> None:
    cross = (NOOP, UP, RIGHT, LEFT)
    assert action_of((U, R), cross) == RIGHT
    assert action_of((R, U), cross) == UP
    assert action_of((R, U), (NOOP, RIGHT, LEFT)) == RIGHT


def test_where_fire_goes_only_alone_a_new_press_wins_for_a_moment() -> None:
    breakout = named_rules("breakout").action_set
    assert action_of((L, F), breakout, fire_first=True) == FIRE
    assert action_of((L, F), breakout, fire_first=False) == LEFT
    player = HumanPlayer("Ada", Scripted((L, F)))
    player.reset(seed=0, action_set=breakout)
    step = Step(0, 0.0, 5, None, None)  # type: ignore[arg-type]  # the hands don't look
    actions = [player.act(step) for _ in range(FIRE_FRAMES + 3)]
    assert actions == [FIRE] * FIRE_FRAMES + [LEFT] * 3


@pytest.mark.parametrize("name", ["", "  ", "😀" * 500, "a\nb", "\u202eevil"])
def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(PlayerNameError):
        HumanPlayer(name, Scripted(()))
