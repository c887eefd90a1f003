"""The match engine: lanes, misbehaving players, batches, and the recordings that come of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.player import BatchPlayer, Player, PlayerFailed, PlayerQuit
from agents.replay import ReplayPlayer
from arena.engine.env_pool import borrowed
from arena.engine.evaluate import play_seeds
from arena.engine.match import RESTART_FRAMES, Lane, Match, RecordingObserver, Turn, observed, play_lanes, player_seed
from arena.engine.verify import verify
from envs.environment import RAM_BYTES, ArenaEnv
from envs.errors import SeedError
from envs.rules import named_rules
from envs.step import End
from recordings.recording import Recording
from tests.doubles import Dice, Eyes, Looker, Says, WontStart

RULES = named_rules("breakout").varied(max_frames=80)


def run(players: Sequence[Player], seeds: Sequence[int] = (1,)) -> tuple[list[Turn], list[Recording]]:
    """Let all players play all seeds side by side; return the turns, and the recordings in the order of their ends."""
    recordings: list[Recording] = []
    observer = RecordingObserver(RULES, players, recordings.append)
    with borrowed(RULES, len(players)) as envs:
        lanes = [Lane(env, player, iter(seeds)) for env, player in zip(envs, players, strict=True)]
        return list(observed(play_lanes(lanes), observer)), recordings


def stream(turns: Iterator[Turn], lane: int = 0) -> Iterator[tuple[Any, ...]]:
    """Everything that can be told of each frame of one lane, RAM included."""
    ram = np.zeros(RAM_BYTES, np.uint8)
    for turn in turns:
        if turn.lane == lane:
            turn.step.read_ram(ram)
            yield turn.seed, turn.action, turn.step.t, turn.step.reward, turn.step.lives, turn.step.end, ram.tobytes()


# -- the order of things ---------------------------------------------------------------------------------------------


def test_every_frame_of_every_player_is_seen() -> None:
    recordings: list[Recording] = []
    players = [Dice("A"), Dice("B")]
    observer = RecordingObserver(RULES, players, recordings.append)
    turns = list(observed(Match(RULES, [4, 5], players).play(), observer))
    for lane in (0, 1):
        own = [turn for turn in turns if turn.lane == lane]
        assert [turn.seed for turn in own] == [4] * 81 + [5] * 81
        assert [turn.step.t for turn in own] == [*range(81), *range(81)]
        assert [turn.action is None for turn in own] == [t == 0 for t in (*range(81), *range(81))]
        assert [turn.step.end for turn in own if turn.step.end] == [End.TRUNCATED] * 2
    assert [(r.player.name, r.seed) for r in recordings] == [("A", 4), ("B", 4), ("A", 5), ("B", 5)]
    assert recordings[0].actions == recordings[1].actions, "same seed, same player, same game"
    assert recordings[0].digest == recordings[1].digest
    assert recordings[0].digest != recordings[2].digest
    assert all(verify(recording).ok for recording in recordings)


def test_the_same_match_twice() -> None:
    first, second = (run([Dice()], seeds=[1, 2])[1] for _ in range(2))
    assert [(r.actions, r.digest, r.score) for r in first] == [(r.actions, r.digest, r.score) for r in second]


def test_players_draw_from_a_seed_of_their_own() -> None:
    seeds = {player_seed(seed) for seed in range(100)}
    assert len(seeds) == 100
    assert all(0 <= seed < 2**63 and seed > 100 for seed in seeds)
    assert player_seed(5) == player_seed(5)


def test_bad_seeds_are_named_before_anybody_plays() -> None:
    for bad in (-1, 2**53, 1.5, True, 392603413):
        with pytest.raises(SeedError):
            Match(RULES, [1, bad], [Dice()])
        player = Dice()
        with pytest.raises(SeedError):
            next(play_seeds(player, RULES, [1, bad]))
        assert player.action_set == (), "nobody was asked to play"


def test_lanes_that_end_apart_start_again_together() -> None:
    """So that bots which decide every third or fourth frame stay in step."""
    waiting = (iter([1, 2, 3]), iter([4]))
    players = (Says(*[0] * 30, PlayerQuit()), Dice())
    begins, frames = [], 0
    with borrowed(RULES, 2) as envs:
        for turn in play_lanes([Lane(*lane) for lane in zip(envs, players, waiting, strict=True)]):
            if turn.lane == 1 and turn.action is not None:
                frames += 1
            if turn.step.t == 0:
                begins.append((turn.lane, turn.seed, frames))
    assert begins == [(0, 1, 0), (1, 4, 0), (0, 2, 36), (0, 3, 72)]
    assert RESTART_FRAMES == 12


# -- players that leave or fail --------------------------------------------------------------------------------------


class Awkward:
    """Neither printable, comparable nor hashable."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("don't compare me")

    def __repr__(self) -> str:
        raise RuntimeError("don't print me")


ILLEGAL: list[Any] = [
    2,
    18,
    -1,
    255,
    256,
    None,
    "0",
    1.0,
    True,
    np.int64(0),
    [0],
    np.array([0]),
    End.TERMINATED,
    Awkward(),
]
ERRORS = [ValueError("oh"), RuntimeError(), KeyError("x"), StopIteration(), SystemExit(3), PlayerFailed("gave up")]


@pytest.mark.parametrize("at", [0, 1, 7])
def test_who_leaves_keeps_what_was_played(at: int) -> None:
    turns, (left, stayed) = run([Says(*[0] * at, PlayerQuit()), Dice()])
    assert (left.end, left.frames, left.actions) == (End.QUIT, at, bytes(at))
    last = [turn for turn in turns if turn.lane == 0][-1]
    assert (last.action, last.step.t, last.step.end) == (None, at, End.QUIT)
    assert (stayed.end, stayed.frames) == (End.TRUNCATED, 80)
    assert verify(left).ok
    assert verify(stayed).ok


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_who_raises_forfeits_and_the_others_play_on(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    _, (failed, stayed) = run([Says(0, 0, 0, error, name="Bad"), Dice()])
    assert (failed.end, failed.frames) == (End.FAILED, 3)
    assert (stayed.end, stayed.frames) == (End.TRUNCATED, 80)
    assert [record.getMessage().startswith("Bad forfeits: ") for record in caplog.records] == [True]


@pytest.mark.parametrize("answer", ILLEGAL, ids=lambda answer: type(answer).__name__)
@pytest.mark.parametrize("at", [0, 1])
def test_an_illegal_action_forfeits(answer: Any, at: int) -> None:
    _, (failed, stayed) = run([Says(*[0] * at, answer), Says(*[0] * 3, PlayerQuit())])
    assert (failed.end, failed.frames, failed.actions) == (End.FAILED, at, bytes(at))
    assert (stayed.end, stayed.frames) == (End.QUIT, 3)


@pytest.mark.parametrize("error", [*ERRORS, PlayerQuit()], ids=repr)
def test_who_cannot_reset_forfeits_that_game(error: BaseException) -> None:
    turns, recordings = run([WontStart(error, first=1), Dice()], seeds=[1, 2])
    ends = [(r.player.name, r.seed, r.end, r.frames) for r in recordings]
    lost = End.QUIT if isinstance(error, PlayerQuit) else End.FAILED
    assert sorted(ends) == [
        ("Dice", 1, End.TRUNCATED, 80),
        ("Dice", 2, End.TRUNCATED, 80),
        ("Won't start", 1, End.TRUNCATED, 80),
        ("Won't start", 2, lost, 0),
    ]
    second = [turn for turn in turns if turn.lane == 0 and turn.seed == 2]
    assert [(turn.action, turn.step.t, turn.step.end) for turn in second] == [(None, 0, None), (None, 0, lost)]
    assert all(verify(recording).ok for recording in recordings)


def test_ctrl_c_passes_through() -> None:
    for player in (Says(0, KeyboardInterrupt()), WontStart(KeyboardInterrupt())):
        with pytest.raises(KeyboardInterrupt):
            run([player, Dice()])
    bot = Eyes(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run([Looker(bot), Looker(bot)])


def test_a_failed_player_gets_its_next_game() -> None:
    _, recordings = run([Says(0, 0, ValueError())], seeds=[1, 2, 3])
    assert [(r.seed, r.end, r.frames) for r in recordings] == [(seed, End.FAILED, 2) for seed in (1, 2, 3)]


def test_the_game_may_end_exactly_at_the_limit() -> None:
    (whole,) = play_seeds(Dice(), named_rules("breakout"), [1])
    assert whole.end is End.TERMINATED
    exactly = named_rules("breakout").varied(max_frames=whole.frames)
    (again,) = play_seeds(Dice(), exactly, [1])
    assert (again.end, again.frames, again.digest) == (End.TERMINATED, whole.frames, whole.digest)
    (shorter,) = play_seeds(Dice(), exactly.varied(max_frames=whole.frames - 1), [1])
    assert (shorter.end, shorter.frames) == (End.TRUNCATED, whole.frames - 1)
    assert verify(again).ok
    assert verify(shorter).ok


def test_a_replay_is_a_player() -> None:
    (played,) = play_seeds(Dice(), RULES, [6])
    _, (replayed,) = run([ReplayPlayer("again", played.actions)], seeds=[6])
    assert (replayed.digest, replayed.actions, replayed.end) == (played.digest, played.actions, played.end)
    _, (cut,) = run([ReplayPlayer("cut", played.actions[:50])], seeds=[6])
    assert (cut.end, cut.frames) == (End.QUIT, 50)


# -- bots that decide for many games ---------------------------------------------------------------------------------


def test_one_bot_is_asked_once_for_all_its_games() -> None:
    bot = Eyes()
    assert isinstance(Looker(bot), BatchPlayer)
    run([Looker(bot), Looker(bot), Looker(bot)])
    assert bot.batches == [3] * 80


def test_a_bot_among_others_is_still_asked_once() -> None:
    """A person or a script beside two games of a bot doesn't break up its batch."""
    bot = Eyes()
    run([Looker(bot), Dice(), Looker(bot)])
    assert bot.batches == [2] * 80


def test_two_bots_of_one_kind_are_never_mixed() -> None:
    """They have the same type and the same network code, but other weights; `Looker` fails if it sees a stranger."""
    one, other = Eyes(), Eyes()
    _, recordings = run([Looker(one, "One"), Looker(other, "Other"), Looker(one, "One again")])
    assert {recording.end for recording in recordings} == {End.TRUNCATED}
    assert one.batches == [2] * 80
    assert other.batches == [1] * 80


def test_a_batch_that_raises_forfeits_its_games_only() -> None:
    bot, other = Eyes(ValueError("no memory")), Eyes()
    _, recordings = run([Looker(bot), Dice(), Looker(bot), Looker(other)])
    assert sorted((r.end, r.frames) for r in recordings) == [
        (End.FAILED, 10),
        (End.FAILED, 10),
        (End.TRUNCATED, 80),
        (End.TRUNCATED, 80),
    ]
    assert all(verify(recording).ok for recording in recordings)


class Miscounts(Looker):
    """Answers for one game more or less than it was asked, or with something that can't be counted."""

    def __init__(self, bot: Eyes, answers: Callable[[int], Any]) -> None:
        super().__init__(bot)
        self.answers = answers

    def act_many(self, players: Sequence[Player], steps: Any) -> Any:
        return self.answers(len(players))


@pytest.mark.parametrize(
    "answers",
    [lambda n: [0] * (n + 1), lambda n: [0] * (n - 1), lambda n: None, lambda n: 0, lambda n: {}, lambda n: [None] * n],
)
def test_a_batch_of_the_wrong_size_forfeits(answers: Callable[[int], Any]) -> None:
    bot = Eyes()
    _, recordings = run([Miscounts(bot, answers), Miscounts(bot, answers), Dice()])
    assert [(r.end, r.frames) for r in recordings] == [(End.FAILED, 0), (End.FAILED, 0), (End.TRUNCATED, 80)]


def test_a_failing_batch_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    bot = Eyes(ValueError("no memory"))
    with caplog.at_level(logging.WARNING):
        run([Looker(bot)] + [Looker(bot) for _ in range(5)])
    assert [record.getMessage() for record in caplog.records] == ["Looker forfeits: no memory"]


# -- one engine ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("game", ["breakout", "space_invaders"])
def test_live_and_batch_are_the_same_stream(game: str) -> None:
    """Frame by frame: a match of one, a lane among several, and a lane that has played other seeds before."""
    rules = named_rules(game).varied(max_frames=300)
    alone = {seed: list(stream(Match(rules, [seed], [Looker(Eyes())]).play())) for seed in (1, 2, 3, 4, 5)}
    bot = Eyes()
    waiting = iter([1, 2, 3, 4, 5])
    lanes = [Lane(ArenaEnv(rules), Looker(bot), waiting) for _ in range(3)]
    together: dict[int, list[Any]] = {seed: [] for seed in alone}
    ram = np.zeros(RAM_BYTES, np.uint8)
    for turn in play_lanes(lanes):
        turn.step.read_ram(ram)
        together[turn.seed].append(
            (turn.seed, turn.action, turn.step.t, turn.step.reward, turn.step.lives, turn.step.end, ram.tobytes())
        )
    assert together == alone
    assert max(bot.batches) == 3


def test_what_watches_changes_nothing() -> None:
    def looks(turn: Turn) -> None:
        turn.step.screen(), turn.step.sound()

    plain = list(stream(Match(RULES, [1], [Dice()]).play()))
    assert list(stream(observed(Match(RULES, [1], [Dice()]).play(), looks))) == plain


def test_two_matches_at_once_in_one_process() -> None:
    """Generators that are advanced in turn share nothing: neither emulators nor players."""
    first, second = play_seeds(Dice(), RULES, [1, 2, 3]), play_seeds(Dice(), RULES, [1, 2, 3])
    mixed = [next(generator) for _ in range(3) for generator in (first, second)]
    alone = list(play_seeds(Dice(), RULES, [1, 2, 3]))
    for i, recording in enumerate(mixed):
        assert recording.digest == alone[i // 2].digest
        assert verify(recording).ok


def test_verification_in_the_middle_of_a_match() -> None:
    (played,) = play_seeds(Dice(), RULES, [9])
    going = play_seeds(Dice(), RULES, [1, 2])
    first = next(going)
    assert verify(played).ok
    assert verify(first).ok
    assert verify(next(going)).ok


# -- what is recorded ------------------------------------------------------------------------------------------------


def test_observers_see_all_and_change_nothing() -> None:
    seen: list[Turn] = []
    turns = list(observed(Match(RULES, [1], [Dice()]).play(), seen.append, lambda turn: None))
    assert seen == turns
    assert len(turns) == 81


def test_a_match_that_is_broken_off_leaves_its_journals(tmp_path: Path) -> None:
    players = [Dice("A"), Dice("B")]
    observer = RecordingObserver(RULES, players, lambda recording: None, tmp_path)
    turns = observed(Match(RULES, [1], players).play(), observer)
    for _ in range(100):
        next(turns)
    observer.close()
    observer.close()
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".part", ".part"]


def test_what_the_sink_refuses_stays_in_the_journal(tmp_path: Path) -> None:
    def full(recording: Recording) -> None:
        raise OSError("disk full")

    players = [Dice()]
    observer = RecordingObserver(RULES, players, full, tmp_path)
    with pytest.raises(OSError, match="disk full"):
        list(observed(Match(RULES, [1], players).play(), observer))
    observer.close()
    (journal,) = tmp_path.iterdir()
    assert journal.read_bytes().partition(b"\n")[2] == next(play_seeds(Dice(), RULES, [1])).actions
