"""Evaluation on more than one machine: the same jobs, spread by Dask's scheduler (extra `cluster`).

A job is an agent, rules and some seeds; it gives recordings. The agent travels as content, never as a path, and is run
in the sandbox of the machine that plays. A recording comes back as the bytes of its file, is read like anybody's, and
must be what was asked for; that its score is true is found out where it arrives, by `arena.scoreboard.publish` or
`arena.engine.verify`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from agents.delay import delayed
from agents.player import Player
from agents.sandbox.payload import Payload
from agents.sandbox.player import guarded_player, payload_of
from arena.engine.evaluate import LANES, PLAIN, Handling, play_seeds
from envs.environment import ale_seed_of
from envs.errors import AgentError, ArenaError, RecordingError, tidy
from envs.extras import require
from envs.games import find_game
from envs.rules import Rules
from recordings.codec import decode, encode
from recordings.recording import Recording

CONNECT_SECONDS = 20


class ClusterError(ArenaError):
    """The cluster can't be reached, has no workers, or its machines have something else installed."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a machine gets besides the agent."""

    rules: dict[str, Any]
    """As `Rules.as_dict` writes them."""
    seeds: tuple[int, ...]
    delay_ms: int


def evaluate_on(
    address: str,
    agent: str,
    rules: Rules,
    seeds: Sequence[int],
    handling: Handling = PLAIN,
    share: int = LANES,
) -> Iterator[Recording]:
    """Yield a recording for each of `seeds`, as they come back from the machines of the scheduler at `address`.

    A job whose machine dies is given to another one. Closing the generator early cancels what isn't done.

    Args:
        share: games per job.

    Raises:
        ClusterError: see there.
        AgentError: the agent can't be read or loaded; or the machines of one job died again and again.
        SeedError: one of the seeds can't be used; nothing is played then.
    """
    for seed in seeds:
        ale_seed_of(seed)
    payload = payload_of(agent, find_game(rules.game))
    tasks = [
        Task(rules.as_dict(), tuple(seeds[start : start + share]), handling.delay_ms)
        for start in range(0, len(seeds), share)
    ]
    client = _connected(address)
    try:
        yield from _collected(client, payload, tasks, rules)
    finally:
        with suppress(Exception):  # the scheduler may be the one that is gone
            client.close()


def _connected(address: str) -> Any:
    require("A cluster", "distributed")
    import distributed

    create: Any = distributed.Client  # it has no types
    logging.getLogger("distributed").setLevel(logging.ERROR)  # its own remarks about what is reported here
    try:
        client = create(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"There is no Dask scheduler at {address} ({tidy(error)}); start one there with: dask scheduler."
        ) from None
    try:
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        found = client.run(installed)
    except TimeoutError:
        client.close()
        raise ClusterError(
            f"The scheduler at {address} has no workers; start some with: dask worker {address} --nthreads 1."
        ) from None
    except Exception as error:
        client.close()
        raise ClusterError(f"The workers of {address} can't run the arena ({tidy(error)}); install it there.") from None
    other = {worker: what for worker, what in found.items() if what != installed()}
    if other:
        client.close()
        worker, what = next(iter(other.items()))
        raise ClusterError(f"The worker {worker} has {what}, this machine {installed()}; install the same everywhere.")
    return client


def installed() -> str:
    """Return what has to be the same on all machines."""
    return ", ".join(f"{name} {version(name)}" for name in ("atari-arena", "ale-py", "torch", "numpy"))


def _collected(client: Any, payload: Payload, tasks: Sequence[Task], rules: Rules) -> Iterator[Recording]:
    import distributed

    as_completed: Any = distributed.as_completed

    # As a task of its own the agent goes once to each machine, and is there again if the one that had it dies.
    carried = client.submit(_carry, payload, pure=False)
    futures = {client.submit(play_task, carried, task, pure=False): task for task in tasks}
    try:
        for future in as_completed(list(futures), loop=client.loop):
            task = futures[future]
            try:
                files = future.result()
            except distributed.KilledWorker:
                raise AgentError(
                    f"{payload.name}: every machine that played seeds {task.seeds[0]} and following has died."
                ) from None
            except ArenaError:
                raise
            except Exception as error:
                raise ClusterError(f"The cluster can't go on ({tidy(error)}).") from None
            yield from _checked(files, task, rules)
            future.release()
    finally:
        with suppress(Exception):
            client.cancel([*futures, carried])


def _carry(payload: Payload) -> Payload:
    return payload


def _checked(files: Any, task: Task, rules: Rules) -> list[Recording]:
    """Return the recordings in `files`.

    Raises:
        RecordingError: they aren't those that `task` asked for.
    """
    if not isinstance(files, list) or not all(isinstance(file, bytes) for file in files):
        raise RecordingError("A machine of the cluster has sent something else than recordings.")
    recordings = [decode(file) for file in files]
    if [r.seed for r in recordings] != list(task.seeds) or any(r.rules != rules for r in recordings):
        raise RecordingError("A machine of the cluster has sent recordings of other seeds or rules than it was given.")
    return recordings


# -- on the machines -------------------------------------------------------------------------------------------------

_mine = threading.local()
"""The player of this thread's last job: starting a process for every eight games would take longer than they do. The
sandbox ends with the thread that started it, so each thread has its own."""


def play_task(payload: Payload, task: Task) -> list[bytes]:
    """Play a task's games on this machine; return the recordings' files in the order of the seeds."""
    player = _player(payload, task.delay_ms)
    by_seed = {r.seed: r for r in play_seeds(player, Rules.from_dict(task.rules), task.seeds)}
    return [encode(by_seed[seed]) for seed in task.seeds]


def _player(payload: Payload, delay_ms: int) -> Player:
    wanted = (payload, delay_ms)
    if getattr(_mine, "wanted", None) != wanted:
        if getattr(_mine, "wanted", None) is not None:
            _mine.wanted = None
            _mine.player.close()
        _mine.player = delayed(guarded_player(payload), delay_ms)
        _mine.wanted = wanted
    player: Player = _mine.player
    return player
