"""The event folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from arena.event.folder import event_folder, open_event
from envs.errors import EventError


def test_a_new_folder_is_made_with_its_name(tmp_path: Path) -> None:
    event = open_event(tmp_path / "deep" / "event", 'The "last" evening, é')
    assert event.name == 'The "last" evening, é'
    assert open_event(event.folder, "ignored").name == event.name
    assert [path.name for path in event.folder.iterdir()] == ["event.toml"]
    assert event.database.parent == event.recordings.parent == event.report.parent == event.folder


def test_which_folder_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARENA_EVENT", raising=False)
    assert event_folder(None) == Path("event")
    monkeypatch.setenv("ARENA_EVENT", "")
    assert event_folder(None) == Path("event")
    monkeypatch.setenv("ARENA_EVENT", "elsewhere")
    assert event_folder(None) == Path("elsewhere")
    assert event_folder(Path("chosen")) == Path("chosen")


@pytest.mark.parametrize(
    "content",
    [b"", b"name = 1", b'nmae = "x"', b"name", b'name = "\xff"', b'name = "x"\nseeds = 3', b'[name]\nx = "y"'],
)
def test_settings_that_cant_be_used_are_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "event.toml").write_bytes(content)
    with pytest.raises(EventError, match=r"event\.toml"):
        open_event(tmp_path)
    assert (tmp_path / "event.toml").read_bytes() == content


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "event"):
        with pytest.raises(EventError, match="file"):
            open_event(path)


def test_a_name_that_no_disk_takes(tmp_path: Path) -> None:
    with pytest.raises(EventError, match="can't be used"):
        open_event(tmp_path / ("x" * 300))


def test_settings_that_are_a_folder(tmp_path: Path) -> None:
    (tmp_path / "event.toml").mkdir()
    with pytest.raises(EventError, match="can't be used"):
        open_event(tmp_path)
