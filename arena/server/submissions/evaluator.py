"""Who evaluates the agents that were sent in: processes of their own, which take them from the database's queue."""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

from sqlalchemy.orm import Session

from arena.engine.seeds import evaluation_seeds
from arena.event.secrets import evaluation_secret
from arena.processes.workers import workers
from arena.scoreboard.publish import result_of
from arena.scoreboard.server_tables import DONE, FAILED, REJECTED, ProofRow
from arena.scoreboard.store import Scoreboard
from arena.server.clock import Clock
from arena.server.games.copies import opening_of
from arena.server.games.trust import Trust
from arena.server.settings import ServerSettings
from arena.server.submissions.admission import admit, play
from arena.server.submissions.queue import SubmissionJob, Submissions
from envs.errors import AgentError, ArenaError
from envs.step import End
from recordings.recording import Recording
from recordings.storage import save

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
BEATS_PER_LEASE = 5
Tell = Callable[[str, object], None]
"""Called with `agent` and its number, or `result` and its recording's hash."""


class Evaluators:
    """Keeps so many evaluating processes alive, passes on what they tell, and takes back jobs of silent workers."""

    def __init__(self, settings: ServerSettings, submissions: Submissions, tell: Tell) -> None:
        self._settings = settings
        self._submissions = submissions
        self._tell = tell
        self._stop = threading.Event()
        self._seen: dict[int, tuple[str, int, float]] = {}
        self._own = f"{os.getpid()}-{secrets.token_hex(4)}-"
        """With this begin the names of the workers here."""
        names = [f"{self._own}{i}" for i in range(settings.evaluators)]
        self._threads = [threading.Thread(target=self._keep, args=(name,), daemon=True) for name in names]
        self._threads.append(threading.Thread(target=self._watch, daemon=True))

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End at once; what is being evaluated begins anew after the next start."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def _keep(self, name: str) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            worker = f"{name}-{number}"
            with workers(work, [(self._settings, worker)]) as (pipe,), suppress(EOFError, OSError):
                while not self._stop.is_set():
                    if pipe.poll(0.2):
                        self._tell(*pipe.recv())
            with suppress(ArenaError):  # else its lease runs out
                self._take_back_from(worker)
            self._stop.wait(LOOK_SECONDS)

    def _take_back_from(self, worker: str) -> None:
        """Put back what a worker had that has died, or was ended."""
        for number, (whose, beat) in self._submissions.beats().items():
            if whose == worker and self._submissions.take_back(number, worker, beat, blame=not self._stop.is_set()):
                self._tell("agent", number)

    def _watch(self) -> None:
        while not self._stop.wait(self._settings.limits.lease_seconds / BEATS_PER_LEASE):
            with suppress(ArenaError):
                for number in self.overdue():
                    self._tell("agent", number)

    def overdue(self) -> list[int]:
        """Take back what nobody has given a sign of for a lease; return it. A worker of another server, which has gone
        with it, was not brought down by the agent."""
        beats = self._submissions.beats()
        now = time.monotonic()
        self._seen = {
            number: seen
            if (seen := self._seen.get(number)) is not None and seen[:2] == (worker, beat)
            else (worker, beat, now)
            for number, (worker, beat) in beats.items()
        }
        silent = [
            (number, worker, beat)
            for number, (worker, beat, since) in self._seen.items()
            if now - since > self._settings.limits.lease_seconds
        ]
        return [
            number
            for number, worker, beat in silent
            if self._submissions.take_back(number, worker, beat, blame=worker.startswith(self._own))
        ]


def work(pipe: Connection, settings: ServerSettings, name: str) -> None:
    """What an evaluating process does, until it is ended."""
    import scipy.stats  # noqa: F401  # takes seconds, and is needed for standings with the database locked

    with Scoreboard.open(settings.database) as board:
        submissions = Submissions(board, Clock(), settings)
        while True:
            try:
                job = submissions.claim(name)
            except ArenaError as error:
                log.warning("The queue can't be read now: %s", error)
                job = None
            if job is None:
                time.sleep(LOOK_SECONDS)
                continue
            pipe.send(("agent", job.id))
            evaluate(job, board, submissions, settings, lambda kind, what: pipe.send((kind, what)))


def evaluate(
    job: SubmissionJob, board: Scoreboard, submissions: Submissions, settings: ServerSettings, tell: Tell
) -> None:
    """Admit an agent, play the hidden seeds, book every game; say how it ended."""
    with _beating(job, submissions, settings.limits.lease_seconds / BEATS_PER_LEASE):
        try:
            state, reason = _evaluated(job, board, submissions, settings, tell)
        except ArenaError as error:
            state, reason = FAILED, f"The evaluation can't go on: {error}"
        except Exception:
            log.exception("Evaluation of agent %d", job.id)
            state, reason = FAILED, "The evaluation broke down; the organizers find the reason in the server's log."
    if state:
        submissions.end(job, state, reason)
    tell("agent", job.id)


def _evaluated(
    job: SubmissionJob, board: Scoreboard, submissions: Submissions, settings: ServerSettings, tell: Tell
) -> tuple[str, str]:
    try:
        admit(job.path, job.rules)
    except AgentError as error:
        return REJECTED, str(error).removeprefix(f"{job.path}: ")
    seeds = evaluation_seeds(evaluation_secret(settings.event.folder), job.rules, job.planned)
    scores, failed = [], 0
    for recording in play(job.path, job.name, job.rules, seeds):
        new = _publish(board, recording, settings)
        scores.append(recording.score)
        failed += recording.end is End.FAILED
        if not submissions.beat(job, len(scores)):
            return "", ""  # somebody else has it now
        if new is not None:
            tell("result", new)
        tell("agent", job.id)
    forfeits = f", {failed} of them forfeited" if failed else ""
    mean = sum(scores) / len(scores)
    return DONE, f"{len(scores)} games on hidden seeds{forfeits}: mean {mean:,.1f}, best {max(scores):,}."


def _publish(board: Scoreboard, recording: Recording, settings: ServerSettings) -> str | None:
    """Put a game that this server has played itself on the scoreboard; return its recording's hash if it is new."""
    path = save(recording, settings.event.recordings)
    result = result_of(recording, path)
    with board.writing() as session:
        new = board.add_within(session, result)
        if new:
            _prove(session, result.recording_sha256, opening_of(recording))
    return result.recording_sha256 if new else None


def _prove(session: Session, recording_sha256: str, opening: str) -> None:
    session.merge(
        ProofRow(
            recording_sha256=recording_sha256,
            trust=Trust.WITNESSED.value,
            reason="played by the server itself, on seeds that nobody knew",
            source="evaluation",
            ticket=None,
            hidden_seed=True,
            opening=opening,
        )
    )


@contextmanager
def _beating(job: SubmissionJob, submissions: Submissions, every: float) -> Iterator[None]:
    """Give signs of life while the block runs."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(every):
            with suppress(ArenaError):  # the next sign may come through
                submissions.beat(job)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
