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
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from agents.player import BatchPlayer, Player, PlayerQuit
from envs.environment import ArenaEnv, ale_seed_of
from envs.errors import ArenaError, IllegalAction
from envs.rules import Rules
from envs.step import End, Step
from recordings.recorder import Recorder
from recordings.recording import Pacing, RecordedPlayer, Recording
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
        self.decider: object = player.bot if isinstance(player, BatchPlayer) else self
        """Lanes with the same one are asked together."""
        self.seed = 0
        self.step: Step | None = None
        self.answer: Any = None
        """What the player wants to do next; checked by the environment."""
        self.leaves: End | None = None
        """QUIT or FAILED from when the player doesn't go on."""

    def begin(self) -> bool:
        """Start the next seed's episode; False when there are no more."""
        for seed in self.seeds:
            self.seed = seed
            self.step = self.env.start(seed)
            self.leaves = None
            try:
                self.player.reset(seed=player_seed(seed), action_set=self.env.rules.action_set)
            except PLAYER_ERRORS as error:
                self.leaves = _ends(self.player, error)
            return True
        self.step = None
        return False

    def advance(self, index: int) -> Turn:
        """Emulate a frame, or end the episode of a player that left or answered with an illegal action."""
        assert self.step is not None
        if self.leaves is None:
            try:
                self.step = self.env.advance(self.answer)
                return Turn(index, self.seed, self.answer, self.step)
            except IllegalAction as error:
                self.leaves = _ends(self.player, error)
        self.step = self.step.ended(self.leaves)
        return Turn(index, self.seed, None, self.step)


PLAYER_ERRORS = (Exception, SystemExit)
"""What a player's code may raise and only its own games end. Ctrl-C is not among them."""


def _ends(player: Player, error: BaseException) -> End:
    """Return how the episode of a player that raised `error` ends."""
    if isinstance(error, PlayerQuit):
        return End.QUIT
    traceback = None if isinstance(error, ArenaError) else error
    log.warning("%s forfeits: %s", player.info.name, error, exc_info=traceback)
    return End.FAILED


def player_seed(seed: int) -> int:
    """Return the seed for the player's own draws. The episode's seed fixes it, and is found from it only by trying
    all seeds: quickly done for practice seeds, hopeless for those of a final."""
    return int.from_bytes(hashlib.sha256(f"arena player {seed}".encode()).digest()[:8]) >> 1


class Match:
    """Several players play the same seeds under the same rules, seed by seed, side by side.

    Args:
        rules: what is played.
        seeds: the environment seeds, in order.
        players: one or more; each plays every seed.

    Raises:
        UnknownGame, RomError, RulesError: see `ArenaEnv`.
        SeedError: one of the seeds can't be used; said now rather than when its turn comes.
    """

    def __init__(self, rules: Rules, seeds: Sequence[int], players: Sequence[Player]) -> None:
        for seed in seeds:
            ale_seed_of(seed)
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

    A player that raises `PlayerQuit` ends its episode as QUIT; one that raises anything else (Ctrl-C excepted), or
    returns what is not an action of the action set, as FAILED. The others play on.
    """
    running: list[tuple[int, Lane]] = []
    resting = list(enumerate(lanes))
    groups: list[list[Lane]] = []
    frame = 0
    while running or resting:
        if resting and frame % RESTART_FRAMES == 0:
            started = [(index, lane) for index, lane in resting if lane.begin()]
            for index, lane in started:
                yield Turn(index, lane.seed, None, _seen(lane))
            running = sorted(running + started, key=itemgetter(0))
            resting = []
            groups = _groups([lane for _, lane in running])
        frame += 1
        for group in groups:
            _ask(group)
        over = False
        for index, lane in running:
            turn = lane.advance(index)
            yield turn
            over = over or turn.step.end is not None
        if over:
            resting += [(index, lane) for index, lane in running if _seen(lane).end is not None]
            running = [(index, lane) for index, lane in running if _seen(lane).end is None]
            groups = _groups([lane for _, lane in running])


def _groups(lanes: list[Lane]) -> list[list[Lane]]:
    """Return who is asked together: the lanes of one bot, and every other lane for itself."""
    groups: dict[int, list[Lane]] = {}
    for lane in lanes:
        if lane.leaves is None:
            groups.setdefault(id(lane.decider), []).append(lane)
    return list(groups.values())


def _ask(group: list[Lane]) -> None:
    """Ask the players of a group for their next actions."""
    first = group[0]
    try:
        if len(group) == 1:
            first.answer = first.player.act(_seen(first))
            return
        assert isinstance(first.player, BatchPlayer)
        answers = first.player.act_many([lane.player for lane in group], [_seen(lane) for lane in group])
        for lane, answer in zip(group, answers, strict=True):
            lane.answer = answer
    except PLAYER_ERRORS as error:
        end = _ends(first.player, error)
        for lane in group:
            lane.leaves = end


def _seen(lane: Lane) -> Step:
    assert lane.step is not None
    return lane.step


class RecordingObserver:
    """Makes a recording of every episode and hands it on when the episode ends.

    Args:
        rules: the rules being played.
        players: the lanes' players, in order.
        sink: called with each finished recording; only when it returns, the journal is removed.
        journals: folder in which running episodes grow on disk; None keeps them in memory.
        pacing: how evenly a lane's game has run, for games that somebody played by the clock.
    """

    def __init__(
        self,
        rules: Rules,
        players: Sequence[Player],
        sink: Callable[[Recording], None],
        journals: Path | None = None,
        pacing: Callable[[int], Pacing | None] = lambda lane: None,
    ) -> None:
        self._rules = rules
        self._players = [recorded_player(player) for player in players]
        self._sink = sink
        self._journals = journals
        self._pacing = pacing
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
            self._sink(recorder.recording(step, self._pacing(lane)))
            recorder.discard_journal()
            self._recorders[lane] = None

    def close(self) -> None:
        """Leave the journals of the episodes that were broken off for `arena.engine.recover`: what was played
        counts."""
        for recorder in self._recorders:
            if recorder is not None:
                recorder.close_journal()
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
