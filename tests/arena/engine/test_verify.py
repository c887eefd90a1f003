"""A score counts only after a replay. Whatever was changed is refused, with the place where it shows."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import threading
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest

from agents.player import PlayerQuit
from arena.engine.env_pool import borrowed
from arena.engine.evaluate import play_seeds
from arena.engine.verify import Verification, verify, verify_file, verify_files
from envs.environment import ale_seed_of
from envs.errors import EventError, RomError, RulesError, UnknownGame
from envs.games import GAMES, find_game
from envs.roms import rom_path
from envs.rules import named_rules
from envs.step import End
from recordings.codec import encode
from recordings.digest import EpisodeDigest
from recordings.recording import Recording
from recordings.storage import save
from tests.doubles import Dice, Says

LENGTH = 1400


@pytest.fixture(scope="module")
def played() -> Recording:
    """1,400 frames of Ms. Pac-Man: two checkpoints, and some frames after them."""
    (recording,) = play_seeds(Dice(), named_rules("ms_pacman").varied(max_frames=LENGTH), [1])
    assert (recording.end, len(recording.checkpoints)) == (End.TRUNCATED, 2)
    assert recording.score > 0
    return recording


@pytest.fixture(scope="module")
def whole() -> Recording:
    """A game of Breakout to its end."""
    (recording,) = play_seeds(Dice(), named_rules("breakout"), [1])
    assert recording.end is End.TERMINATED
    return recording


def changed(recording: Recording, **changes: Any) -> Recording:
    """A recording that agrees with itself in all but what is changed: made anew, so that its own checks are passed."""
    return Recording.model_validate(dict(recording) | changes)


def refused(recording: Recording) -> Verification:
    outcome = verify(recording)
    assert not outcome.ok
    return outcome


def with_other_actions(recording: Recording, begin: int, end: int | None = None) -> Recording:
    """Some of the actions exchanged for others of the action set."""
    codes = recording.rules.action_set
    actions = bytearray(recording.actions)
    end = begin + 30 if end is None else end
    actions[begin:end] = bytes(codes[(codes.index(code) + 1) % len(codes)] for code in actions[begin:end])
    return changed(recording, actions=bytes(actions))


# -- good ones -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("game", GAMES)
def test_what_was_played_verifies(game: str) -> None:
    (recording,) = play_seeds(Dice(), named_rules(game).varied(max_frames=650), [3])
    outcome = verify(recording)
    assert outcome == Verification(True, "replayed bit for bit", recording.score, recording.frames)
    assert verify(recording) == outcome


def test_other_games_and_rules_verify() -> None:
    for rules in (
        named_rules("pong").varied(max_frames=100),
        named_rules("breakout").varied(max_frames=100, sticky=0.0),
        named_rules("breakout").varied(max_frames=100, sticky=1.0),
        named_rules("breakout").varied(max_frames=100, mode=4, difficulty=1, action_set=tuple(range(18))),
    ):
        (recording,) = play_seeds(Dice(), rules, [3])
        assert verify(recording).ok


def test_a_game_left_at_once() -> None:
    (recording,) = play_seeds(Says(PlayerQuit()), named_rules("breakout"), [1])
    assert (recording.frames, recording.end, recording.checkpoints) == (0, End.QUIT, ())
    assert recording.digest == hashlib.sha256().hexdigest()
    assert verify(recording) == Verification(True, "replayed bit for bit", 0, 0)
    assert verify(changed(recording, end=End.FAILED)).ok
    assert refused(changed(recording, end=End.TERMINATED)).reason == "the game ended as quit, not terminated"
    assert "the score is 0, not 5" in refused(changed(recording, score=5)).reason


@pytest.mark.parametrize("frames", [599, 600, 601, 1200])
def test_games_that_end_around_a_checkpoint(played: Recording, frames: int) -> None:
    (recording,) = play_seeds(Dice(), played.rules.varied(max_frames=frames), [1])
    assert len(recording.checkpoints) == frames // 600
    assert verify(recording).ok
    outcome = refused(changed(recording, digest="0" * 64))
    assert outcome.mismatch_frame == frames


# -- changed ones ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("begin", "first", "last", "seconds"),
    [(330, 1, 600, "0-10"), (700, 601, 1200, "10-20"), (1250, 1201, 1400, "20-23")],
)
def test_other_actions(played: Recording, begin: int, first: int, last: int, seconds: str) -> None:
    outcome = refused(with_other_actions(played, begin, begin + 60))
    assert outcome.reason == f"the replay differs between frames {first} and {last} ({seconds} s)"
    assert outcome.mismatch_frame == last
    assert outcome.frames == LENGTH


def test_actions_without_effect() -> None:
    """The digest is over what the console did. While Pac-Man's tune plays it hardly reads the stick: such actions can
    be exchanged, and game, score and digest stay what they were. Who counts games must count digests, not files."""
    (recording,) = play_seeds(Dice(), named_rules("pacman").varied(max_frames=600), [1])
    other = with_other_actions(recording, 330, 390)
    assert other.actions != recording.actions
    assert verify(other).ok


def test_another_seed(played: Recording) -> None:
    outcome = refused(changed(played, seed=2, ale_seed=ale_seed_of(2)))
    assert outcome.reason.startswith("the replay differs between frames 1 and 600")


def test_a_digest_or_checkpoint_that_was_not_computed(played: Recording) -> None:
    outcome = refused(changed(played, digest=played.digest[::-1]))
    assert outcome.mismatch_frame == 1400, "the last frames: all checkpoints are right"
    first, second = played.checkpoints
    for checkpoints, frame in (((second, second), 600), ((first, first), 1200), ((second, first), 600)):
        outcome = refused(changed(played, checkpoints=checkpoints))
        assert outcome.mismatch_frame == frame


def test_another_score(played: Recording) -> None:
    for score in (played.score + 1, 0, -played.score, 2**53 - 1):
        outcome = refused(changed(played, score=score))
        assert outcome.reason == f"the score is {played.score}, not {score}"
        assert outcome.score == played.score


def test_another_end(played: Recording, whole: Recording) -> None:
    for end in (End.QUIT, End.FAILED, End.TERMINATED):
        assert refused(changed(played, end=end)).reason == f"the game ended as truncated, not {end}"
    for end in (End.QUIT, End.FAILED):
        assert refused(changed(whole, end=end)).reason == f"the game ended as terminated, not {end}"


def cut(recording: Recording, frames: int, end: End) -> Recording:
    """The first frames of a recording, with the right digest and score for them: how would a cheat stop while ahead?"""
    (shorter,) = play_seeds(Says(*recording.actions[:frames], PlayerQuit()), recording.rules, [recording.seed])
    return changed(shorter, end=end)


def test_a_game_that_was_cut_short(whole: Recording) -> None:
    assert verify(cut(whole, whole.frames - 1, End.QUIT)).ok, "to leave is allowed, and says so"
    outcome = refused(cut(whole, whole.frames - 1, End.TERMINATED))
    assert outcome.reason == "the game ended as quit, not terminated"


@pytest.mark.parametrize("more", [1, 700])
def test_more_actions_than_the_game_has_frames(whole: Recording, more: int) -> None:
    frames = whole.frames + more
    points = (*whole.checkpoints, *(["0" * 64] * (frames // 600 - len(whole.checkpoints))))
    longer = changed(whole, actions=whole.actions + bytes(more), frames=frames, checkpoints=points)
    outcome = refused(longer)
    assert outcome.reason == f"the game was over after {whole.frames} of {frames} frames"
    assert outcome.frames == whole.frames


def test_another_course_that_also_ends_early_names_where_it_left(whole: Recording) -> None:
    """Not only that the game was over: the first difference is what helps."""
    still = changed(whole, actions=bytes(100) + whole.actions[100:])
    assert refused(still).mismatch_frame == 600


def test_a_forgery_with_everything_made_to_fit(played: Recording) -> None:
    """Somebody edits the RAM's hash along with the score: the emulator alone decides."""
    digest = EpisodeDigest()
    with borrowed(played.rules, 1) as (env,):
        env.start(played.seed + 1)  # another game, hashed rightly
        for action in played.actions:
            digest.add(env.advance(action))
    forged = changed(played, digest=digest.hexdigest(), checkpoints=tuple(digest.checkpoints), score=played.score + 500)
    assert refused(forged).mismatch_frame == 600


def test_other_rules_than_were_played(played: Recording) -> None:
    assert refused(changed(played, rules=played.rules.varied(sticky=0.0))).mismatch_frame == 600
    longer = changed(played, rules=named_rules("ms_pacman"), end=End.QUIT)
    assert verify(longer).ok, "the same frames, left under longer rules: another rules_id, and so another scoreboard"
    assert longer.rules.rules_id != played.rules.rules_id


def test_the_version_of_ale_py_is_told_where_it_may_be_the_reason(played: Recording) -> None:
    outcome = refused(changed(with_other_actions(played, 330), ale_py="0.9.9"))
    assert outcome.reason.endswith("it was recorded with ale-py 0.9.9, here runs 0.12.1")
    assert verify(changed(played, ale_py="0.9.9")).ok


def test_rules_that_cannot_be_played_here(played: Recording, tmp_path: Path) -> None:
    for rules, error in (
        (played.rules.varied(game="no_such_game"), UnknownGame),
        (played.rules.varied(game="mspacman"), RulesError),
        (played.rules.varied(game="pong"), RomError),
        (played.rules.varied(rom_sha256="0" * 64), RomError),
        (played.rules.varied(mode=99), RulesError),
    ):
        foreign = changed(played, rules=rules)
        with pytest.raises(error):
            verify(foreign)
        path = save(foreign, tmp_path)
        recording, outcome = verify_file(path)
        assert recording == foreign
        assert not outcome.ok
        assert outcome.score is None


# -- files -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(played: Recording, tmp_path: Path) -> list[Path]:
    """Good and bad files, mixed."""
    short = cut(played, 30, End.QUIT)
    paths = [
        save(short, tmp_path),
        save(changed(short, score=7), tmp_path),
        tmp_path / "cut.arena.zip",
        tmp_path / "nowhere.arena.zip",
        save(changed(short, end=End.FAILED), tmp_path),
    ]
    paths[2].write_bytes(encode(short)[:-5])
    return paths


@pytest.mark.parametrize("processes", [1, 2])
def test_many_files_in_their_order(folder: list[Path], processes: int) -> None:
    results = list(verify_files(folder, processes))
    assert [path for path, _, _ in results] == folder
    assert [outcome.ok for _, _, outcome in results] == [True, False, False, False, True]
    assert [recording is not None for _, recording, _ in results] == [True, True, False, False, True]
    reasons = [outcome.reason for _, _, outcome in results]
    assert reasons[1] == "the score is 0, not 7"
    assert reasons[2].startswith("This is not a whole recording")
    assert reasons[3].startswith("can't be read (No such file")


def test_no_files() -> None:
    assert list(verify_files([])) == []
    assert list(verify_files([], 2)) == []


def test_who_has_seen_enough_may_stop(folder: list[Path]) -> None:
    with closing(cast("Any", verify_files(folder * 20, 2))) as results:
        assert next(results)[2].ok


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
@pytest.mark.parametrize("killed", [1, 2])
def test_a_process_that_dies_is_reported(folder: list[Path], killed: int) -> None:
    results = verify_files(folder * 100, 2)
    next(results)
    for process in multiprocessing.active_children()[:killed]:
        os.kill(process.pid or 0, signal.SIGKILL)
    with pytest.raises(EventError, match="A verifying process has died"):
        list(results)
    assert multiprocessing.active_children() == []


def test_many_files_over_more_processes_than_files(folder: list[Path]) -> None:
    assert [outcome.ok for _, _, outcome in verify_files(folder[:2], 5)] == [True, False]


def test_verification_in_several_threads(played: Recording, whole: Recording) -> None:
    """A server does that; each must have an emulator of its own."""
    outcomes: list[bool] = []

    def work(recording: Recording) -> None:
        outcomes.extend(verify(recording).ok for _ in range(2))

    threads = [threading.Thread(target=work, args=(recording,)) for recording in (played, played, whole, played)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [True] * 8


def test_emulators_are_lent_to_one_at_a_time(played: Recording) -> None:
    with borrowed(played.rules, 2) as first, borrowed(played.rules, 2) as second:
        assert len({id(env) for env in (*first, *second)}) == 4
        kept = [*first, *second]
    with borrowed(played.rules, 3) as again:
        assert all(any(env is one for one in kept) for env in again)
    with borrowed(played.rules.varied(max_frames=5), 1) as (other,):
        assert other.rules.max_frames == 5


def test_the_rom_is_checked_again(played: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert verify(played).ok
    content = bytearray(rom_path(find_game("ms_pacman")).read_bytes())
    content[0] ^= 1
    (tmp_path / "ms_pacman.bin").write_bytes(content)
    monkeypatch.setenv("ALE_ROMS_DIR", str(tmp_path))
    with pytest.raises(RomError, match=r"not the known ROM of Ms\. Pac-Man"):
        verify(played)
