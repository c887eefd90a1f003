"""Evaluation of an agent on many seeds: independent jobs that return recordings.

A job is (agent, rules, seeds). Within a job several games run in lockstep and the bot decides for all of them at once;
jobs are spread over processes. What a job records is what single games would have recorded.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue

from agents.load import load_player
from agents.player import BatchPlayer, Player
from arena.match import Lane, RecordingObserver, play_lanes
from envs.environment import ArenaEnv
from envs.games import find_game
from envs.rules import Rules
from recordings.recording import Recording

LANES = 16
"""Games of one job that run in lockstep: past this the batch hardly makes the network cheaper."""


@dataclass(frozen=True, slots=True)
class Job:
    """One agent on some seeds."""

    agent: str
    """As `agents.load.load_player` takes it."""
    rules: Rules
    seeds: tuple[int, ...]


def play_job(job: Job) -> list[Recording]:
    """Play all episodes of `job` in this process; return their recordings in the order of the seeds.

    Raises:
        AgentError: the agent can't be loaded.
    """
    player = _player(job.agent, job.rules.game)
    by_seed = {recording.seed: recording for recording in play_seeds(player, job.rules, job.seeds)}
    return [by_seed[seed] for seed in job.seeds]


def play_seeds(player: Player, rules: Rules, seeds: Sequence[int]) -> Iterator[Recording]:
    """Yield a recording of `player` for each of `seeds`, as the episodes end."""
    count = min(LANES, len(seeds)) if isinstance(player, BatchPlayer) else 1
    players: list[Player] = [player]
    for _ in range(count - 1):
        assert isinstance(player, BatchPlayer)
        players.append(player.another())
    waiting = iter(seeds)
    lanes = [Lane(env, one, waiting) for env, one in zip(_environments(rules, count), players, strict=True)]
    done: list[Recording] = []
    observe = RecordingObserver(rules, players, done.append)
    for turn in play_lanes(lanes):
        observe(turn)
        while done:
            yield done.pop(0)


@lru_cache(maxsize=2)
def _environments(rules: Rules, count: int) -> list[ArenaEnv]:
    return [ArenaEnv(rules, obs_type="ram") for _ in range(count)]


@lru_cache(maxsize=2)
def _player(agent: str, game: str) -> Player:
    return load_player(agent, find_game(game))


def evaluate(agent: str, rules: Rules, seeds: Sequence[int], processes: int | None = None) -> Iterator[Recording]:
    """Yield a recording for each of `seeds`, as the episodes end, over `processes` (default: all cores).

    Raises:
        AgentError: the agent can't be loaded.
    """
    count = min(processes or os.cpu_count() or 1, len(seeds))
    if count <= 1:
        yield from play_seeds(_player(agent, rules.game), rules, seeds)
        return
    # Shares of equal size: seeds are as good as random, and a full share keeps its lanes busy to the end.
    jobs = [Job(agent, rules, tuple(seeds[i::count])) for i in range(count)]
    context = get_context("spawn")
    finished: SimpleQueue[Recording] = context.SimpleQueue()
    with ProcessPoolExecutor(count, context, _start_worker, (count, finished)) as pool:
        running = {pool.submit(_stream_job, job) for job in jobs}
        try:
            while running:
                done, running = wait(running, timeout=0.1, return_when=FIRST_COMPLETED)
                while not finished.empty():
                    yield finished.get()
                for future in done:
                    future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


_finished: SimpleQueue[Recording]
"""Set in worker processes only: where their recordings go."""


def _start_worker(processes: int, finished: SimpleQueue[Recording]) -> None:
    global _finished
    _finished = finished
    # Several thread pools as large as the machine would fight for its cores.
    os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // processes))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer


def _stream_job(job: Job) -> None:
    for recording in play_seeds(_player(job.agent, job.rules.game), job.rules, job.seeds):
        _finished.put(recording)
