"""How far a result may be trusted: speeds, pauses, rewinds, late heads."""

from __future__ import annotations

import random

import pytest

from arena.server.games.trust import Trust, judge
from envs.games import FPS
from recordings.live_chain import EVERY, Chain, beginning, links

FRAMES = 5 * 60 * 60


def heads(
    seed: int, speed: float = 1.0, frames: int = FRAMES, jitter: float = 0.2, begun: float = 0.7
) -> list[tuple[int, float]]:
    """When the heads of a game come that is played at a speed, over a network that delays them."""
    chance = random.Random(seed)
    found, latest = [], 0.0
    for frame in range(EVERY, frames + 1, EVERY):
        latest = max(latest, begun + frame / FPS / speed + chance.expovariate(1 / jitter) * 0.5)
        found.append((frame, latest))
    return found


@pytest.mark.parametrize("speed", [0.4, 0.5, 0.7, 0.9, 0.95, 1.05, 1.1])
@pytest.mark.parametrize("frames", [1200, 3600, FRAMES])
def test_another_speed_is_noticed(speed: float, frames: int) -> None:
    for seed in range(20):
        trust, reason = judge(heads(seed, speed, frames, jitter=0.05), frames, station=True)
        assert trust is Trust.UNATTESTED, reason
        assert "speed" in reason or "late" in reason or "early" in reason


@pytest.mark.parametrize("station", [True, False])
def test_honest_games_are_not_doubted(station: bool) -> None:
    for seed in range(200):
        frames = random.Random(seed).randrange(60, FRAMES)
        speed = 1 + random.Random(seed).uniform(-0.1, 0.1) / FPS  # what frame pacing may be off by
        trust, reason = judge(heads(seed, speed, frames), frames, station=station)
        assert trust is (Trust.WITNESSED if station else Trust.ATTESTED), reason


def paused(at: int, seconds: float, times: int = 1) -> list[tuple[int, float]]:
    return [(frame, when + seconds * min(times, frame // at)) for frame, when in heads(1)]


def test_a_station_may_pause_three_times() -> None:
    assert judge(paused(6000, 20, 2), FRAMES, station=True)[0] is Trust.WITNESSED
    assert judge(paused(6000, 20, 2), FRAMES, station=False)[0] is Trust.UNATTESTED
    assert judge(paused(6000, 80), FRAMES, station=True)[0] is Trust.UNATTESTED
    assert judge(paused(2000, 5, 8), FRAMES, station=True)[0] is Trust.UNATTESTED


def test_what_was_not_heard_is_not_believed() -> None:
    assert judge([], FRAMES, station=True)[0] is Trust.UNATTESTED
    assert judge(heads(1)[:-5], FRAMES, station=True)[0] is Trust.UNATTESTED
    assert judge(heads(1)[:-2], FRAMES, station=True)[0] is Trust.WITNESSED
    at_once = [(frame, 3.0) for frame, _ in heads(1)]
    assert judge(at_once, FRAMES, station=True)[0] is Trust.UNATTESTED
    assert judge([], 30, station=True)[0] is Trust.UNATTESTED, "nobody saw it, however short it was"


def test_a_chain_is_of_one_ticket() -> None:
    actions = bytes(range(18)) * 20
    begins = {beginning(*of) for of in [("a", "b", "c", 1), ("x", "b", "c", 1), ("a", "x", "c", 1), ("a", "b", "x", 1)]}
    assert len(begins) == 4
    assert beginning("a", "b", "c", 2) not in begins
    of_each = [[link.head for link in links(begin, actions)] for begin in begins]
    assert len({head for heads in of_each for head in heads}) == 4 * (len(actions) // EVERY)
    chain = Chain(beginning("a", "b", "c", 1))
    grown = [link for action in actions if (link := chain.add(action))]
    assert grown == list(links(beginning("a", "b", "c", 1), actions))
