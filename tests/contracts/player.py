"""What every player does, whatever is behind it. A test class per kind of player inherits this and makes the player."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from agents.player import Kind, Player, PlayerInfo
from envs.environment import ArenaEnv
from envs.names import check_name
from envs.rules import Rules, named_rules
from envs.step import PictureSource, Step

SEED, OTHER_SEED = 11, 12
LARGEST_SEED = 2**63 - 1


class Fair:
    """What a step's pictures come from, but without the console's memory: a player may see and hear what a person
    does, and nothing else."""

    def __init__(self, source: PictureSource) -> None:
        self.screen_of = source.screen_of
        self.grayscale_of = source.grayscale_of
        self.sound_of = source.sound_of

    def read_ram_of(self, step: Step, into: np.ndarray) -> None:
        raise AssertionError("the player looked at the console's memory")


def fair(step: Step) -> Step:
    return replace(step, source=Fair(step.source))


@cache
def environment(rules: Rules, number: int = 0) -> ArenaEnv:
    """One of the environments for these rules: `start` loads the ROM anew, so the tests may share them."""
    return ArenaEnv(rules)


def play(player: Player, env: ArenaEnv, *, seed: int, env_seed: int = 5, frames: int | None = None) -> list[int]:
    """Play an episode, or its first frames, and return every action."""
    step = env.start(env_seed)
    player.reset(seed=seed, action_set=env.rules.action_set)
    actions: list[int] = []
    while step.end is None and (frames is None or len(actions) < frames):
        actions.append(player.act(fair(step)))
        step = env.advance(actions[-1])
    assert step.end is not None or len(actions) == frames
    return actions


class PlayerContract:
    """Inherit it, and say in `make_player` how the player is made.

    `game` and `frames` say what is played; a player that can't play just any seed of the environment, such as a
    replay, says which in `env_seeds` (its two entries may be the same).
    """

    game = "breakout"
    frames = 400
    env_seeds = (5, 6)

    def make_player(self, rules: Rules) -> Player:
        raise NotImplementedError

    @pytest.fixture
    def rules(self) -> Rules:
        return named_rules(self.game).varied(max_frames=self.frames)

    @pytest.fixture
    def env(self, rules: Rules) -> ArenaEnv:
        return environment(rules)

    @pytest.fixture
    def player(self, rules: Rules) -> Iterator[Player]:
        player = self.make_player(rules)
        yield player
        player.close()

    def test_says_who_it_is(self, player: Player) -> None:
        info = player.info
        assert isinstance(info, PlayerInfo)
        assert isinstance(info.kind, Kind)
        assert check_name(info.name) == info.name
        if info.artifact_sha256 is not None:
            assert len(info.artifact_sha256) == 64
            assert set(info.artifact_sha256) <= set("0123456789abcdef")
        if info.kind in (Kind.HUMAN, Kind.SCRIPT):
            assert info.artifact_sha256 is None

    def test_every_action_is_a_plain_number_of_the_action_set(self, player: Player, env: ArenaEnv) -> None:
        actions = play(player, env, seed=SEED, env_seed=self.env_seeds[0])
        assert actions
        assert {type(action) for action in actions} == {int}
        assert set(actions) <= set(env.rules.action_set)

    def test_same_seed_and_steps_same_actions(self, rules: Rules, player: Player, env: ArenaEnv) -> None:
        first = play(player, env, seed=SEED, env_seed=self.env_seeds[0])
        other = self.make_player(rules)
        assert play(other, environment(rules, 1), seed=SEED, env_seed=self.env_seeds[0]) == first
        other.close()

    def test_reset_forgets_what_was_before(self, player: Player, env: ArenaEnv) -> None:
        first = play(player, env, seed=SEED, env_seed=self.env_seeds[0])
        play(player, env, seed=OTHER_SEED, env_seed=self.env_seeds[1], frames=self.frames * 2 // 3)  # and no further
        assert play(player, env, seed=SEED, env_seed=self.env_seeds[0]) == first

    def test_two_players_side_by_side_know_nothing_of_each_other(
        self, rules: Rules, player: Player, env: ArenaEnv
    ) -> None:
        alone = [play(player, env, seed=seed, env_seed=self.env_seeds[k]) for k, seed in enumerate((SEED, OTHER_SEED))]
        players = [player, self.make_player(rules)]
        envs = [env, environment(rules, 1)]
        steps = [env.start(seed) for env, seed in zip(envs, self.env_seeds, strict=True)]
        for one, seed in zip(players, (SEED, OTHER_SEED), strict=True):
            one.reset(seed=seed, action_set=rules.action_set)
        together: list[list[int]] = [[], []]
        while any(step.end is None for step in steps):
            for k in (0, 1):
                if steps[k].end is None:
                    together[k].append(players[k].act(fair(steps[k])))
                    steps[k] = envs[k].advance(together[k][-1])
        assert together == alone
        players[1].close()

    @pytest.mark.parametrize("seed", [0, LARGEST_SEED])
    def test_takes_every_seed(self, player: Player, env: ArenaEnv, seed: int) -> None:
        assert len(play(player, env, seed=seed, env_seed=self.env_seeds[0], frames=40)) == 40

    def test_may_be_closed_twice_and_unused(self, rules: Rules) -> None:
        player = self.make_player(rules)
        player.close()
        player.close()
