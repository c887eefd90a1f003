"""Kill -9 at any moment, and a full disk: what was finished is there, what was begun is recovered."""

from __future__ import annotations

import os
import random
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.player import PlayerQuit
from arena.engine.evaluate import play_seeds
from arena.engine.match import Match, RecordingObserver, observed
from arena.engine.recover import ASIDE_SUFFIX, STALE_SECONDS, recover
from arena.engine.verify import verify, verify_files
from envs.errors import EventError, RomError
from envs.rules import named_rules
from envs.step import End
from recordings.codec import SUFFIX, encode, read
from recordings.recorder import Recorder
from recordings.recording import RecordedPlayer, Recording
from recordings.storage import FLUSH_FRAMES, TEMPORARY_PREFIX, FileJournal, Header, header_of, save
from tests.doubles import Dice, Says

ROOT = Path(__file__).parents[3]
RULES = named_rules("breakout").varied(max_frames=1000)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kill -9 and file locks as POSIX has them")


@contextmanager
def python(script: Path, code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process that runs `code`, and has said "ready"."""
    script.write_text(code)
    with subprocess.Popen(
        [sys.executable, "-W", "error", script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.part"))


def recordings(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{SUFFIX}"))


def journal_of(recording: Recording, folder: Path, actions: bytes) -> FileJournal:
    """An open journal, as the episode of `recording` would have written it."""
    journal = FileJournal(folder, header_of(recording))
    journal.append(actions)
    return journal


# -- kill -9 during matches ------------------------------------------------------------------------------------------

PLAYS = """
import mmap, sys
from pathlib import Path
from arena.engine.match import Match, RecordingObserver, observed
from envs.rules import named_rules
from recordings.storage import save
from tests.doubles import Dice

folder, progress, first = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
rules = named_rules("ms_pacman").varied(max_frames=1000)
players = [Dice("Ada")]

def keep(recording):
    save(recording, folder)
    print(recording.seed, file=seen, flush=True)

observer = RecordingObserver(rules, players, keep, folder)
with progress.open("r+b") as file, Path(sys.argv[4]).open("a") as seen, mmap.mmap(file.fileno(), 0) as shared:
    print("ready", flush=True)
    for turn in observed(Match(rules, range(first, first + 100), players).play(), observer):
        shared[:] = turn.seed.to_bytes(8, "little") + turn.step.t.to_bytes(8, "little")
"""


def test_kill_9_during_matches(tmp_path: Path) -> None:
    folder, progress, log = tmp_path / "recordings", tmp_path / "progress", tmp_path / "log"
    folder.mkdir()
    rng = random.Random(1)
    lost, recovered = [], []
    first = 0
    for _ in range(15):
        progress.write_bytes(bytes(16))
        with python(tmp_path / "plays.py", PLAYS, folder, progress, first, log) as process:
            target = rng.randrange(1, 800)  # a frame, not a moment: loading a game takes longer than playing it
            while struct.unpack("<QQ", progress.read_bytes())[1] < target:
                time.sleep(0.001)
                assert process.poll() is None
            process.send_signal(signal.SIGKILL)
            process.wait()
        paths = recover(folder)
        assert parts(folder) == []
        assert list(folder.glob(f"*{ASIDE_SUFFIX}")) == []
        assert recover(folder) == []
        recovered += paths
        seed, t = struct.unpack("<QQ", progress.read_bytes())
        (running,) = [recording for recording in map(read, recordings(folder)) if recording.seed == seed]
        lost.append(t - running.frames)
        first = seed + 2  # the next seed may have begun
    assert len(recovered) >= 10, "most kills hit a running game"
    # The journal may be one frame ahead of what the process has noted of its progress.
    assert all(-1 <= frames <= FLUSH_FRAMES for frames in lost), lost
    results = list(verify_files(recordings(folder), 1))
    assert all(outcome.ok for _, _, outcome in results)
    kept = {recording.seed for _, recording, _ in results if recording is not None}
    assert len(kept) == len(results), "no game is there twice"
    assert {int(line) for line in log.read_text().splitlines()} <= kept, "whatever was finished is there"
    ends = {recording.end for _, recording, _ in results if recording is not None}
    assert End.QUIT in ends
    for path in folder.glob(f"{TEMPORARY_PREFIX}*"):  # a kill in the middle of saving leaves one
        os.utime(path, (0, 0))
    recover(folder)
    assert {path.suffix for path in folder.iterdir()} == {".zip"}


# -- recovery --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def played() -> Recording:
    (recording,) = play_seeds(Dice("Zoë 2"), RULES, [1])
    assert recording.end is End.TERMINATED
    return recording


@pytest.mark.parametrize("frames", [0, 1, 59, 60, 601])
def test_a_journal_becomes_a_recording(played: Recording, frames: int, tmp_path: Path) -> None:
    journal_of(played, tmp_path, played.actions[:frames]).close()
    (path,) = recover(tmp_path)
    recording = read(path)
    assert (recording.end, recording.frames, recording.actions) == (End.QUIT, frames, played.actions[:frames])
    assert header_of(recording) == header_of(played), "the player, and the time when it began, are those of the game"
    assert verify(recording).ok
    assert list(tmp_path.iterdir()) == [path]


def test_a_journal_that_holds_the_whole_game(played: Recording, tmp_path: Path) -> None:
    """Killed between the last frame and the recording: nothing is missing."""
    journal_of(played, tmp_path, played.actions).close()
    (path,) = recover(tmp_path)
    assert path.read_bytes() == encode(played)


def test_killed_between_the_recording_and_the_journals_end(played: Recording, tmp_path: Path) -> None:
    """The game is there already, whatever of its end the journal knows."""
    for recording in (played, played.model_copy(update={"end": End.FAILED})):
        path = save(recording, tmp_path)
        for frames in (len(played.actions), 600, 0):
            journal_of(played, tmp_path, played.actions[:frames]).close()
            assert recover(tmp_path) == []
            assert list(tmp_path.iterdir()) == [path]
        path.unlink()


def test_the_same_player_and_seed_at_another_time_is_another_game(played: Recording, tmp_path: Path) -> None:
    earlier = save(played, tmp_path)
    again = played.model_copy(update={"started_at": datetime.now(UTC)})
    journal_of(again, tmp_path, played.actions[:70]).close()
    (path,) = recover(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([earlier, path])


def test_a_journal_that_somebody_writes_is_left_alone(played: Recording, tmp_path: Path) -> None:
    mine = journal_of(played, tmp_path, bytes(10))
    assert recover(tmp_path) == []
    mine.append(bytes(10))
    assert mine.path.read_bytes().endswith(bytes(20))
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom recordings.codec import read\n"
        "from recordings.storage import FileJournal, header_of\n"
        "journal = FileJournal(Path(sys.argv[2]), header_of(read(Path(sys.argv[1]))))\njournal.append(bytes(5))\n"
        "print('ready', flush=True)\ntime.sleep(600)"
    )
    source = save(played, tmp_path / "source")
    with python(tmp_path / "writes.py", code, source, tmp_path) as process:
        assert len(parts(tmp_path)) == 2
        assert recover(tmp_path) == []
        assert len(parts(tmp_path)) == 2
        process.kill()
        process.wait()
        (path,) = recover(tmp_path)
        assert read(path).frames == 5
    assert parts(tmp_path) == [mine.path]
    mine.discard()


def test_a_game_that_is_going_on_is_left_alone(tmp_path: Path) -> None:
    players = [Dice()]
    done: list[Recording] = []
    with closing(RecordingObserver(RULES, players, done.append, tmp_path)) as observer:
        for turn in observed(Match(RULES, [1], players).play(), observer):
            if turn.step.t % 100 == 50:
                assert recover(tmp_path) == []
    assert (len(done), list(tmp_path.iterdir())) == (1, [])


def test_a_match_that_was_broken_off(tmp_path: Path) -> None:
    """Ctrl-C: not one frame is lost."""
    players = [Dice("A"), Dice("B")]
    turns = observed(Match(RULES, [1], players).play(), observer := RecordingObserver(RULES, players, print, tmp_path))
    frames = [0, 0]
    for turn in turns:
        frames[turn.lane] = turn.step.t
        if turn.step.t == 277:
            break
    observer.close()
    assert sorted(read(path).frames for path in recover(tmp_path)) == sorted(frames) == [276, 277]


GARBAGE = {
    "empty line": b"\n",
    "no header": b"\x00" * 5000,
    "half a header": b'{"rules": {"action_set": [0, 1',
    "not JSON": b"hello\nworld",
    "deep": b"[" * 100_000 + b"\n",
    "null": b"null\n\x00",
}


@pytest.mark.parametrize("garbage", GARBAGE)
def test_what_cannot_be_read_is_kept_aside(
    garbage: str, played: Recording, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bad = tmp_path / "breakout-x.part"
    bad.write_bytes(GARBAGE[garbage])
    journal_of(played, tmp_path, played.actions[:30]).close()
    (path,) = recover(tmp_path)
    aside = tmp_path / f"breakout-x.part{ASIDE_SUFFIX}"
    assert sorted(tmp_path.iterdir()) == sorted([aside, path])
    assert aside.read_bytes() == GARBAGE[garbage]
    (record,) = caplog.records
    assert record.getMessage().startswith(
        f"The journal breakout-x.part can't be recovered and is kept as {aside.name}: "
    )
    assert record.getMessage().isprintable()
    assert len(record.getMessage()) < 500
    assert recover(tmp_path) == []
    assert aside.exists()


def edited(recording: Recording, folder: Path, before: bytes, after: bytes, actions: bytes = b"") -> Path:
    journal = journal_of(recording, folder, actions)
    journal.close()
    content = journal.path.read_bytes()
    assert before in content
    journal.path.write_bytes(content.replace(before, after, 1))
    return journal.path


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (b'"seed": 1', b'"seed": -3', "A seed must be a whole number"),
        (b'"seed": 1', b'"seed": "3"', "A seed must be a whole number"),
        (b'"breakout"', b'"brakout"', "no game called 'brakout'"),
        (b'"breakout"', b'"break_out"', "Rules name a game by its ROM"),
        (b'"mode": 0', b'"mode": 200', "breakout has no mode 200"),
        (b"+00:00", b"", "started_at must be UTC"),
        (b"Zo\\u00eb 2", b"\\u202e", "invisible or direction-changing"),
        (b'"sticky"', b'"stiky"', "'stiky' is not a rule"),
    ],
)
def test_a_header_that_means_nothing(
    before: bytes, after: bytes, reason: str, played: Recording, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = edited(played, tmp_path, before, after)
    assert recover(tmp_path) == []
    assert [file.name for file in tmp_path.iterdir()] == [path.name + ASIDE_SUFFIX]
    assert reason in caplog.text


@pytest.mark.parametrize(
    ("actions", "reason"),
    [(b"\x00\x02\x00", "or it was written over"), (b"\xff", "written over"), (b"PLAYED+", r"its game was over after")],
)
def test_actions_that_were_never_played(
    actions: bytes, reason: str, played: Recording, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal_of(played, tmp_path, actions.replace(b"PLAYED", played.actions).replace(b"+", b"\x00" * 5)).close()
    assert recover(tmp_path) == []
    assert len(list(tmp_path.glob(f"*{ASIDE_SUFFIX}"))) == 1
    assert reason in caplog.text


def test_a_missing_rom_is_not_the_journals_fault(
    played: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal_of(played, tmp_path, played.actions[:30]).close()
    with monkeypatch.context() as here:
        here.setenv("ALE_ROMS_DIR", str(tmp_path))
        with pytest.raises(RomError):
            recover(tmp_path)
    assert len(parts(tmp_path)) == 1
    assert len(recover(tmp_path)) == 1


def test_stale_files(tmp_path: Path) -> None:
    """Temporary files, and journals that were never begun, go when they are old; until then somebody may be writing."""
    fresh = [tmp_path / f"{TEMPORARY_PREFIX}a", tmp_path / "b.part"]
    old = [tmp_path / f"{TEMPORARY_PREFIX}c", tmp_path / "d.part"]
    other = tmp_path / "notes.txt"
    for path in (*fresh, *old, other):
        path.write_bytes(b"")
        if path not in fresh:
            then = time.time() - STALE_SECONDS - 5
            os.utime(path, (then, then))
    assert recover(tmp_path) == []
    assert sorted(tmp_path.iterdir()) == sorted([*fresh, other])


def test_nothing_to_do(tmp_path: Path) -> None:
    assert recover(tmp_path) == []
    assert recover(tmp_path / "nowhere") == []


def test_a_journal_that_may_not_be_opened(tmp_path: Path) -> None:
    (tmp_path / "a.part").mkdir()
    with pytest.raises(EventError, match="can't be tidied up"):
        recover(tmp_path)


RECOVERS = """
import sys
from pathlib import Path
from arena.engine.recover import recover
print("ready", flush=True)
recover(Path(sys.argv[1]))
"""


def test_kill_9_during_recovery(played: Recording, tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "one", tmp_path / "other"
    for n in range(6):
        game = played.model_copy(update={"player": RecordedPlayer(name=f"Player {n}", kind="human")})
        for place in (folder, elsewhere):
            journal_of(game, place, played.actions[: 100 * n]).close()
    expected = {path.name: path.read_bytes() for path in recover(elsewhere)}
    assert len(expected) == 6
    rng = random.Random(2)
    for _ in range(4):
        with python(tmp_path / "recovers.py", RECOVERS, folder) as process:
            time.sleep(rng.uniform(0, 0.5))
            process.kill()
    recover(folder)
    assert {path.name: path.read_bytes() for path in recordings(folder)} == expected
    assert parts(folder) == []


def test_two_recoveries_at_once(played: Recording, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    for n in range(6):
        game = played.model_copy(update={"player": RecordedPlayer(name=f"Player {n}", kind="human")})
        journal_of(game, folder, played.actions[:50]).close()
    with python(tmp_path / "recovers.py", RECOVERS, folder) as process:
        recover(folder)
        _, errors = process.communicate(timeout=300)
        assert (process.returncode, errors) == (0, "")
    assert len(recordings(folder)) == 6
    assert len(list(folder.iterdir())) == 6


# -- a full disk -----------------------------------------------------------------------------------------------------

FILLS = """
import resource, sys
from contextlib import closing
from pathlib import Path
from arena.engine.match import Match, RecordingObserver, observed
from envs.errors import EventError
from envs.rules import named_rules
from recordings.storage import save
from tests.doubles import Dice

folder, limit = Path(sys.argv[1]), int(sys.argv[2])
rules = named_rules("breakout").varied(max_frames=1000)
players = [Dice("Ada"), Dice("Bob")]
print("ready", flush=True)
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
with closing(RecordingObserver(rules, players, lambda recording: save(recording, folder), folder)) as observer:
    try:
        for turn in observed(Match(rules, range(100), players).play(), observer):
            pass
    except EventError as error:
        print(error)
"""


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A file system of 24 kB where we may mount one; else a folder, and a limit on the size of files."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24k", "arena-test", folder]
    if sys.platform == "linux" and os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0:
        yield folder, 0
        subprocess.run(["umount", folder], check=True)
    else:
        yield folder, 1_500


def test_a_full_disk(tiny_disk: tuple[Path, int], tmp_path: Path) -> None:
    folder, limit = tiny_disk
    with python(tmp_path / "fills.py", FILLS, folder, limit) as process:
        said, errors = process.communicate(timeout=300)
    assert errors == ""
    (sentence,) = said.splitlines()
    assert "can't be written (" in sentence
    assert sentence.endswith("free some space or choose another folder.")
    assert list(folder.glob(f"{TEMPORARY_PREFIX}*")) == []
    whole = recordings(folder)
    broken_off = parts(folder)
    assert sorted(folder.iterdir()) == sorted([*whole, *broken_off]), "no leftovers"
    assert 1 <= len(broken_off) <= 2
    assert all(outcome.ok for _, _, outcome in verify_files(whole, 1))
    if not limit:
        with pytest.raises(EventError, match="No space left on device"):
            recover(folder)
        assert parts(folder) == broken_off
        subprocess.run(["mount", "-o", "remount,size=1m", folder], check=True)
    recovered = recover(folder)
    assert len(recovered) == len(broken_off)
    assert all(outcome.ok for _, _, outcome in verify_files(recovered, 1))
    assert parts(folder) == []


def test_a_recorder_may_always_be_closed(played: Recording, tmp_path: Path) -> None:
    """Also when its journal was taken away."""
    recorder = Recorder(header_of(played), journal := FileJournal(tmp_path, header_of(played)))
    journal.path.unlink()
    recorder.close_journal()
    recorder.discard_journal()


def test_a_left_game_needs_no_recovery(tmp_path: Path) -> None:
    players = [Says(0, PlayerQuit())]
    done: list[Recording] = []
    with closing(RecordingObserver(RULES, players, done.append, tmp_path)) as observer:
        list(observed(Match(RULES, [1], players).play(), observer))
    assert [recording.end for recording in done] == [End.QUIT]
    assert recover(tmp_path) == []


def test_headers_of_people(tmp_path: Path) -> None:
    header = Header(RULES, 2**53 - 1, RecordedPlayer(name="李小龍 🥋", kind="human"), datetime(2026, 7, 1, tzinfo=UTC))
    FileJournal(tmp_path, header).close()
    (path,) = recover(tmp_path)
    recording = read(path)
    assert header_of(recording) == header
    assert (recording.frames, recording.end, recording.pacing) == (0, End.QUIT, None)


def test_working_processes_end_with_a_killed_parent() -> None:
    """Else they would wait for work for ever, and keep their memory."""
    script = (
        "import time; from arena.processes.workers import begin_work; from multiprocessing import get_context\n"
        "from concurrent.futures import ProcessPoolExecutor; import os\n"
        "if __name__ == '__main__':\n"
        "    pool = ProcessPoolExecutor(1, get_context('spawn'), begin_work)\n"
        "    print(pool.submit(os.getpid).result(), flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(200):
        if not _is_running(worker):
            return
        time.sleep(0.05)
    pytest.fail("the worker outlived its parent by ten seconds")


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A process that nobody has waited for yet is over all the same.
    return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
