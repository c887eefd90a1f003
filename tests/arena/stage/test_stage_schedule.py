"""What is shown, in which order, and what the audience knows; on made-up scores, without games."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from agents.player import Kind
from arena.stage import bookmark
from arena.stage.bookmark import ShownBouts
from arena.stage.schedule import bouts_of, is_seen, known, lines_of, series_of
from arena.tournament.model import Score, TournamentState, checked_plan
from arena.tournament.standings import rounds
from envs.rules import named_rules

GAMES = ("breakout", "space_invaders")


def state(format: str, people: int, bots: int, n: int = 3, **more: Any) -> TournamentState:
    players = [{"name": f"P{i}", "kind": Kind.HUMAN} for i in range(people)]
    players += [{"name": f"B{i}", "kind": Kind.SCRIPT, "agent": "script:random"} for i in range(bots)]
    plan = checked_plan(
        {
            "name": "x",
            "title": "X",
            "format": format,
            "rules": {game: named_rules(game).as_dict() for game in GAMES},
            "entrants": players,
            "series": {"kind": "best of", "n": n},
        }
        | more
    )
    return TournamentState(plan, plan.entrants)


def play(one: TournamentState, stage: str, game: str, index: int, *scores: tuple[str, int]) -> None:
    for player, points in scores:
        one.lines += 1
        score = Score(one.lines, 100 + index, points, 600, "terminated", f"{one.lines}.arena.zip", "ab" * 32)
        one.scores[stage, game, index, player] = score


def test_a_duel_is_shown_game_by_game_and_only_as_far_as_it_goes() -> None:
    one = state("duel", 1, 1)
    play(one, "round 1", "breakout", 0, ("P0", 5), ("B0", 1))
    play(one, "round 1", "space_invaders", 0, ("P0", 5), ("B0", 1))
    found = [(bout.game, bout.index) for bout in bouts_of(one)]
    assert found == [("breakout", 0), ("breakout", 1), ("space_invaders", 0), ("space_invaders", 1)]
    play(one, "round 1", "breakout", 1, ("P0", 5), ("B0", 1))
    play(one, "round 1", "breakout", 2, ("P0", 5), ("B0", 1))
    found = [(bout.game, bout.index) for bout in bouts_of(one) if bout.game == "breakout"]
    assert found == [("breakout", 0), ("breakout", 1)]  # two of three: the third seed counts for nothing


def test_the_audience_knows_what_it_has_seen() -> None:
    one = state("knockout", 2, 2, n=1)
    for game in GAMES:
        play(one, "round 1", game, 0, ("P0", 9), ("P1", 9), ("B0", 1), ("B1", 2))
    bouts = bouts_of(one)
    assert [bout.names for bout in bouts[:4]] == [("P0", "B1")] * 2 + [("P1", "B0")] * 2
    assert all(duel.over for duel in rounds(one)[0])
    seen = {bouts[0].key: lines_of(one, bouts[0])}
    assert known(one, bouts, {}).scores == {}
    so_far = known(one, bouts, seen)
    assert {key[3] for key in so_far.scores} == {"P0", "B1"}
    assert not rounds(so_far)[0][0].over
    assert series_of(so_far, bouts[0]).played == 1
    assert series_of(so_far, bouts[1]).played == 0


def test_keys_hold_no_names_and_differ() -> None:
    one = state("knockout", 4, 4, n=1)
    keys = [bout.key for bout in bouts_of(one)]
    assert len(set(keys)) == len(keys) == 4 * len(GAMES)
    assert not any(entrant.name in key for key in keys for entrant in one.entrants)


def test_what_was_undone_and_played_again_is_new() -> None:
    one = state("duel", 1, 1)
    play(one, "round 1", "breakout", 0, ("P0", 5), ("B0", 1))
    bout = bouts_of(one)[0]
    seen = {bout.key: lines_of(one, bout)}
    assert is_seen(one, seen, bout)
    del one.scores["round 1", "breakout", 0, "P0"]
    assert not is_seen(one, seen, bout)
    play(one, "round 1", "breakout", 0, ("P0", 7))
    assert not is_seen(one, seen, bout)


@pytest.mark.parametrize(("people", "bots"), [(2, 2), (3, 2), (1, 4), (4, 6)])
def test_a_team_battle_shows_every_seed_once_and_every_pair_in_turn(people: int, bots: int) -> None:
    one = state("team battle", people, bots, n=people * bots)
    found = bouts_of(one)
    assert len(found) == people * bots * len(GAMES)
    assert all(bout.a.human and not bout.b.human for bout in found)
    assert len({bout.names for bout in found}) == people * bots
    if people > 1 and bots > 1:
        turns = [(a, b) for a, b in pairwise(found) if a.a == b.a and a.b == b.b]
        assert turns == []


def test_a_round_robin_shows_every_pair_in_turn() -> None:
    one = state("round robin", 3, 2, n=10)
    assert len({frozenset(bout.names) for bout in bouts_of(one)}) == 10


def test_who_has_withdrawn_is_not_shown_any_more() -> None:
    one = state("team battle", 2, 2)
    one.withdrawn["P0"] = "left"
    assert {bout.a.name for bout in bouts_of(one)} == {"P1"}
    one.withdrawn["P1"] = "left"
    assert {bout.a.name for bout in bouts_of(one)} == {"P0", "P1"}


def test_the_place_in_the_show_is_kept(tmp_path: Path) -> None:
    found = {"x": ShownBouts({"a": (1, 2)}, "b", 77, 1)}
    bookmark.save(bookmark.text_of(found), tmp_path)
    assert bookmark.load(tmp_path) == found


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"x": 1}', b'{"x": {"seen": 3}}', b"\xff\xff", b"null"])
def test_a_broken_memory_is_forgotten(tmp_path: Path, content: bytes) -> None:
    (tmp_path / bookmark.FILE_NAME).write_bytes(content)
    assert bookmark.load(tmp_path) == {}
