"""Replaying a recording: its actions go through the match engine like any player's."""

from __future__ import annotations

from collections.abc import Iterator

from agents.replay import ReplayPlayer
from arena.engine.env_pool import borrowed
from arena.engine.match import Lane, play_lanes
from envs.rules import Rules
from envs.step import Step


def replay(rules: Rules, seed: int, actions: bytes) -> Iterator[tuple[int | None, Step]]:
    """Play `actions` once more in a borrowed emulator; yield each action with the step that it led to.

    The first pair is (None, the step at t = 0). The last step says how the episode ended. It comes with None, as QUIT,
    if the actions ran out before the game was over, and as FAILED if one of them isn't in the action set. Closing the
    generator early gives the emulator back.

    Args:
        rules, seed: of the recording.
        actions: one ALE action code per emulated frame.

    Raises:
        UnknownGame, RomError, RulesError: the rules can't be played here.
        SeedError: ALE can't use the seed.
    """
    with borrowed(rules, 1) as (env,):
        for turn in play_lanes([Lane(env, ReplayPlayer("replay", actions), iter((seed,)))]):
            yield turn.action, turn.step
