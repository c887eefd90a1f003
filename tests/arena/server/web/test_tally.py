"""People against bots: which plays count, who is ahead, and what is said of it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from agents.player import Kind
from arena.server.web.tally import MOST_BLOCKS, First, Play, Tally, remember, tally


def told(*plays: Play) -> Tally:
    first: First = {}
    for play in plays:
        remember(first, play)
    return tally(first)


def person(player: int, seed: int, score: float) -> Play:
    return Play(player, Kind.HUMAN, seed, score)


def bot(player: int, seed: int, score: float) -> Play:
    return Play(player, Kind.BOT, seed, score)


def test_each_seed_that_both_played_goes_to_the_side_with_the_higher_mean() -> None:
    found = told(person(1, 5, 10), person(2, 5, 20), bot(9, 5, 14), person(1, 6, 1), bot(9, 6, 2), bot(9, 7, 100))
    assert (found.people, found.bots, found.ties, found.seeds) == (1, 1, 0, 2)
    assert (found.players_people, found.players_bots) == (2, 1)


def test_a_persons_first_game_on_a_seed_counts() -> None:
    assert told(person(1, 5, 10), person(1, 5, 99), bot(9, 5, 50)).bots == 1


def test_a_bots_game_replaces_the_one_that_was_broken_off() -> None:
    assert told(person(1, 5, 10), bot(9, 5, 0), bot(9, 5, 50)).bots == 1


@pytest.mark.parametrize("kind", [Kind.SCRIPT, Kind.REPLAY])
def test_others_take_no_side(kind: Kind) -> None:
    found = told(person(1, 5, 10), Play(3, kind, 5, 99))
    assert (found.seeds, found.players_bots) == (0, 0)
    assert found.reason == "Bots haven’t played yet."


def test_what_was_booked_twice_changes_nothing() -> None:
    first: First = {}
    assert remember(first, person(1, 5, 10))
    assert not remember(first, person(1, 5, 10))
    assert remember(first, bot(2, 5, 10))
    assert not remember(first, bot(2, 5, 10))


@pytest.mark.parametrize(
    ("plays", "verdict", "reason"),
    [
        ([], "No verdict yet", "Nobody has played yet."),
        ([bot(9, 1, 5)], "No verdict yet", "People haven’t played yet."),
        ([bot(9, 1, 5), person(1, 2, 5)], "No verdict yet", "No seed yet that both sides played."),
        ([bot(9, 1, 5), person(1, 1, 5)], "Level, not decided yet", "equal means, on 1 seed"),
        ([bot(9, 1, 5), person(1, 1, 8)], "People lead, not decided yet", "mean lead 3.0 points, on 1 seed"),
        (
            [p for s in range(20) for p in (bot(9, s, 50 + s % 3), person(1, s, 10))],
            "Bots beat people",
            "mean lead 41.0 points, 95\u00a0% interval 40.",
        ),
        (
            [p for s in range(20) for p in (bot(9, s, 5), person(1, s, 10 + s % 3))],
            "People beat bots",
            "mean lead 6.0 points, 95\u00a0% interval 5.",
        ),
    ],
)
def test_what_is_said(plays: list[Play], verdict: str, reason: str) -> None:
    found = told(*plays)
    assert found.verdict == verdict
    assert found.reason.startswith(reason)


def test_it_takes_more_to_decide_than_one_look_would() -> None:
    """Six seeds all won are p = 0.03: enough for one look, not for one after every seed."""
    plays = [p for s in range(6) for p in (bot(9, s, 5), person(1, s, 10 + s))]
    found = told(*plays)
    assert found.verdict == "People lead, not decided yet"
    assert "watched all along, it takes" in found.reason, "an interval beside zero is explained"


@pytest.mark.parametrize("seeds", [1, 7, MOST_BLOCKS, MOST_BLOCKS + 1, 1_000])
def test_blocks_fill_the_line_in_order(seeds: int) -> None:
    plays = [p for s in range(seeds) for p in (bot(9, s, 10), person(1, s, 10 + s % 3 - 1))]
    found = told(*plays)
    ends = [(block.at, block.at + block.width) for block in found.blocks]
    assert ends[0][0] >= 0
    assert 99 < ends[-1][1] <= 100.01
    assert all(a[1] <= b[0] + 0.01 for a, b in pairwise(ends))
    order = [block.who for block in found.blocks]
    assert order == sorted(order, key=["people", "tie", "bots"].index)
    if seeds <= MOST_BLOCKS:
        assert order.count("people") == found.people
        assert len(order) == seeds


def test_peoples_lead_is_drawn_on_peoples_side() -> None:
    people = told(*[p for s in range(8) for p in (bot(9, s, 5), person(1, s, 10 + s))]).lead
    bots = told(*[p for s in range(8) for p in (bot(9, s, 15 + s), person(1, s, 10))]).lead
    assert people is not None
    assert bots is not None
    assert 0 <= people.low <= people.at <= people.high < 50 < bots.low <= bots.at <= bots.high <= 100
    assert (people.who, bots.who) == ("people", "bots")
