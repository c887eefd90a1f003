"""`scripts/test.py PACKAGE`: which tests it runs."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "test.py"
spec = importlib.util.spec_from_file_location("scripts_test", SCRIPT)
assert spec is not None
assert spec.loader is not None
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)


@pytest.mark.parametrize(
    ("typed", "packages", "options"),
    [
        ([], [], []),
        (["arena/kiosk"], ["arena/kiosk"], []),
        (["arena/kiosk/", "./envs", "-x"], ["arena/kiosk", "envs"], ["-x"]),
        (["-k", "arena"], [], ["-k", "arena"]),
        (["tests/arena/kiosk"], [], ["tests/arena/kiosk"]),
        (["arena/nothing"], [], ["arena/nothing"]),
    ],
)
def test_packages_come_first(typed: list[str], packages: list[str], options: list[str]) -> None:
    found = script.packages_in(typed)
    assert ([Path(path).as_posix() for path in found[0]], found[1]) == (packages, options)


def test_a_package_without_tests_gets_one_sentence() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "arena/html"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "There is no tests" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
