"""What a training run says and writes besides its checkpoints."""

from pathlib import Path

import pytest

from agents.runs import curves


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
