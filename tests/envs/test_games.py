"""The games and what is said about them."""

from __future__ import annotations

import gymnasium
import pytest
from ale_py.roms import get_all_rom_ids

import envs
from envs.errors import UnknownGame
from envs.games import ACTION_NAMES, GAMES, HUMAN, RANDOM, find_game, other_games
from envs.roms import rom_sha256

EVENT = ["breakout", "pacman", "ms_pacman", "space_invaders"]


def test_the_games_of_the_event() -> None:
    assert list(GAMES) == EVENT
    assert envs.GAMES is GAMES


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("ms_pacman", "ms_pacman"),
        ("Ms. Pac-Man", "ms_pacman"),
        ("MS PACMAN", "ms_pacman"),
        ("mspacman", "ms_pacman"),
        ("Pac-Man", "pacman"),
        ("Space Invaders", "space_invaders"),
        ("spaceinvaders", "space_invaders"),
        ("pong", "pong"),
        ("Montezuma Revenge", "montezuma_revenge"),
    ],
)
def test_a_game_is_found_however_it_is_written(typed: str, name: str) -> None:
    assert find_game(typed).name == name


@pytest.mark.parametrize("typed", ["brakout", "space_invader", "ms_packman"])
def test_an_unknown_game_names_the_nearest(typed: str) -> None:
    with pytest.raises(UnknownGame, match="did you mean") as caught:
        find_game(typed)
    assert any(name in str(caught.value) for name in EVENT)


@pytest.mark.parametrize("typed", ["", "!!!", "qqqqqqqqqqq", "\x00"])
def test_a_hopeless_name_lists_the_games(typed: str) -> None:
    with pytest.raises(UnknownGame, match="the event's games are breakout, pacman, ms_pacman, space_invaders"):
        find_game(typed)


def test_every_other_game_of_ale_can_be_played_by_name() -> None:
    known = other_games().keys() | GAMES.keys()
    assert known <= set(get_all_rom_ids())
    assert len(known) > 100
    assert not other_games().keys() & GAMES.keys()


def test_every_game_is_registered_with_gymnasium() -> None:
    for game in GAMES.values():
        assert gymnasium.spec(game.env_id).kwargs == {"game": game.name}
        assert gymnasium.spec(game.ale_id).kwargs["game"] == game.name


def test_the_known_roms_are_those_of_ale_py() -> None:
    for game in GAMES.values():
        assert game.rom_sha256 == rom_sha256(game)


def test_references_say_who_under_which_conditions_and_whence() -> None:
    for game in GAMES.values():
        for reference in game.references:
            assert reference.who
            assert reference.conditions
            assert reference.source
        assert len({r.who for r in game.references}) == len(game.references)
    human, dice = GAMES["ms_pacman"].reference(HUMAN), GAMES["ms_pacman"].reference(RANDOM)
    assert human is not None
    assert dice is not None
    assert (human.score, dice.score) == (6951.6, 307.3)
    assert GAMES["pacman"].reference(HUMAN) is None


def test_action_names_are_ales() -> None:
    from ale_py import Action

    assert {action.value: action.name for action in Action} == dict(enumerate(ACTION_NAMES))
