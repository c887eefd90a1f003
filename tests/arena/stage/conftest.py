"""A small tournament that was really played, and the show of it on a window that nobody sees."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from arena.event.folder import Event, open_event
from arena.scoreboard.store import Scoreboard
from arena.ui.window import Stage, open_stage
from tests.arena.stage.evening import PEOPLE, Evening, Opens, begin, finish


@pytest.fixture(scope="session")
def _played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    event = open_event(tmp_path_factory.mktemp("stage") / "event", "The last evening")
    (event.folder / "kiosk.toml").write_text('exit_code = "1234"\nurl = "http://10.0.0.1:8000"\n')
    with Scoreboard.open(event.database) as board:
        for name, format, people, n in (
            ("duel", "duel", ("Mia",), 2),
            ("cup", "knockout", tuple(PEOPLE), 1),
            ("battle", "team battle", tuple(PEOPLE), 2),
        ):
            finish(begin(event, board, name, format, people, n))
    return event.folder


@pytest.fixture
def event(_played: Path, tmp_path: Path) -> Event:
    """An event with a duel, a knockout and a team battle, all over."""
    return open_event(Path(shutil.copytree(_played, tmp_path / "event")))


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stage]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    monkeypatch.setenv("ARENA_CONFIG", str(tmp_path / "config"))
    with open_stage("Arena", size=(640, 480)) as stage:
        yield stage


@pytest.fixture
def opened(stage: Stage) -> Iterator[Opens]:
    """Begins shows; they are closed at the end."""
    open_ones: list[Evening] = []

    def make(event: Event, name: str | None = None) -> Evening:
        open_ones.append(Evening(event, stage, name))
        return open_ones[-1]

    yield make
    for one in open_ones:
        with closing(one):
            pass
