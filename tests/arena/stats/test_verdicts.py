"""People against bots."""

from __future__ import annotations

import numpy as np
import pytest

from arena.stats.comparison import Verdict
from arena.stats.verdicts import Scores, against_reference, decided, holm, people_against_bots

GAMES = ("breakout", "ms_pacman", "space_invaders")


def side(name: str, rng: np.random.Generator, players: int, seeds: int, factor: float = 1.0) -> Scores:
    """Skewed scores in tens, as games give them."""
    draw = rng.lognormal(5, 0.8, (players, seeds)) * factor
    return {f"{name} {i}": {s: float(10 * round(draw[i, s] / 10)) for s in range(seeds)} for i in range(players)}


def event(
    rng: np.random.Generator, players: int = 3, seeds: int = 10, **factors: float
) -> dict[str, tuple[Scores, Scores]]:
    return {g: (side("P", rng, players, seeds, factors.get(g, 1.0)), side("B", rng, players, seeds)) for g in GAMES}


def test_a_clear_win_is_said_in_plain_words() -> None:
    found = people_against_bots(event(np.random.default_rng(1), ms_pacman=8.0, breakout=1 / 8))
    by_game = {one.game: one for one in found.games}
    assert by_game["ms_pacman"].comparison.verdict is Verdict.A
    assert by_game["breakout"].comparison.verdict is Verdict.B
    assert by_game["ms_pacman"].sentence.startswith("People won Ms. Pac-Man: 10 of 10 seeds, median lead ")
    assert by_game["breakout"].sentence.startswith("Bots won Breakout: ")
    assert by_game["space_invaders"].sentence.startswith("Not decided in Space Invaders: ")
    assert "more seeds needed" in by_game["space_invaders"].sentence
    assert "95 % interval" in by_game["ms_pacman"].sentence
    assert (by_game["ms_pacman"].effect or 0) > 1
    assert "people won Ms. Pac-Man; bots won Breakout; Space Invaders is not decided" in found.sentence


def test_as_many_people_as_bots_count_by_seeding_and_common_seeds_only() -> None:
    people: Scores = {"P": {1: 10, 2: 20, 3: 30}}
    bots: Scores = {"B first": {1: 5, 2: 5, 9: 5}, "B second": {1: 1000, 2: 1000}}
    (found,) = people_against_bots({"breakout": (people, bots)}).games
    assert (found.people, found.bots) == (("P",), ("B first",))
    assert found.differences == {1: 5.0, 2: 15.0}


def test_where_the_scores_said_when_to_stop_more_is_asked_for() -> None:
    """Seven seeds won of seven are rare enough if seven were to be played, but not if one stops at the seventh."""
    people: Scores = {"P": dict.fromkeys(range(7), 20.0)}
    bots: Scores = {"B": {seed: 10.0 - seed for seed in range(7)}}
    fixed = people_against_bots({"breakout": (people, bots)})
    stopped = people_against_bots({"breakout": (people, bots)}, stopped=True)
    assert (fixed.verdict, stopped.verdict) == (Verdict.A, Verdict.UNDECIDED)
    assert stopped.games[0].comparison.p_value == pytest.approx(1 / 26.8, rel=0.01)
    assert "; about 1 more seed needed" in stopped.games[0].sentence
    longer = people_against_bots(
        {"breakout": ({"P": dict.fromkeys(range(9), 2.0)}, {"B": dict.fromkeys(range(9), 1.0)})}, stopped=True
    )
    assert (longer.verdict, longer.games[0].comparison.verdict) == (Verdict.A, Verdict.A)


def test_who_wins_more_seeds_but_fewer_points_is_not_declared_better() -> None:
    people: Scores = {"P": dict.fromkeys(range(12), 2.0) | {12: 0.0}}
    bots: Scores = {"B": dict.fromkeys(range(12), 1.0) | {12: 1000.0}}
    found = people_against_bots({"breakout": (people, bots)}, stopped=True)
    assert {found.verdict, found.games[0].comparison.verdict} == {Verdict.UNDECIDED}


def test_nothing_played_is_no_verdict() -> None:
    found = people_against_bots({"breakout": ({}, {"B": {1: 5.0}})})
    assert "not played by people and bots" in found.games[0].sentence
    assert found.verdict is Verdict.UNDECIDED
    assert "not decided" in people_against_bots({}).sentence


def test_who_is_level_is_not_ahead() -> None:
    people: Scores = {"P": {1: 10.0, 2: 20.0}}
    bots: Scores = {"B": {1: 20.0, 2: 10.0}}
    said = people_against_bots({"breakout": (people, bots)}).games[0].sentence
    assert said == "Not decided in Breakout: over 2 seeds people and bots have the same mean."


def test_a_zero_has_no_sign() -> None:
    """An interval may begin a hair below 0."""
    people: Scores = {"P": dict(enumerate((0.0, 10.0, 0.0, 20.0)))}
    bots: Scores = {"B": dict(enumerate((0.04, 10.0, 0.0, 0.0)))}
    said = people_against_bots({"breakout": (people, bots)}).games[0].sentence
    assert "interval 0.0 to" in said
    assert "-0" not in said


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.031], 0.06) == [0.02, 0.03, 0.03]
    assert holm([0.01, 0.02, 0.05], 0.06) == [0.02, 0.03, 0.06]
    assert holm([], 0.05) == []


def test_beside_the_reference_human() -> None:
    said = against_reference("breakout", {"weak": {1: 1.0, 2: 2.0}, "strong": {1: 400.0, 2: 500.0}})
    assert said is not None
    assert said.startswith("Breakout: the best bot, strong, is above the reference human: mean 450")
    assert against_reference("pacman", {"x": {1: 1.0, 2: 2.0}}) is None
    assert against_reference("breakout", {}) is None


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("stopped", [False, True])
def test_the_quick_way_decides_the_same(seed: int, stopped: bool) -> None:
    rng = np.random.default_rng(seed)
    scores = event(rng, breakout=float(rng.uniform(0.2, 5)), ms_pacman=float(rng.uniform(0.2, 5)))
    found = people_against_bots(scores, stopped=stopped)
    verdicts = [*(one.comparison.verdict for one in found.games), found.verdict]
    assert decided(scores, stopped=stopped) == [verdict is not Verdict.UNDECIDED for verdict in verdicts]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_seeds_does_not_matter(seed: int) -> None:
    scores = event(np.random.default_rng(seed))
    mixed = {
        g: tuple({n: dict(reversed(by_seed.items())) for n, by_seed in one.items()} for one in sides)
        for g, sides in scores.items()
    }
    assert people_against_bots(mixed).sentence == people_against_bots(scores).sentence  # type: ignore[arg-type]
