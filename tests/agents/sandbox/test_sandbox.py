"""Agents in a real sandbox: they play as they do outside, and what they do wrong ends their own game, nothing else."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from agents.load import load_player
from agents.player import Player, PlayerFailed
from agents.sandbox import player as sandbox
from agents.sandbox.bot import SandboxedBot
from agents.sandbox.box import Box
from agents.sandbox.isolation import IsolationBackend, backends
from agents.sandbox.limits import SandboxLimits
from agents.sandbox.payload import Payload
from agents.sandbox.player import SandboxedPlayer, sandboxed_player
from arena.engine.evaluate import load, play_seeds
from arena.engine.match import player_seed
from arena.engine.verify import verify
from envs.errors import AgentError
from envs.games import find_game
from envs.rules import Rules, named_rules
from envs.step import End
from recordings.recording import Recording
from tests.agents.sandbox.sandboxed_agents import FAILS, NO_ANSWER, attacker
from tests.contracts.player import PlayerContract

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox exists on Linux")

BREAKOUT = find_game("breakout")
RULES = named_rules("breakout").varied(max_frames=12)
STRICT = SandboxLimits(memory=200 << 20, address=500 << 20, decision=20)
HASTY = SandboxLimits(memory=200 << 20, address=500 << 20, decision=5)
"""For those that never answer; long enough that an honest answer comes in time on a busy machine."""
BAD, GOOD = 0, 1
"""Seeds; the attackers attack in the first of them."""


def essence(recording: Recording) -> tuple[object, ...]:
    return tuple(value for name, value in recording if name != "started_at")


def written(text: str, folder: Path, name: str = "attacker") -> str:
    path = folder / f"{name}.py"
    path.write_text(text)
    return str(path)


@pytest.fixture(scope="module")
def bubblewrap() -> IsolationBackend:
    backend = sandbox.probe()
    if not backend.namespaces:
        pytest.skip("bubblewrap doesn't work here (Debian: sudo apt-get install bubblewrap)")
    return backend


# -- as outside ------------------------------------------------------------------------------------------------------


class TestScript(PlayerContract):
    def make_player(self, rules: Rules) -> Player:
        return sandboxed_player("script:basic", find_game(rules.game))


PICTURES = '''
import numpy as np
class Agent:
    """Looks at different pictures at different times."""
    def reset(self, *, seed, action_set):
        self.rng, self.action_set = np.random.default_rng(seed), action_set
    def act(self, step):
        seen = 0
        if step.t % 3 == 0: seen += int(step.screen()[::3].sum())
        if step.t % 4 > 1: seen += int(step.grayscale()[::3].sum())
        if step.t % 5 == 0: seen += int(step.sound().sum())
        if step.t % 7 == 0: assert step.screen() is step.screen() and not step.screen().flags.writeable
        seen += step.lives + int(step.reward) + int(self.rng.integers(100))
        return self.action_set[seen % len(self.action_set)]
    def close(self):
        pass
def make_player(game):
    return Agent()
'''


def test_what_an_agent_sees_and_hears_is_what_it_sees_and_hears_outside(tmp_path: Path) -> None:
    from agents.sandbox.python import python_player

    rules = named_rules("space_invaders").varied(max_frames=150)
    agent = written(PICTURES, tmp_path, "looker")
    outside = python_player(PICTURES.encode(), "looker", find_game("space_invaders"))
    player = sandboxed_player(agent, find_game("space_invaders"))
    inside = list(play_seeds(player, rules, [3, 4]))
    player.close()
    for one, other in zip(inside, play_seeds(outside, rules, [3, 4]), strict=True):
        assert one.actions == other.actions
        assert len(set(one.actions)) > 3
        assert one.end is End.TRUNCATED


def test_a_bot_plays_many_games_as_it_does_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    rules = named_rules("breakout").varied(max_frames=160)
    player = sandboxed_player("breakout-quick", BREAKOUT)
    inside = {r.seed: essence(r) for r in play_seeds(player, rules, range(10))}
    player.close()
    outside = load_player("breakout-quick", BREAKOUT)
    assert {r.seed: essence(r) for r in play_seeds(outside, rules, range(10))} == inside


# -- attacks ---------------------------------------------------------------------------------------------------------


def outcome(name: str, folder: Path) -> list[Recording]:
    body, reason = FAILS[name]
    limits = HASTY if reason == NO_ANSWER else STRICT
    player = sandboxed_player(written(attacker(body, player_seed(BAD)), folder), BREAKOUT, limits)
    try:
        return list(play_seeds(player, RULES, [BAD, GOOD]))
    finally:
        player.close()


@pytest.mark.parametrize("name", FAILS)
def test_an_attack_ends_its_own_game_and_nothing_else(
    name: str, bubblewrap: IsolationBackend, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        bad, good = outcome(name, tmp_path)
    assert bad.end is End.FAILED
    assert bad.frames in (3, 4)
    assert verify(bad).ok
    assert caplog.text.count("attacker forfeits") == 1
    assert re.search(FAILS[name][1], caplog.text), caplog.text
    assert (good.end, good.frames) == (End.TRUNCATED, 12)
    assert list(tmp_path.iterdir()) == [tmp_path / "attacker.py"]


def test_processor_time_between_the_answers_is_limited_too(
    bubblewrap: IsolationBackend, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Limits of one second for the start and one per game: a thread that works on its own uses them up, while the
    answers come slowly enough that the game isn't over before, and soon enough for their own limit."""
    body = """
    def work():
        while True: pass
    threading.Thread(target=work, daemon=True).start()
    at_once = agent.act
    agent.act = lambda step: (time.sleep(0.2), at_once(step))[1]
    """
    agent = written(attacker(body, player_seed(BAD)), tmp_path)
    player = sandboxed_player(agent, BREAKOUT, SandboxLimits(cpu=1, decision=120, grace=600))
    (recording,) = play_seeds(player, named_rules("breakout").varied(max_frames=18_000), [BAD])
    assert recording.end is End.FAILED
    assert "processor time" in caplog.text
    player.close()


def test_the_clock_of_a_whole_game(
    bubblewrap: IsolationBackend, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = attacker("pass", 0).replace("return self", "time.sleep(0.05); return self")
    player = sandboxed_player(written(text, tmp_path), BREAKOUT, SandboxLimits(grace=0.3))
    (recording,) = play_seeds(player, RULES, [GOOD])
    player.close()
    assert recording.end is End.FAILED
    assert "has thought for" in caplog.text


def test_what_breaks_down_at_every_start_is_left_alone(
    bubblewrap: IsolationBackend, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = attacker("pass", 0).replace("def act(self, step):", "def act(self, step):\n        os._exit(1)")
    player = sandboxed_player(written(text, tmp_path), BREAKOUT, STRICT)
    recordings = list(play_seeds(player, RULES, range(5)))
    player.close()
    assert [r.end for r in recordings] == [End.FAILED] * 5
    assert "isn't started again" in caplog.text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import os; os._exit(1)", "ended with 1"),
        ("while True: pass", "was not ready within 2 s"),
        ("x = [0]\nwhile True: x += x", "MemoryError"),
        ("import socket; socket.socket()", "Operation not permitted"),
        ("def nothing(): pass", "must define make_player"),
        ("(", "SyntaxError"),
        ("def make_player(game): return 1 / 0", "ZeroDivisionError"),
    ],
)
def test_what_goes_wrong_while_loading_is_said(
    text: str, reason: str, bubblewrap: IsolationBackend, tmp_path: Path
) -> None:
    limits = replace(STRICT, start=2) if "while True: pass" in text else STRICT
    with pytest.raises(AgentError, match=reason):
        sandboxed_player(written(text, tmp_path), BREAKOUT, limits)


def test_no_process_is_left(bubblewrap: IsolationBackend, tmp_path: Path) -> None:
    player = sandboxed_player(written(attacker("pass", 0), tmp_path), BREAKOUT)
    assert isinstance(player, SandboxedPlayer)
    box = player._bot.running()
    pids = children_of(box._process.pid)
    assert len(pids) > 1
    player.close()
    player.close()
    gone(pids)


def gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 300
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def children_of(pid: int) -> list[int]:
    from agents.sandbox.box import _descendants

    return [pid, *_descendants(pid)]


def test_a_killed_arena_takes_its_sandboxes_along(bubblewrap: IsolationBackend, tmp_path: Path) -> None:
    agent = written(attacker("pass", 0), tmp_path)
    code = (
        "import sys, time; from agents.sandbox.player import sandboxed_player; from envs.games import find_game\n"
        f"player = sandboxed_player({agent!r}, find_game('breakout')); print('up', flush=True); time.sleep(100)"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        pids = children_of(process.pid)
        assert len(pids) > 2
        process.kill()
    gone(pids)


# -- who runs it, and how --------------------------------------------------------------------------------------------

INSIDE = """
import os, json
facts = {
    "environment": sorted(os.environ),
    "files": sorted(os.listdir("/")),
    "processes": sorted(n for n in os.listdir("/proc") if n.isdigit()),
    "status": open("/proc/self/status").read(),
    "interfaces": open("/proc/net/dev").read().count(":"),
}
raise ValueError(json.dumps([facts["environment"], facts["files"], len(facts["processes"]), facts["interfaces"],
    [l.split()[1] for l in facts["status"].splitlines() if l.startswith(("CapEff", "Seccomp:", "NoNewPrivs"))]]))
"""


def test_what_is_there_to_see(bubblewrap: IsolationBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARENA_SECRET", "canary")
    with pytest.raises(AgentError, match="ValueError") as caught:
        sandboxed_player(written(INSIDE, tmp_path), BREAKOUT)
    said = str(caught.value)
    assert "ARENA_SECRET" not in said
    assert "home" not in said
    assert "etc" in said


OTHER_BACKENDS = ["hang", "fork", "file in tmp", "network", "kill the parent", "the system's files"]


@pytest.mark.parametrize(
    "backend", backends(), ids=lambda backend: f"{backend.name}{' as root' if backend.privileged else ''}"
)
@pytest.mark.parametrize("name", FAILS if os.environ.get("ARENA_SOAK") else OTHER_BACKENDS)
def test_every_backend_holds(
    name: str, backend: IsolationBackend, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Also the one that isn't taken here."""
    body, reason = FAILS[name]
    payload = Payload("python", "attacker", attacker(body, player_seed(BAD)).encode(), "breakout")
    player = SandboxedPlayer(SandboxedBot(payload, backend, HASTY if reason == NO_ANSWER else STRICT))
    bad, good = play_seeds(player, RULES, [BAD, GOOD])
    player.close()
    assert (bad.end, good.end) == (End.FAILED, End.TRUNCATED)
    assert re.search(reason, caplog.text), caplog.text


def test_without_a_sandbox_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "backends", list)
    sandbox.probe.cache_clear()
    canary = tmp_path / "canary"
    agent = written(f"open({str(canary)!r}, 'w')", tmp_path)
    try:
        for start in (sandboxed_player, load):
            with pytest.raises(AgentError, match="No sandbox works here"):
                start(agent, BREAKOUT)
    finally:
        sandbox.probe.cache_clear()
    assert not canary.exists()


VISIBLE = "import os, sys; os.stat(sys.executable)"
ORDINARY_USER = """
import json, logging, sys
from pathlib import Path
logging.basicConfig(level=logging.WARNING, stream=sys.stdout)
from tests.agents.sandbox.test_sandbox import backends, outcome, sandbox
sandbox.backends = lambda: [backend for backend in backends() if backend.name == sys.argv[1]]
print(sandbox.probe())
folder = Path(sys.argv[2])
for name in sys.argv[3:]:
    print(name, [str(r.end) for r in outcome(name, folder)], flush=True)
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may write to."""
    folder = Path(tempfile.mkdtemp(prefix="arena-sandbox-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("backend", sorted({backend.name for backend in backends()}))
def test_an_ordinary_user_needs_no_rights(backend: str, open_folder: Path) -> None:
    """The tests above run as whoever runs them. Where that is root, these run as nobody, too."""
    names = ["fork", "memory by and by", "network", "file in tmp", "crash", "somebody's files"]
    names += ["hang", "threads"] if backend == "bubblewrap" else []
    python = [sys.executable]
    path = [str(Path(__file__).parents[3]), *(p for p in sys.path if p.endswith("site-packages"))]
    command: list[str] = []
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all", "--"]
        if subprocess.run([*command, sys.executable, "-c", VISIBLE], capture_output=True).returncode:
            version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
            found = shutil.which(version, path="/usr/bin")
            if found is None:
                pytest.skip(f"nobody may run {sys.executable}, and there is no /usr/bin/{version}")
            python = [found]
    done = subprocess.run(
        [*command, *python, "-B", "-c", ORDINARY_USER, backend, str(open_folder), *names],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": ":".join(path), "HOME": "/"},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert f"name='{backend}'" in done.stdout
    assert "privileged=False" in done.stdout
    for name in names:
        assert f"{name} ['failed', 'truncated']" in done.stdout


def test_a_box_says_why_it_did_not_start() -> None:
    backend = IsolationBackend("nothing", namespaces=False)
    with pytest.raises(PlayerFailed, match="no kind of agent"):
        Box(Payload("nonsense", "x", b"", "breakout"), backend, SandboxLimits(), 1)


def test_an_onnx_agent_plays_as_it_does_outside(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
    pytest.importorskip("onnx", reason="the extra `onnx` is not installed")
    from benchmarks.agent_files import onnx_model, onnx_package, zip_of

    path = tmp_path / "agent.zip"
    path.write_bytes(zip_of(onnx_package(onnx_model())))
    rules = named_rules("breakout").varied(max_frames=60)
    with closing(sandboxed_player(str(path), BREAKOUT)) as player:
        player.info = replace(player.info, name="Renamed")
        inside = {r.seed: r for r in play_seeds(player, rules, range(3))}
    outside = {r.seed: r.actions for r in play_seeds(load_player(str(path), BREAKOUT), rules, range(3))}
    assert {seed: r.actions for seed, r in inside.items()} == outside
    assert {r.player.name for r in inside.values()} == {"Renamed"}
