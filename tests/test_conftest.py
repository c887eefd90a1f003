"""The tests' own ground: the database server is real and separate per test, and no skip goes unseen where none may."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy


def test_database_is_a_real_server(postgres_url: str) -> None:
    engine = sqlalchemy.create_engine(postgres_url)
    with engine.begin() as connection:
        assert "PostgreSQL" in str(connection.scalar(sqlalchemy.text("SELECT version()")))
    engine.dispose()


@pytest.mark.parametrize("attempt", [1, 2])
def test_each_test_has_its_own_database(postgres_url: str, attempt: int) -> None:
    engine = sqlalchemy.create_engine(postgres_url)
    with engine.begin() as connection:
        assert sqlalchemy.inspect(connection).get_table_names() == []
        connection.execute(sqlalchemy.text("CREATE TABLE mark (x int)"))
    engine.dispose()


SAMPLES = {
    "test_mark.py": "import pytest\n@pytest.mark.skip(reason='reason one')\ndef test_it(): pass\n",
    "test_inside.py": "import pytest\ndef test_it(): pytest.skip('reason two')\n",
    "test_module.py": "import pytest\npytest.skip('reason three', allow_module_level=True)\n",
    "test_expected.py": "import pytest\n@pytest.mark.xfail(strict=True)\ndef test_it(): assert False\n",
}


@pytest.mark.parametrize("variable", ["CI=true", "ARENA_NO_SKIPS=1", "CI="])
def test_skip_is_a_failure_where_none_may_be(tmp_path: Path, variable: str) -> None:
    here = Path(__file__).parent
    (tmp_path / "conftest.py").write_text((here / "conftest.py").read_text())
    for name, text in SAMPLES.items():
        (tmp_path / name).write_text(text)
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "ARENA_NO_SKIPS")}
    environment |= dict([variable.split("=")])
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-o",
            f"pythonpath={here.parent / 'scripts'} {here.parent}",
            "--continue-on-collection-errors",
        ],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    summary = done.stdout.splitlines()[-1]
    if variable == "CI=":
        assert done.returncode == 0
        assert "3 skipped, 1 xfailed" in summary
    else:
        assert done.returncode == 1
        assert "1 failed, 1 xfailed, 2 errors" in summary
        assert all(reason in done.stdout for reason in ("reason one", "reason two", "reason three"))
