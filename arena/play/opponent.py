"""Who plays beside a person: nobody, a recording's ghost, or an agent in a process of its own.

An agent's thinking must never delay the person's frame. So its process has an emulator of its own, which follows the
game frame by frame: it is told which action was passed to the emulator here, emulates the same frame (the same seed, so
the same draws), asks the agent, and sends back the action for the next one. What has not come when the frame is due is
not waited for: the agent's last action is held, and counted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, Protocol

from agents.load import SCRIPT_PREFIX, find_agent_file, load_player
from agents.player import Player, PlayerFailed, PlayerInfo, PlayerQuit
from agents.replay import ReplayPlayer
from arena.engine.evaluate import PLAIN, Handling, load
from arena.engine.match import player_seed
from arena.processes.workers import workers
from envs.environment import ArenaEnv
from envs.errors import AgentError, ArenaError, RecordingError, tidy
from envs.games import NOOP, find_game
from envs.rules import Rules
from envs.step import Step
from recordings.recording import Recording

LOAD_SECONDS = 120
"""How long an agent may take to load."""
FOLLOWING_FRAMES = 30
"""Frames that may be on their way to the agent's process unanswered. Further ones wait here: a pipe that is full would
stop the game."""
GIVE_UP_FRAMES = 600
"""Frames without any answer after which the agent is given up: ten seconds."""
CATCH_UP_SECONDS = 10
"""How long one answer is waited for once nobody is kept waiting by it."""
POLITE = 2
"""How much the agent's process stands back behind the person's, as `nice` counts."""


class Opponent(Protocol):
    """Who plays in the second half of the window."""

    @property
    def player(self) -> Player | None:
        """Plays in the match engine; None if nobody does."""

    @property
    def held_frames(self) -> int:
        """Frames of the running game for which the last action was held."""

    def begin(self, rules: Rules, seed: int) -> None:
        """Begin to get ready for one game; doesn't wait.

        Raises:
            ArenaError: this game can't be played.
        """

    def ready(self) -> bool:
        """Whether its first decision is there, or will never come."""

    def patient(self) -> None:
        """From now on nobody is kept waiting: decide every frame."""


class Nobody:
    """For a person alone."""

    player = None
    held_frames = 0

    def begin(self, rules: Rules, seed: int) -> None:
        pass

    def ready(self) -> bool:
        return True

    def patient(self) -> None:
        pass


NOBODY = Nobody()


class GhostOpponent:
    """Plays what a recording says."""

    held_frames = 0

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.player = ReplayPlayer(recording.player.name, recording.actions)

    def begin(self, rules: Rules, seed: int) -> None:
        """Check that the recording is of this very game.

        Raises:
            RecordingError: it is of another one.
        """
        recorded = self.recording
        if recorded.rules != rules or recorded.seed != seed:
            raise RecordingError(
                f"A ghost plays the seed and the rules of its recording: {recorded.rules.game}, rules "
                f"{recorded.rules.label}, seed {recorded.seed}; asked for were {rules.game}, rules {rules.label}, "
                f"seed {seed}."
            )

    def ready(self) -> bool:
        return True

    def patient(self) -> None:
        pass


class RemotePlayer:
    """An agent whose process decides while the game goes on here.

    Args:
        info: who it is.
        pipe: to the process; it has said that it is ready.
    """

    def __init__(self, info: PlayerInfo, pipe: Connection) -> None:
        self.info = info
        self.held_frames = 0
        self._pipe = pipe
        self._wait: float = 0
        """Seconds that `act` may wait for an answer."""
        self._answered = -1
        """The frame that the newest answer is for."""
        self._action = NOOP
        self._sent = 0
        """Frames that the process was told of."""
        self._told = bytearray()
        """Actions passed to the emulator that the process hasn't been told of."""
        self._awaited = 0
        """Games that the process was told to begin and has not begun yet. Until there are none, what comes belongs to a
        game before."""
        self._leaves: PlayerFailed | PlayerQuit | None = None
        """Why it doesn't go on with this game."""

    def begin(self, seed: int) -> None:
        """Let the process begin the game of `seed`.

        Raises:
            AgentError: the process has died.
        """
        self.held_frames = self._sent = 0
        self._answered = -1
        self._action = NOOP
        self._told.clear()
        self._wait = 0
        self._leaves = None
        self._awaited += 1
        with _dying(self.info.name, AgentError):
            self._hear()
            self._pipe.send(seed)

    def ready(self) -> bool:
        """Whether its first decision is there, or will never come. The first one may take longer than others."""
        try:
            self._hear()
        except (EOFError, OSError):
            return True  # `act` says it
        return self._answered >= 0 or self._leaves is not None

    def patient(self) -> None:
        self._wait = CATCH_UP_SECONDS

    def reset(self, *, seed: int, action_set: tuple[int, ...]) -> None:
        """The process resets the agent itself."""

    def act(self, step: Step) -> int:
        with _dying(self.info.name, PlayerFailed):
            self._hear()
            while self._wait and self._answered < step.t and self._leaves is None:
                if not self._pipe.poll(self._wait):
                    raise PlayerFailed(f"{self.info.name} has not answered for {CATCH_UP_SECONDS} seconds.")
                self._hear()
                self._tell()
            if self._leaves is not None:
                raise self._leaves
            if self._answered < step.t:
                self.held_frames += 1
                if step.t - self._answered > GIVE_UP_FRAMES:
                    raise PlayerFailed(f"{self.info.name} has not answered for {GIVE_UP_FRAMES} frames.")
            self._told.append(self._action)  # what the emulator here is about to do
            self._tell()
        return self._action

    def close(self) -> None:
        """The process ends with the block of `open_opponent`."""

    def _tell(self) -> None:
        room = FOLLOWING_FRAMES - (self._sent - self._answered)
        if self._told and room > 0:
            self._pipe.send(bytes(self._told[:room]))
            self._sent += min(room, len(self._told))
            del self._told[:room]

    def _hear(self) -> None:
        while self._pipe.poll():
            came: Any = self._pipe.recv()
            if came == "begun":
                self._awaited -= 1
            elif self._awaited:
                continue
            elif isinstance(came, ArenaError):
                self._leaves = PlayerFailed(str(came))
            elif came is None:
                self._leaves = PlayerQuit()
            else:
                self._answered, self._action = came


class RemoteOpponent:
    """An agent in a process of its own; `open_opponent` makes it."""

    def __init__(self, player: RemotePlayer, rules: Rules) -> None:
        self.player = player
        self._rules = rules

    @property
    def info(self) -> PlayerInfo:
        return self.player.info

    @property
    def held_frames(self) -> int:
        return self.player.held_frames

    def begin(self, rules: Rules, seed: int) -> None:
        if rules != self._rules:
            raise AgentError(f"{self.info.name} was opened for {self._rules.game}, rules {self._rules.label}.")
        self.player.begin(seed)

    def ready(self) -> bool:
        return self.player.ready()

    def patient(self) -> None:
        self.player.patient()


@contextmanager
def open_opponent(
    agent: str, rules: Rules, *, handling: Handling = PLAIN, name: str | None = None
) -> Iterator[RemoteOpponent]:
    """Load `agent` into a process of its own, wait until it is ready, and end the process afterwards.

    Args:
        agent: as `arena.engine.evaluate.load` takes it.
        rules: what will be played.
        handling: how it is run; files of other people in the sandbox.
        name: what it is called; None for the name in its file.

    Raises:
        AgentError: there is no such agent, it can't play this game, or its process has died.
    """
    check_agent(agent, rules)
    with workers(_work, [(agent, rules, handling)]) as (pipe,):
        with _dying(agent, AgentError):
            if not pipe.poll(LOAD_SECONDS):
                raise AgentError(f"{agent} has not loaded in {LOAD_SECONDS} seconds; try it with arena evaluate first.")
            came = pipe.recv()
        if isinstance(came, BaseException):
            raise came
        info = came if name is None else replace(came, name=name)
        yield RemoteOpponent(RemotePlayer(info, pipe), rules)


def check_agent(agent: str, rules: Rules) -> None:
    """Say at once, without loading it, if there is no such agent.

    Raises:
        AgentError: there is none.
    """
    if agent.startswith(SCRIPT_PREFIX):
        load_player(agent, find_game(rules.game)).close()
    else:
        find_agent_file(agent)


@contextmanager
def _dying(name: str, error: type[ArenaError]) -> Iterator[None]:
    """Turn the end of the process into a sentence."""
    try:
        yield
    except (EOFError, OSError):
        raise error(f"The process of {name} has died: too little memory, or the agent crashed it.") from None


# -- in the agent's process --------------------------------------------------------------------------------------------


def _work(pipe: Connection, agent: str, rules: Rules, handling: Handling) -> None:
    """What the agent's process does, until it is ended."""
    if hasattr(os, "nice"):
        os.nice(POLITE)
    os.environ["OMP_NUM_THREADS"] = "1"  # a second thread would take the core on which the person plays
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    try:
        with closing(load(agent, find_game(rules.game), handling)) as player:
            env = ArenaEnv(rules, obs_type="ram")
            pipe.send(player.info)
            with suppress(EOFError):
                seed = pipe.recv()
                while True:
                    seed = _follow(pipe, env, player, seed)
    except ArenaError as error:
        pipe.send(error)


def _follow(pipe: Connection, env: ArenaEnv, player: Player, seed: int) -> int:
    """Follow the game of `seed` and decide, until another seed comes; return that one."""
    step = env.start(seed)
    pipe.send("begun")
    on = _asked(pipe, lambda: player.reset(seed=player_seed(seed), action_set=env.rules.action_set))
    on = on and _asked(pipe, partial(_decide, pipe, player, step))
    while True:
        came = pipe.recv()
        if isinstance(came, int):
            return came
        for action in came:
            if on:
                step = env.advance(action)
                on = step.end is None and _asked(pipe, partial(_decide, pipe, player, step))


def _decide(pipe: Connection, player: Player, step: Step) -> None:
    pipe.send((step.t, player.act(step)))


def _asked(pipe: Connection, ask: Callable[[], object]) -> bool:
    """Let the agent do something; say it to the other side and return False if it can't or won't."""
    try:
        ask()
    except PlayerQuit:
        pipe.send(None)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        raise
    except ArenaError as error:
        pipe.send(PlayerFailed(str(error)))
    except (Exception, SystemExit) as error:  # whatever an agent's code may raise
        pipe.send(PlayerFailed(f"{type(error).__name__}: {tidy(error)}"))
    else:
        return True
    return False
