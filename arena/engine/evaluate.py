"""Evaluation of an agent on many seeds: independent jobs that give recordings.

A job is (agent, rules, seeds). Within a job several games run in lockstep and the bot decides for all of them at once;
jobs are spread over processes. What a job records is what single games would have recorded.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.connection import Connection

from agents.delay import delayed
from agents.load import load_player
from agents.player import BatchPlayer, Player
from agents.sandbox.player import guarded_player, payload_of
from arena.engine.env_pool import borrowed
from arena.engine.match import Lane, RecordingObserver, play_lanes
from arena.processes.workers import WorkerDied, received, workers
from envs.environment import ale_seed_of
from envs.errors import AgentError, ArenaError
from envs.games import Game, find_game
from envs.rules import Rules
from recordings.recording import Recording

PYTHON_SUFFIX = ".py"
LANES = 8
"""Games of one job that run in lockstep: as many as `agents.networks.player.BLOCK`, so that one pass of the network
serves all and few of its rows are empty when the last games run out."""


@dataclass(frozen=True, slots=True)
class Handling:
    """How the agent is run. Nobody's own agent needs anything but the defaults."""

    sandbox: bool = False
    """In a process that can do no harm (`agents.sandbox`); an agent written in Python is run there or nowhere."""
    delay_ms: int = 0
    """Reaction delay, one of `agents.delay.DELAYS_MS`: results with another delay are those of another player."""


PLAIN = Handling()


@dataclass(frozen=True, slots=True)
class EvaluationJob:
    """One agent on some seeds."""

    agent: str
    """As `agents.load.load_player` takes it, or the path of a `.py` file."""
    rules: Rules
    seeds: tuple[int, ...]
    handling: Handling = PLAIN


def load(agent: str, game: Game, handling: Handling = PLAIN) -> Player:
    """Return the player of `agent` that `handling` asks for.

    Raises:
        AgentError: there is no such agent, it can't play this game, or no sandbox works here where one is needed.
    """
    if handling.sandbox or agent.endswith(PYTHON_SUFFIX):
        return delayed(guarded_player(payload_of(agent, game)), handling.delay_ms)
    return delayed(load_player(agent, game), handling.delay_ms)


def play_job(job: EvaluationJob) -> list[Recording]:
    """Play all episodes of `job` in this process; return their recordings in the order of the seeds.

    Raises:
        AgentError: the agent can't be loaded.
        SeedError: one of the seeds can't be used.
    """
    by_seed = {recording.seed: recording for recording in _episodes(job)}
    return [by_seed[seed] for seed in job.seeds]


def _episodes(job: EvaluationJob) -> Iterator[Recording]:
    with closing(load(job.agent, find_game(job.rules.game), job.handling)) as player:
        yield from play_seeds(player, job.rules, job.seeds)


def play_seeds(player: Player, rules: Rules, seeds: Sequence[int]) -> Iterator[Recording]:
    """Yield a recording of `player` for each of `seeds`, as the episodes end.

    Raises:
        SeedError: one of the seeds can't be used; nothing is played then.
    """
    for seed in seeds:
        ale_seed_of(seed)
    count = min(LANES, len(seeds)) if isinstance(player, BatchPlayer) else 1
    players: list[Player] = [player]
    for _ in range(count - 1):
        assert isinstance(player, BatchPlayer)
        players.append(player.another())
    waiting = iter(seeds)
    done: list[Recording] = []
    observe = RecordingObserver(rules, players, done.append)
    try:
        with borrowed(rules, len(players)) as envs:
            for turn in play_lanes([Lane(env, one, waiting) for env, one in zip(envs, players, strict=True)]):
                observe(turn)
                while done:
                    yield done.pop(0)
    finally:
        for another in players[1:]:
            another.close()


def evaluate(
    agent: str, rules: Rules, seeds: Sequence[int], processes: int | None = None, handling: Handling = PLAIN
) -> Iterator[Recording]:
    """Yield a recording for each of `seeds`, as they are done, over `processes` (default: all cores). Closing the
    generator early ends the processes at once.

    Raises:
        AgentError: the agent can't be loaded, or has brought its process down.
        SeedError: one of the seeds can't be used; nothing is played then.
    """
    for seed in seeds:
        ale_seed_of(seed)
    count = min(processes or os.cpu_count() or 1, len(seeds))
    if count <= 1:
        yield from _episodes(EvaluationJob(agent, rules, tuple(seeds), handling))
        return
    # Shares of equal size per process: seeds are as good as random, and one job fills its lanes by itself.
    jobs = [EvaluationJob(agent, rules, tuple(seeds[i::count]), handling) for i in range(count)]
    threads = max(1, (os.cpu_count() or 1) // count)
    with workers(_work, [(job, threads) for job in jobs]) as pipes:
        yield from _collected({pipe: len(job.seeds) for pipe, job in zip(pipes, jobs, strict=True)}, agent)


def _collected(missing: dict[Connection, int], agent: str) -> Iterator[Recording]:
    """Yield what comes through the pipes until each has brought as many recordings as it owes."""
    try:
        for pipe, came in received(missing):
            if isinstance(came, BaseException):
                raise came
            yield came
            missing[pipe] -= 1
            if not missing[pipe]:
                del missing[pipe]
    except WorkerDied as died:
        raise AgentError(
            f"A process in which {agent} played has died with {missing[died.pipe]} games to go: too little memory, "
            "or the agent crashed it; try fewer processes."
        ) from None


def _work(results: Connection, job: EvaluationJob, threads: int) -> None:
    """What one process does. It gets its share of the cores: thread pools of several processes would fight for them."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    if "torch" in sys.modules:  # the main program's file brought it in, and then it has read the variable already
        sys.modules["torch"].set_num_threads(threads)
    try:
        for recording in _episodes(job):
            results.send(recording)
    except ArenaError as error:
        results.send(error)
