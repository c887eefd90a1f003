"""From recordings to the scoreboard."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from agents.load import load_player
from arena.engine.evaluate import play_seeds
from arena.scoreboard.publish import keep, publish, unpublished
from arena.scoreboard.store import Scoreboard
from envs.games import find_game
from envs.rules import named_rules
from recordings.codec import SUFFIX, encode, read
from recordings.recording import Recording


@pytest.fixture(scope="module")
def game() -> Recording:
    player = load_player("script:random", find_game("breakout"))
    (recording,) = play_seeds(player, named_rules("breakout"), [0])
    return recording


def later(game: Recording, **changes: object) -> Recording:
    """The same episode, played again an hour later."""
    return game.model_copy(update={"started_at": game.started_at + timedelta(hours=1), **changes})


def by(game: Recording, kind: str) -> Recording:
    return game.model_copy(update={"player": game.player.model_copy(update={"kind": kind})})


def test_a_machines_same_game_is_kept_once(game: Recording, tmp_path: Path) -> None:
    path = keep(game, tmp_path)
    assert keep(later(game), tmp_path) == path
    assert read(path) == game
    assert len(list(tmp_path.iterdir())) == 1


def test_every_attempt_of_a_person_is_kept(game: Recording, tmp_path: Path) -> None:
    person = by(game, "human")
    assert keep(person, tmp_path) != keep(later(person), tmp_path)


def test_another_game_another_score_and_a_bad_file_are_not_the_same(game: Recording, tmp_path: Path) -> None:
    path = keep(game.model_copy(update={"score": game.score + 1}), tmp_path)
    (tmp_path / f"breakout-5min-s0-x{SUFFIX}").write_bytes(b"")
    assert keep(game, tmp_path) != path
    assert len(list(tmp_path.iterdir())) == 3


def test_only_what_verifies_is_booked_and_only_once(game: Recording, tmp_path: Path) -> None:
    good = keep(game, tmp_path)
    bad = keep(game.model_copy(update={"score": game.score + 1}), tmp_path)
    empty = tmp_path / f"empty{SUFFIX}"
    empty.write_bytes(b"")
    seen = []
    with Scoreboard.open(tmp_path / "board.sqlite") as board:
        publications = publish([good, bad, empty], board, seen.append, processes=1)
        assert seen == publications
        assert [publication.verification.ok for publication in publications] == [True, False, False]
        assert [publication.new for publication in publications] == [True, False, False]
        assert publications[2].recording is None
        (again,) = publish([good], board)
        assert again.verification.ok
        assert not again.new
        (result,) = board.results()
    assert result.recording_name == good.name
    assert result.score == game.score


def test_what_is_unbooked(game: Recording, tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    with Scoreboard.open(tmp_path / "board.sqlite") as board:
        assert unpublished(folder, board) == []
        first = keep(game, folder)
        assert unpublished(folder, board) == [first]
        publish([first], board)
        assert unpublished(folder, board) == []
        copy = folder / f"copy{SUFFIX}"
        copy.write_bytes(first.read_bytes())
        again = folder / f"again{SUFFIX}"  # another file, the same game of a machine
        again.write_bytes(encode(later(game)))
        assert unpublished(folder, board) == []
        person = keep(by(game, "human"), folder)
        bad = folder / f"bad{SUFFIX}"
        bad.write_bytes(b"")
        assert unpublished(folder, board) == sorted([person, bad])
