"""The match engine: live play, evaluation and verification all run through `play_lanes`.

A lane is one emulator with one player; it plays the seeds that its iterator gives, one after the other. All lanes
advance frame by frame together, and bots that can decide for many games at once are asked once for all of theirs.
The engine is a generator; recorder, statistics, display and live feed only watch the turns it yields.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from agents.player import BatchPlayer, Player, PlayerFailed, PlayerQuit
from envs.environment import ArenaEnv
from envs.errors import IllegalAction
from envs.rules import Rules
from envs.step import End, Step
from recordings.recorder import Recorder
from recordings.recording import RecordedPlayer, Recording
from recordings.storage import FileJournal, Header, Journal, NullJournal

log = logging.getLogger(__name__)


class Turn(NamedTuple):
    """One frame of one lane."""

    lane: int
    """Index of the lane, 0 to n-1."""
    seed: int
    """The environment's seed of the running episode."""
    action: int | None
    """ALE action code that was passed to the emulator; None at t = 0, and where the episode ended without one."""
    step: Step


RESTART_FRAMES = 12
"""A lane starts its next episode only when the engine's frame count is a multiple of this, so that bots which decide
every second, third or fourth frame go on deciding together."""


class Lane:
    """One emulator with one player and the seeds still to be played."""

    def __init__(self, env: ArenaEnv, player: Player, seeds: Iterator[int]) -> None:
        self.env = env
        self.player = player
        self.seeds = seeds
        self.seed = 0
        self.step: Step | None = None

    def turn(self, index: int, action: int | End) -> Turn:
        """Emulate one frame with `action`, or end the episode where it stands if the player gave none."""
        step = self.step
        assert step is not None
        taken: int | None = None
        if isinstance(action, End):
            self.step = step.ended(action)
        else:
            try:
                self.step = self.env.advance(action)
                taken = action
            except IllegalAction as error:
                log.warning("%s forfeits: %s", self.player.info.name, error)
                self.step = step.ended(End.FAILED)
        return Turn(index, self.seed, taken, self.step)

    def begin(self) -> bool:
        """Start the next seed's episode; False when there are no more."""
        for seed in self.seeds:
            self.seed = seed
            self.step = self.env.start(seed)
            self.player.reset(seed=player_seed(seed), action_set=self.env.rules.action_set)
            return True
        self.step = None
        return False


def player_seed(seed: int) -> int:
    """Return the seed for the player's own draws: fixed by the episode's seed, but telling nothing about it."""
    return int.from_bytes(hashlib.sha256(f"arena player {seed}".encode()).digest()[:8]) >> 1


class Match:
    """Several players play the same seeds under the same rules, seed by seed, side by side.

    Args:
        rules: what is played.
        seeds: the environment seeds, in order.
        players: one or more; each plays every seed.

    Raises:
        UnknownGame, RomError, RulesError: see `ArenaEnv`.
    """

    def __init__(self, rules: Rules, seeds: Sequence[int], players: Sequence[Player]) -> None:
        self.rules = rules
        self.seeds = tuple(seeds)
        self.players = tuple(players)
        self._envs = [ArenaEnv(rules, obs_type="ram") for _ in players]

    def play(self) -> Iterator[Turn]:
        """Yield every turn of every episode. Closing the generator early abandons the running episodes."""
        for seed in self.seeds:
            yield from play_lanes(
                [Lane(env, player, iter((seed,))) for env, player in zip(self._envs, self.players, strict=True)]
            )


def play_lanes(lanes: Sequence[Lane]) -> Iterator[Turn]:
    """Run `lanes` to the end of their seeds, yielding every turn: first t = 0 of an episode, then frame by frame.

    A player that raises `PlayerQuit` ends its episode as QUIT; one that raises anything else, or returns an action
    outside the action set, as FAILED. The others play on.
    """
    running: list[tuple[int, Lane]] = []
    resting = list(enumerate(lanes))
    frame = 0
    while running or resting:
        if resting and frame % RESTART_FRAMES == 0:
            started = [(index, lane) for index, lane in resting if lane.begin()]
            for index, lane in started:
                yield _turn(index, lane, None)
            running = sorted(running + started, key=lambda numbered: numbered[0])
            resting = []
        frame += 1
        if not running:
            continue
        actions = _decide([lane for _, lane in running])
        over = False
        for (index, lane), action in zip(running, actions, strict=True):
            turn = lane.turn(index, action)
            yield turn
            over = over or turn.step.end is not None
        if over:
            resting += [numbered for numbered in running if _seen(numbered[1]).end is not None]
            running = [numbered for numbered in running if _seen(numbered[1]).end is None]


def _turn(index: int, lane: Lane, action: int | None) -> Turn:
    assert lane.step is not None
    return Turn(index, lane.seed, action, lane.step)


def _decide(lanes: list[Lane]) -> list[int | End]:
    """Ask every lane's player for its action; bots of one kind that play several lanes are asked once."""
    first = lanes[0].player
    if len(lanes) > 1 and isinstance(first, BatchPlayer) and all(type(lane.player) is type(first) for lane in lanes):
        try:
            return list(first.act_many([lane.player for lane in lanes], [_seen(lane) for lane in lanes]))
        except Exception as error:  # whatever a player's code raises ends its games, never the match
            _report(first, error)
            return [End.FAILED] * len(lanes)
    return [_ask(lane) for lane in lanes]


def _ask(lane: Lane) -> int | End:
    try:
        return lane.player.act(_seen(lane))
    except PlayerQuit:
        return End.QUIT
    except Exception as error:  # as above
        _report(lane.player, error)
        return End.FAILED


def _seen(lane: Lane) -> Step:
    assert lane.step is not None
    return lane.step


def _report(player: Player, error: Exception) -> None:
    expected = isinstance(error, PlayerFailed)
    log.warning("%s forfeits: %s", player.info.name, error, exc_info=None if expected else error)


class RecordingObserver:
    """Makes a recording of every episode and hands it on when the episode ends.

    Args:
        rules: the rules being played.
        players: the lanes' players, in order.
        sink: called with each finished recording; only when it returns, the journal is removed.
        journals: folder in which running episodes grow on disk; None keeps them in memory.
    """

    def __init__(
        self,
        rules: Rules,
        players: Sequence[Player],
        sink: Callable[[Recording], None],
        journals: Path | None = None,
    ) -> None:
        self._rules = rules
        self._players = [recorded_player(player) for player in players]
        self._sink = sink
        self._journals = journals
        self._recorders: list[Recorder | None] = [None] * len(players)

    def __call__(self, turn: Turn) -> None:
        lane, seed, action, step = turn
        recorder = self._recorders[lane]
        if recorder is None:
            header = Header(self._rules, seed, self._players[lane], datetime.now(UTC))
            recorder = self._recorders[lane] = Recorder(header, self._journal(header))
        if action is not None:
            recorder.add(action, step)
        if step.end is not None:
            self._sink(recorder.recording(step))
            recorder.discard_journal()
            self._recorders[lane] = None

    def close(self) -> None:
        """Drop the episodes that are still running, with their journals: who closes early wants none of them."""
        for recorder in self._recorders:
            if recorder is not None:
                recorder.discard_journal()
        self._recorders = [None] * len(self._recorders)

    def _journal(self, header: Header) -> Journal:
        return NullJournal() if self._journals is None else FileJournal(self._journals, header)


def recorded_player(player: Player) -> RecordedPlayer:
    """Return what a recording says about `player`."""
    info = player.info
    return RecordedPlayer(name=info.name, kind=info.kind.value, artifact_sha256=info.artifact_sha256)


def observed(turns: Iterable[Turn], *observers: Callable[[Turn], None]) -> Iterator[Turn]:
    """Yield `turns` as they are, after every observer has seen each."""
    for turn in turns:
        for observe in observers:
            observe(turn)
        yield turn
