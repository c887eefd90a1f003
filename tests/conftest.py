"""What all tests share: skips that fail on the build machine, a private display, and a real PostgreSQL server."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from system_packages import find_postgres
from x_server import x_server

from tests.readme_environment import ReadmeEnvironment

# -- skips -----------------------------------------------------------------------------------------------------------

NO_SKIPS = "1" in (os.environ.get("ARENA_NO_SKIPS"), os.environ.get("CI")) or os.environ.get("CI", "").lower() == "true"


def _refuse_skip(report: Any) -> None:
    if NO_SKIPS and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: no test may be skipped here (CI or ARENA_NO_SKIPS is set). {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Any:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Any:
    report = yield
    _refuse_skip(report)
    return report


# -- a display -------------------------------------------------------------------------------------------------------


@pytest.fixture
def display() -> Iterator[str]:
    """A private X server of 1280x720 pixels: what `DISPLAY` has to say."""
    for program in ("Xvfb", "xdotool"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program} (Debian: sudo apt-get install xvfb xdotool)")
    with x_server("1280x720") as display:
        yield display


# -- the README's environment ----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def readme_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadmeEnvironment]:
    """What the README's first command makes: no library in it is there for developers only."""
    environment = ReadmeEnvironment(tmp_path_factory.mktemp("readme") / ".venv")
    yield environment
    environment.remove()


# -- PostgreSQL ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PostgresServer:
    port: int
    password: str

    def conninfo(self, database: str) -> dict[str, str | int]:
        """Arguments of `psycopg.connect`."""
        user = {"user": "arena", "password": self.password}
        return {"host": "127.0.0.1", "port": self.port, "dbname": database, **user}

    def url(self, database: str) -> str:
        """SQLAlchemy's URL."""
        return f"postgresql+psycopg://arena:{self.password}@127.0.0.1:{self.port}/{database}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A private PostgreSQL server on a free loopback port, with its data in a temporary folder; gone with the tests.

    With pytest-xdist each worker that needs one has its own.
    """
    programs = find_postgres()
    if programs is None:
        pytest.skip("no PostgreSQL server (Debian: sudo apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="arena-postgres-"))
    try:
        yield from _serve(Path(programs), folder)
    finally:
        shutil.rmtree(folder)


def _serve(programs: Path, folder: Path) -> Iterator[PostgresServer]:
    password = secrets.token_hex(16)
    password_file = folder / "password"
    password_file.write_text(password)
    # The server refuses to run as root, so root becomes the user that Debian's package made for it.
    user: dict[str, Any] = {}
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        for path in (folder, password_file):
            shutil.chown(path, "postgres", "postgres")
    data = folder / "data"
    subprocess.run(
        [
            *(programs / "initdb", "--pgdata", data, "--username=arena", "--pwfile", password_file),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"),
        ],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
        **user,
    )
    log = folder / "log"
    for _ in range(5):  # another program may take the free port first
        port = _free_port()
        settings = ("listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories=", "fsync=off")
        command = [programs / "postgres", "-D", data, *(word for setting in settings for word in ("-c", setting))]
        if setpriv := shutil.which("setpriv"):  # if the tests are killed, the server goes, too
            command = [setpriv, "--pdeathsig", "QUIT", "--", *command]
        with log.open("ab") as output:
            process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output, **user)
        try:
            if _is_ready(programs, port, process):
                yield PostgresServer(port, password)
                return
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)  # the server's "fast shutdown"
            process.wait()
    pytest.fail(f"the PostgreSQL server did not start:\n{log.read_text()[-2000:]}")


def _is_ready(programs: Path, port: int, process: subprocess.Popen[bytes]) -> bool:
    """Wait until the server takes connections; False if it ended."""
    command = [programs / "pg_isready", "--quiet", "--host=127.0.0.1", f"--port={port}"]
    while process.poll() is None:
        if subprocess.run(command).returncode == 0:
            return process.poll() is None
        time.sleep(0.05)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """SQLAlchemy's URL of an empty database, made for this test on a real server."""
    psycopg = pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(**postgres_server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield postgres_server.url(name)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
