"""The open-loop check tells a script from a bot that looks; the re-run check tells whether it is the same bot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arena.diagnostics.integrity import OpenLoop, Rerun, first_difference, open_loop, rerun
from arena.engine.evaluate import Handling, evaluate, play_seeds
from arena.engine.seeds import PRACTICE_SEEDS, fresh_seeds
from arena.event.evaluation_plan import write_plan
from envs.errors import AgentError, SeedError
from envs.rules import named_rules
from tests.doubles import Dice

RULES = named_rules("breakout").varied(max_frames=1500)


class Scripted(Dice):
    """Plays the same actions whatever it sees and whatever its seed."""

    def reset(self, *, seed: int, action_set: tuple[int, ...]) -> None:
        super().reset(seed=0, action_set=action_set)


def test_a_bot_that_looks_loses_without_its_eyes() -> None:
    games = list(evaluate("script:basic", RULES, range(4), 1))
    found = open_loop(games)
    assert found.n == 3
    assert found.score == max(r.score for r in games)
    assert found.bot_mean > 5
    assert found.ratio is not None
    assert found.ratio < 0.5
    assert f"{found.ratio:.2f} of it" in found.sentence()


def test_a_script_is_as_good_without_eyes() -> None:
    rules = named_rules("space_invaders").varied(max_frames=1200)
    games = list(play_seeds(Scripted(), rules, range(5)))
    found = open_loop(games)
    assert found.script_mean == found.bot_mean > 0
    assert found.ratio == 1


def test_open_loop_needs_two_seeds_and_points() -> None:
    (game,) = play_seeds(Dice(), RULES.varied(max_frames=5), [1])
    with pytest.raises(AgentError, match="two seeds or more"):
        open_loop([game])
    nothing = OpenLoop(1, 0, 2, 0.0, 0.0)
    assert nothing.ratio is None
    assert nothing.sentence().endswith("itself.")


def test_the_same_agent_does_the_same_again() -> None:
    rules = RULES.varied(max_frames=200)
    handling = Handling(delay_ms=100)
    games = list(evaluate("script:random", rules, range(4), 1, handling))
    assert rerun("script:random", games, handling) == Rerun(3, 3, None)
    assert "3 of 3 games" in Rerun(3, 3, None).sentence()
    with pytest.raises(AgentError, match=r"script:random, 100 ms.*script:basic, 100 ms"):
        rerun("script:basic", games, handling)


def test_an_agent_that_draws_from_nowhere_is_found(tmp_path: Path) -> None:
    agent = tmp_path / "fickle.py"
    agent.write_text(
        "import os\n"
        "class Agent:\n"
        "    def reset(self, *, seed, action_set): pass\n"
        "    def act(self, step): return os.urandom(1)[0] % 2 if step.t >= 10 else 0\n"
        "    def close(self): pass\n"
        "def make_player(game): return Agent()\n"
    )
    rules = RULES.varied(max_frames=100)
    found = rerun(str(agent), list(evaluate(str(agent), rules, [1, 2], 1)))
    assert (found.n, found.same) == (2, 0)
    assert found.first_difference is not None
    assert found.first_difference >= 10
    assert "doesn't repeat" in found.sentence()


def test_where_two_games_part() -> None:
    assert first_difference(b"abc", b"abc") is None
    assert first_difference(b"abc", b"abd") == 2
    assert first_difference(b"abc", b"ab") == 2


def test_fresh_seeds_are_new_and_no_practice_seeds(tmp_path: Path) -> None:
    seeds = fresh_seeds(500)
    assert len(set(seeds)) == 500
    assert min(seeds) >= PRACTICE_SEEDS
    assert not set(seeds) & set(fresh_seeds(500))
    assert max(seeds) < 2**53
    with pytest.raises(SeedError, match="1 to 100,000"):
        fresh_seeds(0)
    path = write_plan(tmp_path / "evaluations", "Bot", "ab" * 32, RULES, seeds[:2], [0, 200])
    plan = json.loads(path.read_text())
    assert (plan["seeds"], plan["delays_ms"]) == (list(seeds[:2]), [0, 200])
    assert (plan["agent"], plan["rules_id"]) == ("Bot", RULES.rules_id)
