"""The runbook can be followed from its first command to its last, in the README's environment."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.readme_environment import ReadmeEnvironment
from tests.runbook import ROOT, SOAK, commands, shortened


def test_the_runbook_can_be_followed(tmp_path: Path, readme_environment: ReadmeEnvironment) -> None:
    (tmp_path / "people.csv").write_text(  # the draw of teams needs it
        "name,department\nAda,Department 1\nBen,Department 1\n"
        + "".join(f"Person {n},Department {n % 5}\n" for n in range(60))
    )
    followed = subprocess.run(
        [readme_environment.python, "-P", "-W", "error", "-m", "tests.runbook"],
        cwd=tmp_path,
        env=readme_environment.variables(tmp_path) | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert followed.returncode == 0, followed.stdout[-2000:] + followed.stderr[-4000:]
    assert "Everything is as claimed." in followed.stdout
    assert "Traceback" not in followed.stderr
    done = (tmp_path / "done.txt").read_text()
    for what in ("event open", "tournament play", "tournament undo", "event audit", "forget Ada"):
        assert f"arena {what}" in done
    report = (tmp_path / "event" / "report" / "report.html").read_text(encoding="utf-8")
    assert "Ada" not in re.sub(r'"data:[^"]*"', "", report), "but in the letters of a film there may be anything"
    assert "Ada" not in (tmp_path / "proof-anew" / "log.jsonl").read_text(encoding="utf-8")


def test_what_is_followed_is_not_nothing() -> None:
    assert len(commands()) > 25
    assert commands()[0] == 'arena event init --name "Autumn final"'
    assert shortened("arena match breakout --player breakout-taught --seeds 3") == (
        "arena match breakout --player breakout-taught --seeds 3"
        if SOAK
        else "arena match space_invaders --player script:random --seeds 1"
    )
