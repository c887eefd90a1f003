"""Real servers for the tests: a process of its own that listens on loopback, which may be killed and started again."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from arena.client.api import Client
from arena.engine.recover import replayed
from arena.event.folder import SETTINGS, open_event
from arena.event.lifecycle import EventLifecycle, Phase
from arena.event.log import Log
from arena.scoreboard.server_tables import Role
from arena.scoreboard.store import Scoreboard
from arena.server.access.tokens import Tokens
from arena.server.clock import Clock
from envs.rules import named_rules
from recordings.codec import encode
from recordings.recording import RecordedPlayer, Recording
from recordings.storage import Header

ROOT = Path(__file__).parents[3]
START_SECONDS = 300
BEGAN = datetime(2026, 5, 1, 18, 30, tzinfo=UTC)
SERVE = "import sys; from arena.cli import main; sys.exit(main())"


class Serving:
    """`arena serve` in a process of its own.

    Args:
        folder: the event folder.
        url: of the database; None for the folder's own.
        options: more of the command's options.
    """

    def __init__(self, folder: Path, url: str | None = None, options: Sequence[str] = ()) -> None:
        if not folder.exists():  # tests play more games a day than people may
            folder.mkdir(parents=True)
            (folder / SETTINGS).write_text('name = "Arena"\nquotas.attempts_per_day = 1000\n')
        self.event = open_event(folder)
        self.database = url or f"sqlite:///{self.event.database}"
        self.options = [*options]
        self.environment: dict[str, str] = {}
        """More of its environment, from the next start on."""
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "server.log"
        self._clients: list[Client] = []
        with Scoreboard.open(self.database) as board:
            tokens = Tokens(board, Clock())
            self.tokens = {role: tokens.add(role, f"{role}".title())[1] for role in Role}
            lifecycle = EventLifecycle(self.event, Log(board.engine))
            if lifecycle.state().phase is Phase.DRAFT:  # a restored event is open already
                lifecycle.open()
            self.ids = {role: number for number, role in enumerate(Role, start=1)}

    def token(self, role: Role, name: str) -> str:
        with Scoreboard.open(self.database) as board:
            return Tokens(board, Clock()).add(role, name)[1]

    def start(self) -> Self:
        """Start it, on the port that it had before; return when it answers."""
        command = [sys.executable, "-c", SERVE, "serve", "--event", str(self.event.folder), "--port", str(self.port)]
        command += ["--db", self.database, *self.options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), **self.environment},
            )
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], START_SECONDS)
        line = self.process.stdout.readline().decode() if ready else ""
        assert "http://" in line, f"it did not start: {line!r} {self.log.read_text()}"
        self.port = int(line.split("://")[1].split("/")[0].split(":")[1])
        with Client(self.url, timeout=START_SECONDS) as client:
            client.get("/health")
        return self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, role: Role | None = None, token: str | None = None) -> Client:
        client = Client(self.url, token or (None if role is None else self.tokens[role]))
        self._clients.append(client)
        return client

    def kill(self) -> None:
        """End it where it stands."""
        assert self.process is not None
        self.process.kill()
        self._gone()

    def stop(self) -> int:
        """End it as Ctrl-C does."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self._gone()

    def _gone(self) -> int:
        assert self.process is not None
        assert self.process.stdout is not None
        code = self.process.wait(300)
        self.process.stdout.close()
        return code

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients:
            client.close()
        if self.process is not None and self.process.poll() is None:
            self.kill()


def game(
    player: str = "Participant",
    seed: int = 0,
    actions: bytes = b"",
    *,
    name: str = "breakout",
    kind: str = "human",
    minute: int = 0,
    rules: str = "5min",
) -> Recording:
    """A real recording of these actions, which ends as a game that was left."""
    began = BEGAN.replace(hour=minute // 60 % 24, minute=minute % 60)
    header = Header(named_rules(name, rules), seed, RecordedPlayer(name=player, kind=kind), began)  # type: ignore[arg-type]
    return replayed(header, actions)


def play(seed: int, frames: int, name: str = "breakout") -> bytes:
    """Actions that differ from seed to seed."""
    import random

    codes = named_rules(name).action_set
    chance = random.Random(seed)
    return bytes(chance.choice(codes) for _ in range(frames // 6 + 1) for _ in range(6))[:frames]


def decided(client: Client, numbers: Sequence[int], seconds: float = 300) -> list[dict[str, Any]]:
    """Wait until these uploads are verified or refused."""
    deadline = time.monotonic() + seconds
    while True:
        found = {one["id"]: one for one in client.get("/uploads", limit=1000)}
        if all(found[number]["state"] != "received" for number in numbers):
            return [found[number] for number in numbers]
        assert time.monotonic() < deadline, json.dumps([found[number] for number in numbers], default=str)[:2000]
        time.sleep(0.1)


def bytes_of(recording: Recording) -> bytes:
    return encode(recording)
