"""Formats, standings and undo, on logs that are written down by hand: no game is played here."""

from __future__ import annotations

import random
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.event.log import Entry
from arena.tournament.model import TournamentState, last_undoable, state_of
from arena.tournament.standings import How, is_over, is_proven, open_slots, round_title, rounds, standings
from envs.errors import EventError
from envs.rules import named_rules

RULES = named_rules("breakout")


def entrant(name: str, human: bool = False, games: list[str] | None = None) -> dict[str, Any]:
    return {"name": name, "kind": "human" if human else "script", "agent": None if human else name, "games": games}


class Story:
    """A tournament's stream, grown line by line."""

    def __init__(
        self, format: str, names: list[str], n: int = 3, *, games: int = 1, rule: Any = None, people: int = 0
    ) -> None:
        plan = {
            "name": "t", "title": "T", "format": format,
            "rules": {name: named_rules(name) for name in ("breakout", "ms_pacman", "space_invaders")[:games]},
            "entrants": [entrant(name, i < people) for i, name in enumerate(names)],
            "series": rule or {"kind": "best of", "n": n},
        }  # fmt: skip
        self.entries: list[Entry] = []
        self.add("new", plan)

    def add(self, kind: str, body: dict[str, Any]) -> int:
        self.entries.append(Entry("tournament:t", len(self.entries) + 1, "", kind, body, ""))
        return len(self.entries)

    def score(self, slot: Any, score: int) -> int:
        number = len(self.entries) + 1
        values = {
            "seed": 1,
            "score": score,
            "frames": 1,
            "end": "terminated",
            "recording": "r",
            "sha256": f"{number:064}",
        }
        return self.add("score", slot.model_dump() | values)

    @property
    def state(self) -> TournamentState:
        return state_of(self.entries)

    def play(self, strength: dict[str, int], rng: random.Random | None = None) -> TournamentState:
        """Play to the end; on each seed the strength of a player is its score, plus chance if there is a generator."""
        for _ in range(100):
            slots = open_slots(self.state)
            if not slots:
                return self.state
            for slot in slots:
                self.score(slot, strength[slot.player] + (rng.randrange(4) if rng else 0))
        raise AssertionError("it doesn't end")


@pytest.mark.parametrize("count", range(2, 18))
def test_a_knockout_is_won_by_the_best_and_the_first_two_meet_last(count: int) -> None:
    names = [f"p{i}" for i in range(count)]
    story = Story("knockout", names)
    state = story.play({name: 100 - i for i, name in enumerate(names)})
    assert [line.player for line in standings(state)] == names
    final = rounds(state)[-1]
    assert (len(final), {final[0].a, final[0].b}) == (1, {"p0", "p1"})
    assert round_title(state, len(rounds(state)) - 1) == "final"
    assert sum(duel.b is not None for duels in rounds(state) for duel in duels) == count - 1
    assert standings(state)[0].note == "won the tournament"


@given(st.integers(2, 9), st.sampled_from(["knockout", "round robin"]), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_any_tournament_ends_and_its_log_gives_the_same_again(count: int, format: str, seed: int) -> None:
    names = [f"p{i}" for i in range(count)]
    story = Story(format, names, 4, games=2)
    rng = random.Random(seed)
    while slots := open_slots(story.state):
        kind = rng.random()
        if kind < 0.05 and len(story.state.withdrawn) < count - 1:
            name = rng.choice([n for n in names if n not in story.state.withdrawn])
            story.add("walk-over", {"player": name, "reason": "gone"})
        else:
            for slot in rng.sample(slots, min(3, len(slots))):
                story.score(slot, rng.randrange(3))
    state = story.state
    lines = standings(state)
    assert sorted(line.player for line in lines) == names
    assert [line.place for line in lines] == sorted(line.place for line in lines)
    assert standings(state_of(story.entries)) == lines
    if format == "knockout":
        assert sum(line.place == 1 for line in lines) == 1


def test_a_round_robin_counts_as_by_hand() -> None:
    story = Story("round robin", ["a", "b", "c", "d", "e"], 4, games=3)
    state = story.play(dict.fromkeys("abcde", 1), random.Random(5))
    expected: dict[str, list[int]] = {name: [0, 0, 0, 0] for name in "abcde"}
    for a, b in combinations("abcde", 2):
        won = []
        for game in state.plan.games:
            pairs = [[state.scores["round 1", game, i, name].score for name in (a, b)] for i in range(4)]
            won.append((sum(x > y for x, y in pairs), sum(x < y for x, y in pairs)))
        games = sum((x > y) - (x < y) for x, y in won)
        seeds = sum(x - y for x, y in won)
        result = (games > 0) - (games < 0) or (seeds > 0) - (seeds < 0)
        for name, sign, k in ((a, 1, 0), (b, -1, 1)):
            expected[name][{1: 0, 0: 1, -1: 2}[sign * result]] += 1
            expected[name][3] += sum(pair[k] for pair in won)
    lines = standings(state)
    assert {one.player: [one.won, one.drawn, one.lost, one.seeds_won] for one in lines} == expected
    keys = [(2 * one.won + one.drawn, one.seeds_won) for one in lines]
    assert keys == sorted(keys, reverse=True)


def test_bots_of_one_game_meet_those_of_that_game_only() -> None:
    story = Story("round robin", ["both", "first", "second"], 2, games=2)
    body = story.entries[0].body
    body["entrants"][1]["games"] = ["breakout"]
    body["entrants"][2]["games"] = ["ms_pacman"]
    state = story.play({"both": 1, "first": 2, "second": 0})
    played = {(key[1], key[3]) for key in state.scores}
    assert played == {("breakout", "both"), ("breakout", "first"), ("ms_pacman", "both"), ("ms_pacman", "second")}
    assert {(one.player, one.won, one.lost) for one in standings(state)} == {
        ("first", 1, 0), ("both", 1, 1), ("second", 0, 1),
    }  # fmt: skip


def test_people_meet_bots_only_in_a_team_battle() -> None:
    story = Story("team battle", ["Mia", "Ben", "x", "y"], 3, people=2)
    state = story.play({"Mia": 4, "Ben": 2, "x": 3, "y": 1})
    found = {one.player: (one.won, one.lost) for one in standings(state)}
    assert found == {"Mia": (2, 0), "Ben": (1, 1), "x": (1, 1), "y": (0, 2)}


def test_level_at_the_end_the_better_seeded_goes_on() -> None:
    state = Story("knockout", ["a", "b"]).play({"a": 5, "b": 5})
    assert (rounds(state)[0][0].winner, rounds(state)[0][0].how) == ("a", How.SEEDING)
    state = Story("duel", ["a", "b"]).play({"a": 5, "b": 5})
    assert [line.note for line in standings(state)] == ["draw", "draw"]


def test_walk_over_late_arrival_and_undo() -> None:
    story = Story("knockout", ["a", "b", "c"], 1, people=1)
    story.add("late", entrant("d"))
    assert [duel.b for duel in rounds(story.state)[0]] == ["d", "c"]
    story.score(next(s for s in open_slots(story.state) if s.player == "a"), 5)
    number = story.add("walk-over", {"player": "d", "reason": "gone"})
    assert rounds(story.state)[0][0].how is How.WALK_OVER
    assert last_undoable(story.entries).number == number
    story.add("undo", {"number": number, "reason": "there"})
    assert not rounds(story.state)[0][0].over
    line = last_undoable(story.entries)
    assert (line.kind, line.body["player"]) == ("score", "a")
    story.add("undo", {"number": line.number, "reason": "pad was broken"})
    assert "a" in {slot.player for slot in open_slots(story.state)}
    assert story.state.undone == {line.body["sha256"]}
    with pytest.raises(EventError, match="can't be undone"):
        last_undoable(story.entries, line.number)


def test_a_machines_game_is_not_undone() -> None:
    story = Story("duel", ["x", "y"], 1)
    story.play({"x": 1, "y": 2})
    assert is_over(story.state)
    with pytest.raises(EventError, match="nothing to undo"):
        last_undoable(story.entries)
    with pytest.raises(EventError, match="can't be undone"):
        last_undoable(story.entries, 2)


def test_a_sequential_duel_stops_when_it_is_decided() -> None:
    story = Story("duel", ["Mia", "x"], rule={"kind": "sequential", "cap": 20}, people=1)
    assert {(slot.player, slot.index) for slot in open_slots(story.state)} == {
        ("Mia", 0),
        *(("x", i) for i in range(8)),
    }
    state = story.play({"Mia": 2, "x": 1})
    assert rounds(state)[0][0].seeds_won == (7, 0)
    assert rounds(state)[0][0].winner == "Mia"


def test_who_is_only_ahead_at_the_cap_has_not_won() -> None:
    rule = {"kind": "sequential", "cap": 4}
    state = Story("duel", ["a", "b"], rule=rule).play({"a": 2, "b": 1})
    assert [line.note for line in standings(state)] == ["ahead, not decided", "behind, not decided"]
    assert not is_proven(state, rounds(state)[0][0])
    state = Story("duel", ["a", "b"], games=3, rule={"kind": "sequential", "cap": 9}).play({"a": 2, "b": 1})
    assert [line.note for line in standings(state)] == ["won", "lost"]


@pytest.mark.parametrize(
    ("format", "names", "people", "said"),
    [
        ("duel", ["a", "b", "c"], 0, "a duel has two players"),
        ("knockout", ["a"], 0, "at least two"),
        ("round robin", ["a", "b", "a"], 0, "'a' would play twice"),
        ("team battle", ["a", "b"], 2, "needs people and bots"),
        ("quiz", ["a", "b"], 0, "no such tournament: format"),
    ],
)
def test_plans_that_cant_be(format: str, names: list[str], people: int, said: str) -> None:
    with pytest.raises(EventError, match=said):
        _ = Story(format, names, people=people).state
