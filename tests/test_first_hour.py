"""Every command of the guides works in the environment that the README's first command makes.

The commands of the README, of docs/participants.md, players.md, organizers.md, kiosk.md and server.md are typed one
after the other in a folder with a small event, as they stand there but shorter: few seeds, one worker, this machine's
address in place of the example's. Windows open on a display of their own and are closed when they are there; servers
serve until the end. What trains is typed in `tests/scripts/test_participants.py`, what leads through an evening in
`tests/test_runbook.py`, both in the same environment. A new command in a guide is run here from then on, or is named
below with the reason why not.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests import runbook
from tests.readme_environment import ReadmeEnvironment, shows_a_window
from tests.scripts.test_participants import commands as trained

ROOT = Path(__file__).parent.parent
GUIDES = ("README", "docs/participants", "docs/players", "docs/organizers", "docs/kiosk", "docs/server", "docs/runbook")
PROGRAM = r"(?:[A-Z_]+=\S+ )*(?:arena|python3?|tensorboard|dask|source|export|sudo|pip)"
PEOPLE = "people sit at it, with real keys in tests/arena/server/test_finals.py and test_together.py"
NOT_RUN = {
    "python3 scripts/demo.py": "the set-up: tests/scripts/test_bootstrap.py",
    "ARENA_TORCH_INDEX=https://download.pytorch.org/whl/cu130 python3 scripts/demo.py": "the set-up, from a network",
    "source .venv/bin/activate": "what it does to the environment is done here, too",
    "python3 scripts/test.py": "runs this",
    "python scripts/screenshots.py": "for who works on the arena",
    "sudo apt-get install bubblewrap": "changes the system",
    "arena demo --full": "tests/arena/rehearsal/test_rehearsal.py; its libraries are looked for at its start",
    "arena COMMAND --help": "no command",
    "arena forget NAME --event DIR": "in the runbook, with a name",
    "arena serve --event BACKUP": "the same as before, with another folder",
    "arena tournament play battle Ada": PEOPLE,
    "arena tournament play battle Ben --server http://10.0.0.5:8000": PEOPLE,
    "arena tournament play cup Ada --with Ben --server http://10.0.0.5:8000": PEOPLE,
    "arena tournament play cup Ben --with Ada --server http://10.0.0.5:8000": PEOPLE,
    "arena tournament walk-over": "named in a sentence, without its arguments",
}
"""Commands of the guides that aren't typed, and why."""
SHORTER = (
    (r"(--seeds|--trials|--nworkers) \d+", r"\1 1"),
    (r"--steps \d+", "--steps 64 --threads 1"),
    (
        r"^arena match breakout( --player \S+)+",
        "arena match space_invaders --player script:noop --player script:random",
    ),
    (r"^arena evaluate script:basic", "arena evaluate script:random"),
    (r"^arena evaluate (?!.*--seeds).*", r"\g<0> --seeds 1"),
    (r"breakout-taught", "breakout-quick"),
    (r"script:basic", "script:noop"),
    (r"RECORDING|event/recordings/NAME.arena.zip", "game.arena.zip"),
    (r"runs/breakout-ppo-0/agent.zip|my-agent.zip|\bmy.zip|\bFILE\b", "agent.zip"),
    (r"\bAGENT --game GAME", "breakout-quick --game breakout"),
    (r"--screen 2", "--screen 1"),
    (r"http://10.0.0.5:8000", "URL"),
    (r"10.0.0.1:8786", "127.0.0.1:DASK"),
    (r"--host 10.0.0.1 --port 8786", "--host 127.0.0.1 --port DASK --no-dashboard"),
    (r"^python scripts/tune.py .*", r"\g<0> --config small.toml"),
    (r"^arena serve.*", r"\g<0> --port 0 --evaluation-seeds 1"),
    (r"^tensorboard .*", r"\g<0> --port 0"),
    (r"^arena submit .*", r"\g<0> --no-follow"),
)
SERVICES = {
    "arena serve": "http://",
    "dask scheduler": "Scheduler at:",
    "dask worker": "Registered",
    "tensorboard": "http",
}
"""What goes on until it is ended, and what it says when it is ready."""
WINDOWS = ("arena play", "arena watch", "arena kiosk", "arena stage", "arena doctor --hands-on")
MODELS = """
import gymnasium, numpy, onnx, torch
from onnx import TensorProto as T, helper, numpy_helper
from stable_baselines3 import PPO
class Games(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(0, 255, (4, 84, 84), numpy.uint8)
    action_space = gymnasium.spaces.Discrete(4)
    def reset(self, *, seed=None, options=None): return self.observation_space.low, {}
    def step(self, action): return self.observation_space.low, 0.0, False, False, {}
PPO("CnnPolicy", Games(), n_steps=8, batch_size=8, device="cpu").save("model.zip")
nodes = [helper.make_node("Cast", ["pictures"], ["x"], to=T.FLOAT), helper.make_node("ReduceMean", ["x"], ["means"],
         axes=[2, 3], keepdims=0), helper.make_node("MatMul", ["means", "w"], ["actions"])]
graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("pictures", T.UINT8, ("n", 4, 84, 84))],
                          [helper.make_tensor_value_info("actions", T.FLOAT, ("n", 4))],
                          [numpy_helper.from_array(numpy.eye(4, dtype=numpy.float32), "w")])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), "model.onnx")
"""


def commands_of(guide: str) -> list[str]:
    """Return what the page says to type, each once, in its order: lines of commands, and commands in a sentence that
    have arguments."""
    text = (ROOT / f"{guide}.md").read_text(encoding="utf-8")
    lines = rf"^ {{4,}}({PROGRAM}\b.*)$"
    within = rf"`({PROGRAM} (?:[^`\n]+\n?[^`\n]*))`"
    found = [alone or among.replace("\n", " ") for alone, among in re.findall(f"{lines}|{within}", text, re.MULTILINE)]
    named = re.compile(
        r"arena ([a-z]+|agent check|(event|tournament) [a-z]+)( --(sandbox|versus|status))?|.* FILE --.*"
    )
    typed = set(re.findall(lines, text, re.MULTILINE))
    return [one for one in dict.fromkeys(found) if one in typed or not named.fullmatch(one)]


def everything() -> list[str]:
    return list(dict.fromkeys(command for guide in GUIDES for command in commands_of(guide)))


def typed_here() -> list[str]:
    """Return the commands that are neither typed by another test nor named in `NOT_RUN`, the services first. Of those
    that differ only in what is made shorter, it is the first."""
    evening = [c for c in runbook.commands() if c.split()[1] not in ("kiosk", "stage")]
    elsewhere = {*trained(), *evening} - set(commands_of("README")) | {*NOT_RUN}
    done = {tuple(shlex.split(one)) for one in elsewhere}
    found: dict[tuple[str, ...], str] = {}
    for one in everything():
        if tuple(shlex.split(one)) not in done:
            found.setdefault(tuple(shlex.split(shortened(one))), one)
    return sorted(found.values(), key=lambda one: (not is_service(one), "scheduler" not in one and "dask" in one))


def shortened(command: str) -> str:
    for pattern, instead in SHORTER:
        command = re.sub(pattern, instead, command)
    return command


def is_service(command: str) -> bool:
    return any(command.removeprefix("OMP_NUM_THREADS=1 ").startswith(one) for one in SERVICES)


class Desk:
    """Somebody at a terminal, in a folder with a small event."""

    def __init__(self, environment: ReadmeEnvironment, folder: Path, display: str) -> None:
        self.folder = folder
        self.variables = environment.variables(folder) | {"DISPLAY": display, "ARENA_CONFIG": str(folder / "config")}
        self.programs = environment.bin
        self.services: list[subprocess.Popen[str]] = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.places = {"DASK": str(probe.getsockname()[1]), "URL": "http://127.0.0.1:9"}
        (folder / "scripts").symlink_to(ROOT / "scripts")
        (folder / "small.toml").write_text("[ppo]\nn_steps = 8\n")
        self.say("python", "-c", MODELS)
        self.say("arena", "evaluate", "script:random", "--game", "breakout", "--seeds", "1")
        (folder / "game.arena.zip").hardlink_to(next((folder / "event" / "recordings").glob("*.arena.zip")))
        (folder / "agent.zip").write_bytes((ROOT / "agents" / "zoo" / "breakout-quick.zip").read_bytes())
        self.token = self.say("arena", "token", "add", "Ada").split()[-1]
        self.station = self.say("arena", "token", "add", "S", "--role", "station").split()[-1]
        (folder / "station.txt").write_text(self.station)
        (folder / "token.txt").write_text(self.token)

    def type(self, command: str) -> None:
        """Type a command of a guide and see that it works."""
        command = shortened(command)
        for name, value in self.places.items():
            command = re.sub(rf"\b{name}\b", value, command)
        at_station = command.startswith(("arena kiosk", "arena sync"))
        if at_station:
            command = command.replace("token.txt", "station.txt")
        self.variables["ARENA_TOKEN"] = self.station if at_station else self.token
        words = shlex.split(command.removeprefix("OMP_NUM_THREADS=1 "))
        if is_service(command):
            self._serve(words, next(ready for name, ready in SERVICES.items() if name in command))
        elif command.startswith(WINDOWS) and "--mp4" not in command:
            self._open_and_close(words)
        else:
            self.say(*words)

    def say(self, *words: str) -> str:
        """Run a command to its end; return what it says."""
        done = subprocess.run(self._line(words), cwd=self.folder, env=self.variables, capture_output=True, text=True)
        assert done.returncode in ((0, 1) if words[1] == "doctor" else (0,)), f"{words}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr, f"{words}: {done.stderr}"
        return done.stdout

    def _serve(self, words: list[str], ready: str) -> None:
        log = self.folder / f"service{len(self.services)}.log"
        with log.open("w") as output:
            self.services.append(self._start(words, output))
        self._wait(self.services[-1], lambda: ready in log.read_text(), log)
        if words[:2] == ["arena", "serve"]:
            port = re.search(r"http://[^/]*:(\d+)/", log.read_text())
            assert port
            self.places["URL"] = f"http://127.0.0.1:{port[1]}"

    def _open_and_close(self, words: list[str]) -> None:
        log = self.folder / "window.log"
        with log.open("w") as output:
            process = self._start(words, output)
        self._wait(process, lambda: shows_a_window(self.variables), log)
        self._end(process)
        assert process.returncode in (0, 1, 130), f"{words}: {log.read_text()}"
        assert "Traceback" not in log.read_text(), f"{words}: {log.read_text()}"

    def _start(self, words: list[str], output: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._line(words), cwd=self.folder, env=self.variables, stdout=output, stderr=output, text=True,  # type: ignore[call-overload]
            start_new_session=True,
        )  # fmt: skip

    def _line(self, words: tuple[str, ...] | list[str]) -> list[str]:
        return [str(self.programs / words[0]), *words[1:]]

    def _wait(self, process: subprocess.Popen[str], ready: object, log: Path) -> None:
        while not ready():  # type: ignore[operator]
            assert process.poll() is None, f"{process.args}: {log.read_text()}"
            time.sleep(0.2)

    def _end(self, process: subprocess.Popen[str]) -> None:
        process.terminate()  # the arena takes it for Ctrl-C, which is ignored where the tests run in the background
        process.wait()
        with suppress(ProcessLookupError):  # tensorboard has a server of its own, which stays
            os.killpg(process.pid, signal.SIGTERM)

    def leave(self) -> None:
        for service in reversed(self.services):
            self._end(service)
        # Dask writes tracebacks of its own when the other end has gone first.
        logs = "".join(
            log for one in self.folder.glob("service*.log") if "distributed." not in (log := one.read_text())
        )
        assert "Traceback" not in logs, logs


@pytest.fixture
def desk(readme_environment: ReadmeEnvironment, tmp_path: Path, display: str) -> Iterator[Desk]:
    desk = Desk(readme_environment, tmp_path, display)
    try:
        yield desk
    finally:
        desk.leave()


def test_every_command_of_the_guides_works_in_the_readmes_environment(desk: Desk) -> None:
    for command in typed_here():
        print(command)
        desk.type(command)


def test_what_is_typed_is_what_the_guides_say() -> None:
    assert set(NOT_RUN) <= set(everything()), "a reason for a command that is gone"
    assert len(typed_here()) > 25
    assert {command.split()[0] for command in typed_here()} >= {"arena", "dask", "tensorboard", "python"}
    for guide in GUIDES:
        assert commands_of(guide)


@pytest.mark.parametrize("library", ["pytest", "schemathesis", "playwright", "hypothesis", "mypy"])
def test_what_only_developers_have_is_not_there(library: str, readme_environment: ReadmeEnvironment) -> None:
    done = subprocess.run([readme_environment.python, "-c", f"import {library}"], capture_output=True, text=True)
    assert f"No module named '{library}'" in done.stderr
