"""Evaluation over lanes and processes records what single games would have recorded."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import cast

import pytest

from agents.load import load_player
from agents.player import Kind, PlayerQuit
from arena.engine.evaluate import LANES, EvaluationJob, evaluate, play_job, play_seeds
from arena.engine.match import Match, RecordingObserver
from arena.engine.verify import verify
from envs.errors import AgentError, SeedError
from envs.games import find_game
from envs.rules import Rules, named_rules
from envs.step import End
from recordings.recording import Recording
from recordings.storage import save
from tests.doubles import Dice, Eyes, Looker, Says

RULES = named_rules("space_invaders").varied(max_frames=200)
SEEDS = tuple(range(5))


def essence(recording: Recording) -> tuple[object, ...]:
    """All of a recording but when it was made."""
    return tuple(value for name, value in recording if name != "started_at")


def single(agent: str, rules: Rules, seed: int) -> Recording:
    """One game in a match of its own."""
    recordings: list[Recording] = []
    player = load_player(agent, find_game(rules.game))
    observe = RecordingObserver(rules, [player], recordings.append)
    for turn in Match(rules, [seed], [player]).play():
        observe(turn)
    return recordings[0]


# -- one process -----------------------------------------------------------------------------------------------------


def test_a_recording_for_every_seed_in_the_order_of_the_ends() -> None:
    recordings = list(play_seeds(Dice(), RULES, SEEDS))
    assert [recording.seed for recording in recordings] == list(SEEDS)
    assert list(play_seeds(Dice(), RULES, [])) == []


def test_more_seeds_than_lanes() -> None:
    bot = Eyes()
    rules = RULES.varied(max_frames=24)
    recordings = list(play_seeds(Looker(bot), rules, range(LANES + 3)))
    assert sorted(recording.seed for recording in recordings) == list(range(LANES + 3))
    assert bot.batches == [LANES] * 24 + [3] * 24
    alone = [next(play_seeds(Looker(Eyes()), rules, [seed])) for seed in (0, LANES, LANES + 2)]
    by_seed = {recording.seed: essence(recording) for recording in recordings}
    assert [by_seed[recording.seed] for recording in alone] == [essence(recording) for recording in alone]


def test_a_seed_asked_for_twice_is_played_twice() -> None:
    first, second = play_seeds(Looker(Eyes()), RULES, [3, 3])
    assert essence(first) == essence(second)


def test_a_job() -> None:
    job = EvaluationJob("script:random", RULES, (4, 1, 3))
    recordings = play_job(job)
    assert [recording.seed for recording in recordings] == [4, 1, 3]
    assert {(r.player.name, r.player.kind) for r in recordings} == {("script:random", Kind.SCRIPT.value)}
    assert [essence(r) for r in recordings] == [essence(single("script:random", RULES, seed)) for seed in (4, 1, 3)]


def test_games_that_are_left_count_too() -> None:
    recordings = list(play_seeds(Says(0, 0, PlayerQuit()), RULES, [1, 2]))
    assert [(recording.end, recording.frames) for recording in recordings] == [(End.QUIT, 2)] * 2
    assert all(verify(recording).ok for recording in recordings)


def test_the_bots_other_players_are_closed() -> None:
    closed: list[Looker] = []

    class Closes(Looker):
        def another(self) -> Closes:
            return Closes(self.bot)

        def close(self) -> None:
            closed.append(self)

    mine = Closes(Eyes())
    list(play_seeds(mine, RULES.varied(max_frames=3), range(4)))
    assert len(closed) == 3
    assert mine not in closed, "that one is its owner's to close"
    stopped = cast("Generator[Recording]", play_seeds(mine, RULES.varied(max_frames=3), range(12)))
    next(stopped)
    stopped.close()
    assert len(closed) == 3 + LANES - 1


# -- several processes -----------------------------------------------------------------------------------------------


def test_processes_record_what_single_games_record() -> None:
    recordings = list(evaluate("script:random", RULES, SEEDS, processes=2))
    assert sorted(recording.seed for recording in recordings) == list(SEEDS)
    here = {recording.seed: essence(recording) for recording in evaluate("script:random", RULES, SEEDS, processes=1)}
    assert {recording.seed: essence(recording) for recording in recordings} == here
    assert here[2] == essence(single("script:random", RULES, 2))


@pytest.mark.parametrize("processes", [1, 2])
def test_what_is_wrong_is_said(processes: int) -> None:
    with pytest.raises(AgentError, match="nobody"):
        list(evaluate("script:nobody", RULES, SEEDS, processes))
    with pytest.raises(SeedError, match="9007199254740992"):
        next(evaluate("script:random", RULES, [1, 2**53], processes))
    assert list(evaluate("script:random", RULES, [], processes)) == []


def test_a_broken_agent_file_is_told_from_the_process_that_read_it(tmp_path: Path) -> None:
    path = tmp_path / "agent.zip"
    path.write_bytes(b"no agent")
    with pytest.raises(AgentError, match=r"agent\.zip"):
        list(evaluate(str(path), RULES, SEEDS, 2))
    assert multiprocessing.active_children() == []


def long_evaluation() -> Generator[Recording]:
    """More games than anybody wants to wait for."""
    return cast("Generator[Recording]", evaluate("script:random", named_rules("ms_pacman"), range(1000), 2))


def test_recordings_come_as_the_games_end_and_who_stops_need_not_wait() -> None:
    """If it waited for the thousand games, the whole run would hit its time limit."""
    recordings = long_evaluation()
    assert [next(recordings).player.name for _ in range(2)] == ["script:random"] * 2
    assert len(multiprocessing.active_children()) == 2
    recordings.close()
    assert multiprocessing.active_children() == []


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_a_process_that_dies_is_reported() -> None:
    recordings = long_evaluation()
    next(recordings)
    os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)
    with pytest.raises(AgentError, match=r"A process in which script:random played has died with \d+ games to go"):
        list(recordings)
    assert multiprocessing.active_children() == []


CTRL_C = """
import sys
from pathlib import Path
from arena.engine.evaluate import evaluate
from arena.engine.verify import verify_files
from envs.rules import named_rules

if __name__ == "__main__":
    print("ready", flush=True)
    try:
        if sys.argv[1:]:
            work = verify_files([Path(sys.argv[1])] * 1000, 2)
        else:
            work = evaluate("script:random", named_rules("ms_pacman"), range(1000), 2)
        for _ in work:
            print("working", flush=True)
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
@pytest.mark.parametrize("what", ["evaluate", "verify"])
@pytest.mark.parametrize("moment", [0.0, 0.3, "working"])
def test_ctrl_c_ends_all_processes_without_a_word(what: str, moment: float | str, tmp_path: Path) -> None:
    """The terminal sends it to every process of the group. They all hold this end of the pipes: `communicate` returns
    only when the last of them is gone."""
    script = tmp_path / "run.py"
    script.write_text(CTRL_C)
    arguments = [save(next(play_seeds(Dice(), RULES, [1])), tmp_path)] if what == "verify" else []
    with subprocess.Popen(
        [sys.executable, script, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            if isinstance(moment, str):
                assert process.stdout.readline() == "working\n"
            else:
                time.sleep(moment)
            os.killpg(process.pid, signal.SIGINT)
            _, errors = process.communicate(timeout=300)
        finally:
            process.kill()
    assert process.returncode == 130
    assert errors == ""
