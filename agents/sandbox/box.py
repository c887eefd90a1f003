"""The arena's side of the sandbox: one agent's process, and the conversation with it."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import mmap
import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from agents.player import PlayerFailed
from agents.sandbox.isolation import IsolationBackend, environment, python_command
from agents.sandbox.limits import SandboxLimits
from agents.sandbox.payload import Payload
from agents.sandbox.protocol import (
    ACT,
    DONE,
    ERROR,
    GO,
    GRAYSCALE,
    MESSAGE_BYTES,
    PICTURE,
    READY,
    RESET,
    RESET_FORMAT,
    SCORE,
    SCREEN,
    SLOT,
    SLOTS,
    SOUND,
)
from envs.errors import tidy
from envs.step import Step

REMEMBERED = 4
"""A picture that an agent looked at this many frames ago is sent along unasked: most decide every fourth frame."""

_numbers = itertools.count(os.getpid() * 64)


class Box:
    """A running process with an agent in it.

    Raises:
        PlayerFailed: the process didn't start, or the agent can't be loaded; the message says why.
    """

    def __init__(self, payload: Payload, backend: IsolationBackend, limits: SandboxLimits, threads: int) -> None:
        self._limits = limits
        self._cpu = limits.cpu
        self._looked = [[0] * REMEMBERED for _ in range(SLOTS)]
        self._errors = os.memfd_create("errors")
        memory = _shared_memory(SLOTS * SLOT.itemsize)
        content = _readonly(payload.content)
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._map = mmap.mmap(memory, SLOTS * SLOT.itemsize)
        self._records: Any = np.frombuffer(self._map, SLOT)
        lock = backend.settings(next(_numbers) % 400_000_000)
        lock |= {"memory": limits.memory, "address": limits.address, "cpu": self._cpu}
        job: dict[str, Any] = {"kind": payload.kind, "name": payload.name, "game": payload.game, "lock": lock}
        job |= {"memory": memory, "line": theirs.fileno(), "content": content}
        try:
            self._process = subprocess.Popen(
                backend.command(python_command(json.dumps(job))),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                env=environment(threads),
                pass_fds=(memory, theirs.fileno(), content),
                start_new_session=True,
            )
        except OSError as error:
            self._line.close()
            raise PlayerFailed(f"The sandbox can't be started ({error.strerror}).") from None
        finally:
            theirs.close()
            os.close(memory)
            os.close(content)
        try:
            self.ready = _read_ready(self._answer(time.monotonic() + limits.start, "was not ready", expected=READY))
        except BaseException:
            self.close()
            raise

    # -- games -------------------------------------------------------------------------------------------------------

    def allow_a_game(self) -> None:
        """Let the process use the processor for one game more."""
        self._cpu += self._limits.cpu
        for pid in (self._process.pid, *_descendants(self._process.pid)):
            with contextlib.suppress(OSError, ValueError):
                soft, hard = resource.prlimit(pid, resource.RLIMIT_CPU)
                if soft != resource.RLIM_INFINITY:  # bubblewrap's own processes have no limit
                    resource.prlimit(pid, resource.RLIMIT_CPU, (self._cpu, hard))

    def reset(self, slot: int, seed: int, action_set: tuple[int, ...]) -> None:
        """Begin an episode in `slot`.

        Raises:
            PlayerFailed: the agent raised, or broke down.
        """
        self._looked[slot] = [0] * REMEMBERED
        self._say(RESET_FORMAT.pack(RESET, slot, seed) + bytes(action_set))
        self._answer(time.monotonic() + self._limits.decision, "gave no answer to a new game")

    def act(self, slots: Sequence[int], steps: Sequence[Step]) -> list[int]:
        """Return what the agent decides for `steps` in `slots`.

        Raises:
            PlayerFailed: the agent raised, gave no answer in time, or broke down.
        """
        records = self._records
        for slot, step in zip(slots, steps, strict=True):
            record = records[slot]
            record["t"], record["lives"], record["reward"] = step.t, step.lives, step.reward
            record["sent"] = record["used"] = 0
            likely = self._looked[slot][step.t % REMEMBERED]
            for which in (GRAYSCALE, SCREEN, SOUND):
                if likely & which:
                    _draw(record, step, which)
        self._say(ACT + bytes(slots))
        by_slot = dict(zip(slots, steps, strict=True))
        deadline = time.monotonic() + self._limits.decision
        while True:
            asked = self._answer(deadline, "gave no decision", expected=DONE + PICTURE)
            if not asked:
                break
            slot, which = asked[0], asked[1] if len(asked) == 2 else 0
            if slot not in by_slot or which not in (GRAYSCALE, SCREEN, SOUND):
                self.kill()
                raise PlayerFailed("The agent's process asks for what there isn't.")
            _draw(records[slot], by_slot[slot], which)
            self._say(GO)
        for slot, step in by_slot.items():
            self._looked[slot][step.t % REMEMBERED] = int(records[slot]["used"])
        return [int(records[slot]["action"]) for slot in slots]

    def score(self, observations: Sequence[np.ndarray], actions: int) -> np.ndarray:
        """Return what the network answers, float32 (n, actions), for 1 to `SLOTS` observations, uint8 (stack, 84, 84).
        No number of it can be relied on.

        Raises:
            PlayerFailed: it gave no answer in time, or broke down.
        """
        records = self._records
        for place, observation in zip(records["observation"], observations, strict=False):
            place[: len(observation)] = observation
        self._say(SCORE + bytes((len(observations),)))
        self._answer(time.monotonic() + self._limits.decision, "gave no decision")
        scores: np.ndarray = records["scores"][: len(observations), :actions].copy()
        return scores

    # -- the process -------------------------------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        """Whether it can be asked; a process that broke down once is never asked again."""
        return self._line.fileno() >= 0

    def kill(self) -> None:
        """End the process and all that it started, at once. May be called more than once."""
        if not self.alive:
            return
        self._line.close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End the process and let go of everything."""
        self.kill()
        if self._errors >= 0:
            os.close(self._errors)
            self._errors = -1

    def _say(self, message: bytes) -> None:
        with contextlib.suppress(OSError):  # a dead process is noticed when its answer is waited for
            self._line.send(message)

    def _answer(self, deadline: float, late: str, expected: bytes = DONE) -> bytes:
        """Return the next message without its first byte, which is one of `expected`. Who always has one more to send
        must stop at the deadline, too."""
        try:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._line.settimeout(left)
            message = self._line.recv(MESSAGE_BYTES)
        except TimeoutError:
            self.kill()
            limit = self._limits.start if expected == READY else self._limits.decision
            raise PlayerFailed(f"The agent {late} within {limit:g} s; its process was ended.") from None
        except OSError:
            message = b""
        if message[:1] == ERROR:
            raise PlayerFailed(f"The agent failed: {tidy(message[1:].decode('utf-8', 'replace'))}")
        if not message or message[:1] not in expected:
            raise PlayerFailed(self._broke_down())
        return message[1:] if message[:1] != PICTURE else message[1:3] or b"\xff"

    def _broke_down(self) -> str:
        """End what is left of the process; return what is known of why."""
        self._line.close()
        try:
            code = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
            code = self._process.wait()
        code = 128 - code if code < 0 else code  # bubblewrap says 128 + signal for its child
        said = os.pread(self._errors, 4096, max(0, os.fstat(self._errors).st_size - 4096)).decode("utf-8", "replace")
        last = tidy(said.strip().rsplit("\n", 1)[-1])
        if code == 128 + signal.SIGXCPU:
            return "The agent's process has used up its processor time and was ended."
        how = f"was killed by signal {code - 128} ({_signal_name(code - 128)})" if code > 128 else f"ended with {code}"
        return f"The agent's process {how}" + (f": {last}" if last else ".")


def _read_ready(message: bytes) -> dict[str, Any]:
    try:
        said = json.loads(message)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise PlayerFailed("The agent's process says what can't be read.")
    return said


def _draw(record: Any, step: Step, which: int) -> None:
    """Put a picture into a slot."""
    if which == SOUND:
        record["sound"][:] = step.sound()
    else:
        picture = step.grayscale() if which == GRAYSCALE else step.screen()
        record["height"], record["width"] = picture.shape[:2]
        record["grayscale" if which == GRAYSCALE else "screen"][: picture.size] = picture.reshape(-1)
    record["sent"] |= which


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError, ValueError):
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            children = [int(word) for word in file.read().split()]
        for child in children:
            found += [child, *_descendants(child)]
    return found


def _shared_memory(size: int) -> int:
    """Return a descriptor of memory that neither side can shrink: whoever reads beyond its end is ended by a signal."""
    descriptor = os.memfd_create("slots", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    os.ftruncate(descriptor, size)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    return descriptor


def _readonly(content: bytes) -> int:
    """Return a descriptor of memory with `content`, which nobody can change any more."""
    descriptor = os.memfd_create("agent", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(content)
    fcntl.fcntl(
        descriptor,
        fcntl.F_ADD_SEALS,
        fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL,
    )
    return descriptor


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
