"""The agent's side of the sandbox, in a process that has locked itself in before this was imported: loads the agent and
plays when it is asked."""

from __future__ import annotations

import json
import mmap
import os
from typing import Any

import numpy as np

from agents.player import BatchPlayer, Player
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
from envs.errors import AgentError, StaleStep, tidy
from envs.games import find_game
from envs.step import Step

os.environ["PATH"] = ""
# No program can be started here. Libraries that look for one when they are imported, as torch with CUDA looks for a C
# compiler, then do without; else they would want a folder for temporary files, and there is none.


class Gone(Exception):
    """The arena's side has closed the line."""


class ArenaSocket:
    """The socket to the arena, by its descriptor: the sandbox allows reading and writing and nothing else on it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def say(self, message: bytes) -> None:
        os.write(self._descriptor, message)

    def hear(self) -> bytes:
        message = os.read(self._descriptor, MESSAGE_BYTES)
        if not message:
            raise Gone
        return message


class PlayerSlot:
    """One game: the source of its steps' pictures. The console's memory isn't among them."""

    def __init__(self, number: int, record: np.ndarray, line: ArenaSocket) -> None:
        self._number = number
        self._record = record
        self._line = line
        self._kept: dict[int, np.ndarray] = {}
        self.t = -1

    def step(self) -> Step:
        """Return the step that the arena has put into the slot."""
        record = self._record
        self.t = int(record["t"])
        self._kept = {}
        return Step(self.t, float(record["reward"]), int(record["lives"]), None, self)

    def screen_of(self, step: Step) -> np.ndarray:
        return self._picture(step, SCREEN)

    def grayscale_of(self, step: Step) -> np.ndarray:
        return self._picture(step, GRAYSCALE)

    def sound_of(self, step: Step) -> np.ndarray:
        return self._picture(step, SOUND)

    def read_ram_of(self, step: Step, into: np.ndarray) -> None:
        raise AgentError("In the sandbox an agent sees the picture and hears the sound; the memory isn't shown.")

    def _picture(self, step: Step, which: int) -> np.ndarray:
        if step.t != self.t:
            raise StaleStep(f"The picture of frame {step.t} is gone, the game stands at frame {self.t}.")
        picture = self._kept.get(which)
        if picture is None:
            if not self._record["sent"] & which:
                self._line.say(PICTURE + bytes((self._number, which)))
                self._line.hear()
            self._record["used"] |= which
            picture = self._kept[which] = self._copy(which)
            picture.flags.writeable = False
        return picture

    def _copy(self, which: int) -> np.ndarray:
        record = self._record
        if which == SOUND:
            copied: np.ndarray = record["sound"].copy()
            return copied
        height, width = int(record["height"]), int(record["width"])
        if which == GRAYSCALE:
            return np.array(record["grayscale"][: height * width]).reshape(height, width)
        return np.array(record["screen"][: 3 * height * width]).reshape(height, width, 3)


class Seats:
    """The agent's players, one per slot, made when first needed."""

    def __init__(self, first: Player, records: np.ndarray, line: ArenaSocket) -> None:
        self.first = first
        self._players: dict[int, Player] = {}
        self._slots = [PlayerSlot(number, records[number : number + 1].view(SLOT)[0], line) for number in range(SLOTS)]
        self._records = records

    def reset(self, number: int, seed: int, action_set: tuple[int, ...]) -> None:
        if number not in self._players:
            self._players[number] = self._another() if self._players else self.first
        self._players[number].reset(seed=seed, action_set=action_set)

    def act(self, numbers: bytes) -> None:
        players = [self._players[number] for number in numbers]
        steps = [self._slots[number].step() for number in numbers]
        if len(numbers) == 1:
            answers: Any = [players[0].act(steps[0])]
        else:
            assert isinstance(self.first, BatchPlayer)
            answers = self.first.act_many(players, steps)
        for number, answer in zip(numbers, answers, strict=True):
            if type(answer) is not int or not -(2**31) <= answer < 2**31:
                raise AgentError(f"An action is an int; what came is a {type(answer).__name__}.")
            self._records[number]["action"] = answer

    def score(self, count: int) -> None:
        """Pass the observations in the first slots through the network."""
        assert isinstance(self.first, BatchPlayer)
        bot: Any = self.first.bot
        scores = bot.scores([record["observation"][: bot.spec.stack] for record in self._records[:count]])
        self._records["scores"][:count, : bot.actions] = scores

    def _another(self) -> Player:
        if not isinstance(self.first, BatchPlayer):
            raise AgentError("This agent plays one game at a time.")
        return self.first.another()


def main(job: dict[str, Any]) -> None:
    """Serve until the arena's side closes the line."""
    with mmap.mmap(job["memory"], SLOTS * SLOT.itemsize) as shared:
        records = np.frombuffer(shared, SLOT)
        line = ArenaSocket(job["line"])
        try:
            player = load(job)
        except BaseException as error:
            line.say(_text(error))
            os._exit(0)
        ready = {"name": player.info.name, "batch": isinstance(player, BatchPlayer)}
        line.say(READY + json.dumps(ready).encode()[: MESSAGE_BYTES - 1])
        try:
            _serve(Seats(player, records, line), line)
        except Gone:
            os._exit(0)


def _serve(seats: Seats, line: ArenaSocket) -> None:
    while True:
        message = line.hear()
        try:
            if message[:1] == RESET:
                _, number, seed = RESET_FORMAT.unpack_from(message)
                seats.reset(number, seed, tuple(message[RESET_FORMAT.size :]))
            elif message[:1] == ACT:
                seats.act(message[1:])
            elif message[:1] == SCORE:
                seats.score(message[1])
            elif message[:1] == GO:
                continue  # a picture that nobody waits for any more
            line.say(DONE)
        except Gone:
            raise
        except BaseException as error:  # whatever the agent's code raises; the arena decides what becomes of it
            line.say(_text(error))


def _text(error: BaseException) -> bytes:
    said = tidy(error) if isinstance(error, AgentError) else tidy(f"{type(error).__name__}: {error}")
    return ERROR + said.encode("utf-8", "replace")[: MESSAGE_BYTES - 1]


def load(job: dict[str, Any]) -> Player:
    """Return the player that the job names.

    Raises:
        AgentError: it isn't an agent that can play this game.
    """
    game = find_game(job["game"])
    match job["kind"]:
        case "script":
            from agents.scripts import make_script

            return make_script(job["name"], game)
        case "python":
            from agents.sandbox.python import python_player

            return python_player(os.pread(job["content"], 2**24, 0), job["name"], game)
        case "weights":
            from agents.load import player_of
            from agents.packages import admit_bytes

            content = os.pread(job["content"], os.fstat(job["content"]).st_size, 0)
            return player_of(admit_bytes(content, job["name"], job["name"]), game)
        case kind:
            raise AgentError(f"There is no kind of agent called {kind!r}.")
