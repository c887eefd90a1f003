"""Recordings and journals on disk."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from envs.errors import EventError, RecordingError
from envs.rules import named_rules
from recordings.codec import encode, read
from recordings.recording import RecordedPlayer, Recording
from recordings.storage import (
    FLUSH_FRAMES,
    FileJournal,
    Header,
    header_of,
    left_behind,
    read_journal,
    save,
    saved_with,
    write_atomically,
)

posix_only = pytest.mark.skipif(os.name == "nt", reason="needs POSIX")


@pytest.fixture
def header() -> Header:
    return Header(named_rules("breakout"), 5, RecordedPlayer(name="Ada", kind="human"), datetime.now(UTC))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# -- recordings ------------------------------------------------------------------------------------------------------


def test_save(recording: Recording, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    path = save(recording, folder)
    assert path.name.startswith("breakout-5min-s1-ada-")
    assert path.name.endswith(".arena.zip")
    assert read(path) == recording
    assert save(recording, folder) == path
    assert names(folder) == [path.name]


@pytest.mark.parametrize("name", ["../../x", "a/b", "C:\\x", "李小龍", "..", "con", "*?", "x" * 32, "a\u0301b"])
def test_no_name_leaves_the_folder(recording: Recording, tmp_path: Path, name: str) -> None:
    hostile = recording.model_copy(update={"player": RecordedPlayer(name=name, kind="human")})
    folder = tmp_path / "recordings"
    path = save(hostile, folder)
    assert path.parent == folder
    assert names(tmp_path) == ["recordings"]
    assert path.name.isascii()
    assert not set(path.name) & set('/\\:*?"<>| ')


def test_saved_with(recording: Recording, truncated: Recording, tmp_path: Path) -> None:
    assert saved_with(header_of(recording), tmp_path) is None
    assert saved_with(header_of(recording), tmp_path / "nowhere") is None
    path = save(recording, tmp_path)
    save(truncated, tmp_path)
    (tmp_path / f"{path.name[:-30]}-broken.arena.zip").write_bytes(b"x")
    assert saved_with(header_of(recording), tmp_path) == path
    later = recording.model_copy(update={"started_at": datetime.now(UTC)})
    assert saved_with(header_of(later), tmp_path) is None


def test_a_file_in_the_folders_place(recording: Recording, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EventError, match=r"can't be written \(.*\); free some space or choose another folder"):
        save(recording, tmp_path / "file")


@posix_only
def test_a_folder_that_may_not_be_written() -> None:
    with pytest.raises(EventError, match="can't be written"):
        write_atomically(Path("/proc/arena"), b"x")


def test_a_broken_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with pytest.raises(TypeError):
        write_atomically(path, "not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


# -- journals --------------------------------------------------------------------------------------------------------


def test_a_journal_grows_and_goes(header: Header, tmp_path: Path) -> None:
    journal = FileJournal(tmp_path, header)
    assert read_journal(journal.path.read_bytes()) == (header, b"")
    for block in (b"\x00" * FLUSH_FRAMES, bytearray(b"\x01\n\x03"), b"\x04"):
        journal.append(block)
        assert journal.path.read_bytes().endswith(block)
    assert read_journal(journal.path.read_bytes()) == (header, b"\x00" * FLUSH_FRAMES + b"\x01\n\x03\x04")
    journal.discard()
    journal.discard()
    assert names(tmp_path) == []


def test_a_journal_is_locked_while_its_writer_lives(header: Header, tmp_path: Path) -> None:
    journal = FileJournal(tmp_path, header)
    with left_behind(journal.path) as content:
        assert content is None
    code = (
        "import sys, pathlib\nfrom recordings.storage import left_behind\n"
        "with left_behind(pathlib.Path(sys.argv[1])) as content: print(content is None)"
    )
    for closed in (False, True):
        if closed:
            journal.close()
        done = subprocess.run([sys.executable, "-c", code, journal.path], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == str(not closed)
    with left_behind(journal.path) as content, left_behind(journal.path) as second:
        assert content == journal.path.read_bytes()
        assert second is None, "one recovery at a time"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"{}",
        b"{}\n",
        b"null\n\x00\x01",
        b"[" * 100_000 + b"\n",
        b"\xff\xfe\n",
        b"\x00" * 5000,
        b'{"rules": {}, "seed": 1, "player": {}, "started_at": ""}\n',
    ],
    ids=lambda content: repr(content[:20]),
)
def test_a_journal_without_a_header(content: bytes) -> None:
    with pytest.raises(RecordingError, match="The journal has no readable header") as caught:
        read_journal(content)
    assert len(str(caught.value)) < 400


def test_a_header_cut_anywhere(header: Header, tmp_path: Path) -> None:
    journal = FileJournal(tmp_path, header)
    journal.close()
    content = journal.path.read_bytes()
    for length in range(len(content)):
        with pytest.raises(RecordingError):
            read_journal(content[:length])
    data = json.loads(content)
    for key in data:
        with pytest.raises(RecordingError):
            read_journal(json.dumps({k: v for k, v in data.items() if k != key}).encode() + b"\n")


def test_a_journal_where_no_file_can_be(header: Header, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EventError, match="can't be written"):
        FileJournal(tmp_path / "file", header)


# -- a full disk -----------------------------------------------------------------------------------------------------

FULL = """
import resource, sys
from contextlib import closing
from pathlib import Path
from envs.errors import EventError
from recordings.codec import read
from recordings.storage import FileJournal, header_of, save, write_atomically

recording, folder, limit = read(Path(sys.argv[1])), Path(sys.argv[2]), int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

def journal() -> None:
    with closing(FileJournal(folder, header_of(recording))) as open_journal:
        open_journal.append(bytes(limit + 1))


for write in (lambda: save(recording, folder), lambda: write_atomically(folder / "other", bytes(limit + 1)), journal):
    try:
        write()
    except EventError as error:
        print(error)
"""


@posix_only
@pytest.mark.parametrize("limit", [1, 100, 1000])
def test_a_full_disk(recording: Recording, tmp_path: Path, limit: int) -> None:
    """The largest size of a file, which every user can set for himself, fails as a full disk does."""
    source, folder = tmp_path / "source.arena.zip", tmp_path / "folder"
    source.write_bytes(encode(recording))
    folder.mkdir()
    command = [sys.executable, "-W", "error", "-c", FULL, source, folder, str(limit)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stderr == ""
    sentences = done.stdout.splitlines()
    assert len(sentences) == 3
    assert all(f"can't be written ({os.strerror(errno.EFBIG)})" in sentence for sentence in sentences)
    left = names(folder)
    assert len(left) == (limit == 1000), left  # where the header fitted, the journal stays
    for name in left:
        assert read_journal((folder / name).read_bytes())[0] == header_of(recording)
