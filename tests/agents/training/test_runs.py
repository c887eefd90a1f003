"""What a training run says and writes besides its checkpoints."""

from pathlib import Path
from typing import Any

import pytest

from agents.training.runs import carry_over, curves, held, name_of, newest_checkpoint, read_episodes, write_episodes
from envs.errors import AgentError


def test_a_full_disk_ends_the_curves_and_says_so_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("threading.excepthook", None)  # put back afterwards
    logger = curves(tmp_path)
    (output,) = logger.output_formats
    logger.record("eval/score", 3.0)
    logger.dump(100)
    assert any(tmp_path.iterdir())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output.writer, "add_scalar", full)
    for step in (200, 300):
        logger.record("eval/score", 4.0)
        logger.dump(step)
    said = capsys.readouterr().out
    assert said.count("warning: TensorBoard's curves end at 200 steps") == 1
    assert "300 steps" not in said


ROWS = [(100, 3.0, 50, 1.5), (200, 4.0, 60, 2.5)]


def test_episodes_have_a_header_and_older_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "episodes.csv"
    assert read_episodes(path) == []
    write_episodes(path, ROWS)
    assert path.read_text().splitlines() == ["steps,score,length,seconds", "100,3.0,50,1.5", "200,4.0,60,2.5"]
    assert read_episodes(path) == ROWS
    assert read_episodes(path, until=150) == ROWS[:1]
    path.write_text("100,3.0,50,1.5\r\n200,4.0,60,2.5\r\n")
    assert read_episodes(path) == ROWS
    path.write_text("100,3.0,50,1.5\n200,4")
    with pytest.raises(AgentError, match=r"episodes\.csv can't be read as the games of a run"):
        read_episodes(path)


def test_a_folder_has_one_run_at_a_time(tmp_path: Path) -> None:
    out = tmp_path / "Läufe von Ada" / "one"
    with held(out):
        with pytest.raises(AgentError, match="Another run is under way in"), held(out):
            pass
        (out / "run.json").touch()
    with held(out):
        pass
    assert out.exists()
    with held(tmp_path / "came to nothing"):
        pass
    assert not (tmp_path / "came to nothing").exists()
    (tmp_path / "file").touch()
    with (
        pytest.raises(AgentError, match=r"can't be kept in .*; choose another folder with --out"),
        held(tmp_path / "file"),
    ):
        pass


def test_a_run_without_a_checkpoint_is_neither_resumed_nor_overwritten(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path, resume=False) is None
    (tmp_path / "run.json").touch()
    with pytest.raises(AgentError, match="without a checkpoint to go on from; delete the folder, or choose another"):
        newest_checkpoint(tmp_path, resume=False)
    with pytest.raises(AgentError, match="There is no checkpoint in"):
        newest_checkpoint(tmp_path, resume=True)


def test_a_run_that_goes_on_says_what_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before: dict[str, Any] = {
        "game": "pacman", "algo": "ppo", "seed": 0, "rules": "5min", "steps": 64, "command": "train.py pacman",
            "teacher": "", "plain": False, "frame_skip": 4,
        "settings": {"envs": 2, "learning_rate": "linear 1e-4", "n_epochs": 3}, "best": {"score": 1, "steps": 64},
    }  # fmt: skip
    about = before | {"steps": 128, "rules": "30min", "settings": {"envs": 2, "learning_rate": "linear 2e-4"}}
    carry_over(about, before, tmp_path)
    assert capsys.readouterr().out.splitlines() == [
        "note: steps was 64 and is now 128",
        "note: rules was 5min and is now 30min",
        "note: learning_rate was linear 1e-4 and is now linear 2e-4",
        "note: n_epochs was 3 and is now not set",
        "note: learning_rate falls to zero over the whole run, and goes on as in a run of 128 steps",
    ]
    assert about["best"] == before["best"]
    for what, other in (("game", "breakout"), ("algo", "a2c"), ("seed", 3)):
        with pytest.raises(AgentError, match=f"is of a run with the {what} {before[what]}, not {other}"):
            carry_over(before | {what: other}, before, tmp_path)
    with pytest.raises(AgentError, match="is of a run with frame skip 4; go on with --frame-skip 4"):
        carry_over(before | {"frame_skip": 3}, before, tmp_path)


def test_a_run_from_before_there_were_frame_skips_goes_on_with_four(tmp_path: Path) -> None:
    before: dict[str, Any] = {
        "game": "pacman", "algo": "ppo", "seed": 0, "rules": "5min", "steps": 64, "command": "train.py pacman",
        "settings": {"envs": 2},
    }  # fmt: skip
    now = before | {"teacher": "", "plain": False}
    carry_over(now | {"frame_skip": 4}, before, tmp_path)
    with pytest.raises(AgentError, match="is of a run with frame skip 4; go on with --frame-skip 4"):
        carry_over(now | {"frame_skip": 3}, before, tmp_path)


def test_an_agent_is_called_like_its_folder(tmp_path: Path) -> None:
    assert name_of(tmp_path / "Läufe" / "breakout-ppo-0", "other") == "breakout-ppo-0"
    assert name_of(tmp_path / ("x" * 50), "other") == "x" * 32
    assert name_of(Path("/"), "other") == "other"
    assert name_of(tmp_path / "a\x07b", "other") == "other"
