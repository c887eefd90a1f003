"""Progress of what takes long, without a terminal and in one."""

import pytest

from agents.training.progress import Progress


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_lines_come_after_two_seconds_and_become_rarer(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    progress = Progress("replaying", 1_000, "game", done=100, clock=clock)
    at = []
    for second in range(1, 301):
        clock.now = 100.0 + second
        progress.show(100 + second, "learning")
        if said := capsys.readouterr().out:
            at.append(second)
            assert f"replaying  {100 + second} of 1,000 games  1.0 a second  learning  " in said
    progress.close()
    assert at == [2, 6, 14, 30, 62, 122, 182, 242]


def test_what_is_over_at_once_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    progress = Progress("", 10, "step", clock=clock)
    clock.now += 1.9
    progress.show(9)
    progress.close(10)
    assert capsys.readouterr() == ("", "")


def test_a_bar_moves_while_nothing_gets_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    clock = Clock()
    progress = Progress("", 10, "step", clock=clock)
    for update in (1, 2):
        clock.now += 1
        progress.show(5, f"learning, update {update}")
    progress.close(10)
    out, said = capsys.readouterr()
    assert "5/10" in said
    assert "learning, update 1" in said
    assert "learning, update 2" in said
    assert out == ""
