"""The suite `learning` of scripts/benchmark.py takes hours: what it has finished is kept, and not run again."""

import json
from pathlib import Path

import pytest
from benchmarks.learning import run


def line(side: str, seed: int, score: float, seconds: float, *, steps: int = 300_000) -> str:
    asked = {"side": side, "seed": seed, "steps": steps, "episodes": 30}
    found = {"score": score, "seconds": seconds, "processor seconds": 2 * seconds, "seconds to the human's score": None}
    return json.dumps(asked | found) + "\n"


def test_finished_runs_are_taken_from_the_file(tmp_path: Path) -> None:
    kept = tmp_path / "learning-runs.jsonl"
    text = line("arena", 0, 99.0, 1.0, steps=1_000)  # of another length: not counted
    for seed, (ours, theirs) in enumerate([(11, 9), (12, 10), (13, 11)]):
        text += line("arena", seed, ours, 400) + line("sb3", seed, theirs, 1_000)
    kept.write_text(text)
    score, seconds, processor = run(kept, 300_000)
    assert kept.read_text() == text
    half = 2.484  # Student's t for two degrees of freedom, 4.303, times 1 / sqrt(3)
    assert score.detail["arena"]["interval"] == pytest.approx((12 - half, 12 + half), abs=0.01)
    assert score.value == pytest.approx(12 - (10 - half), abs=0.01)
    assert score.met
    difference = score.detail["ours less SB3's"]
    half = 2.776 * (2 / 3) ** 0.5  # four degrees of freedom; the variances are alike
    assert difference["mean"] == pytest.approx(2)
    assert difference["interval"] == pytest.approx([2 - half, 2 + half], abs=0.01)
    assert seconds.value == processor.value == 2.5
