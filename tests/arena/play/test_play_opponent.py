"""Agents in a process of their own, beside a game that waits for nobody."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from agents.scripts import make_script
from arena.engine.evaluate import play_seeds
from arena.engine.match import Lane, RecordingObserver, Turn, play_lanes
from arena.play import opponent as module
from arena.play.opponent import RemoteOpponent, open_opponent
from envs.environment import ArenaEnv
from envs.errors import AgentError
from envs.games import find_game
from envs.rules import named_rules
from envs.step import End
from recordings.recording import Recording

RULES = named_rules("breakout").varied(max_frames=300)


def play(opponent: RemoteOpponent, seed: int, patient: bool = True) -> Recording:
    opponent.begin(RULES, seed)
    if patient:
        opponent.patient()
    done: list[Recording] = []
    observe = RecordingObserver(RULES, [opponent.player], done.append)
    for turn in play_lanes([Lane(ArenaEnv(RULES, obs_type="ram"), opponent.player, iter((seed,)))]):
        observe(turn)
    return done[0]


def test_in_another_process_an_agent_plays_as_in_this_one() -> None:
    alone = list(play_seeds(make_script("basic", find_game("breakout")), RULES, [3, 4]))
    with open_opponent("script:basic", RULES) as opponent:
        assert opponent.info.name == "script:basic"
        assert [play(opponent, seed).digest for seed in (3, 4)] == [recording.digest for recording in alone]
        assert opponent.held_frames == 0


def test_who_is_never_waited_for_holds_the_last_action() -> None:
    with open_opponent("script:basic", RULES) as opponent:
        hurried = play(opponent, 3, patient=False)  # thousands of frames a second: no agent keeps up
        assert hurried.frames == 300
        assert hurried.end is End.TRUNCATED
        assert 0 < opponent.held_frames <= 300
        calm = play(opponent, 3)
        assert opponent.held_frames == 0, "the next game begins anew, whatever answers were still on their way"
    (alone,) = play_seeds(make_script("basic", find_game("breakout")), RULES, [3])
    assert calm.digest == alone.digest


def test_answers_of_a_game_that_was_given_up_are_not_those_of_the_next() -> None:
    (alone,) = play_seeds(make_script("basic", find_game("breakout")), RULES, [3])
    with open_opponent("script:basic", RULES) as opponent:
        opponent.begin(RULES, 4)  # the process may not even have begun it when the next one comes
        assert play(opponent, 3).digest == alone.digest


def test_from_some_frame_on_it_may_be_waited_for() -> None:
    with open_opponent("script:basic", RULES) as opponent:
        opponent.begin(RULES, 3)
        held = 0
        turns: list[Turn] = []
        for turn in play_lanes([Lane(ArenaEnv(RULES, obs_type="ram"), opponent.player, iter((3,)))]):
            turns.append(turn)
            if turn.step.t == 100:
                held = opponent.held_frames
                opponent.patient()
        assert turns[-1].step.end is End.TRUNCATED
        assert opponent.held_frames == held


@pytest.mark.parametrize("agent", ["nobody", "script:nobody", "/no/such/file.zip", "x" * 5000])
def test_an_unknown_agent_is_said_at_once(agent: str) -> None:
    with pytest.raises(AgentError, match=r"expected|There is no"), open_opponent(agent, RULES):
        pass


def test_a_file_that_is_no_agent_is_said_by_its_process(tmp_path: Path) -> None:
    path = tmp_path / "agent.zip"
    path.write_bytes(b"PK nonsense")
    with pytest.raises(AgentError), open_opponent(str(path), RULES):
        pass


def process_of(opponent: RemoteOpponent) -> int:
    from multiprocessing import active_children

    (child,) = active_children()
    assert child.pid is not None
    return child.pid


def test_an_agent_whose_process_dies_forfeits_and_the_game_goes_on() -> None:
    with open_opponent("script:basic", RULES) as opponent:
        opponent.begin(RULES, 3)
        opponent.patient()
        step = None
        for turn in play_lanes([Lane(ArenaEnv(RULES, obs_type="ram"), opponent.player, iter((3,)))]):
            step = turn.step
            if step.t == 50 and step.end is None:
                os.kill(process_of(opponent), signal.SIGKILL)
        assert step is not None
        assert step.end is End.FAILED
        with pytest.raises(AgentError, match="has died"):
            opponent.begin(RULES, 4)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="a process is stopped as POSIX does it")
def test_an_agent_that_hangs_delays_nothing_and_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GIVE_UP_FRAMES", 120)
    with open_opponent("script:basic", RULES) as opponent:
        opponent.begin(RULES, 3)
        process = process_of(opponent)
        os.kill(process, signal.SIGSTOP)
        try:
            turns = list(play_lanes([Lane(ArenaEnv(RULES, obs_type="ram"), opponent.player, iter((3,)))]))
        finally:
            os.kill(process, signal.SIGCONT)  # a process that is stopped can't be ended
        assert turns[-1].step.end is End.FAILED
        assert 120 <= turns[-1].step.t < 130


def test_its_process_ends_with_the_block() -> None:
    with open_opponent("script:noop", RULES) as opponent:
        process = process_of(opponent)
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_it_was_opened_for_these_rules() -> None:
    with open_opponent("script:noop", RULES) as opponent, pytest.raises(AgentError, match="opened for breakout"):
        opponent.begin(named_rules("breakout"), 3)
