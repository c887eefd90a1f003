"""Agents' files: sound ones are admitted, hostile and broken ones are refused by name, and nothing in them is run."""

from __future__ import annotations

import base64
import json
import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from benchmarks.agent_files import TOML, model_of_20_mb, onnx_model, onnx_package, package, sb3_zip, tensors, zip_of
from benchmarks.attack_files import ATTACKS, Attack, Canary, attacks

from agents.load import player_of
from agents.packages import HINTS, AgentPackage, AgentRefused, admit, admit_bytes
from agents.packages.package import Sb3Network
from envs.errors import AgentError
from envs.games import GAMES
from envs.rules import named_rules

ROOT = Path(__file__).parents[3]
BREAKOUT = GAMES["breakout"]
MUTATIONS = 20_000 if os.environ.get("ARENA_SOAK") else 400


# -- sound files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [0, 8], ids=["stored", "deflated"])
def test_a_package_is_read(tmp_path: Path, method: int) -> None:
    path = tmp_path / "mine.zip"
    path.write_bytes(zip_of({**package(), "README.md": b"hello"}, method))
    agent = admit(path)
    assert (agent.name, agent.kind, agent.games, agent.actions) == ("Tester", "sb3", ("breakout",), 4)
    assert isinstance(agent.network, Sb3Network)
    assert agent.network.tensors.keys() == tensors().keys()
    assert all(np.array_equal(agent.network.tensors[name], numbers) for name, numbers in tensors().items())
    assert agent.content == path.read_bytes()
    assert admit_bytes(agent.content, "memory").sha256 == agent.sha256


def test_a_folder_is_the_zip_that_it_makes(tmp_path: Path) -> None:
    for name, content in package().items():
        (tmp_path / name).write_bytes(content)
    agent = admit(tmp_path)
    (tmp_path.parent / "packed.zip").write_bytes(agent.content)
    assert admit(tmp_path.parent / "packed.zip").sha256 == agent.sha256


def test_an_sb3_zip_has_the_name_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "my \u202eagent with a name of more than thirty-two letters.zip"
    path.write_bytes(zip_of(sb3_zip()))
    agent = admit(path)
    assert agent.name == "my agent with a name of more tha"
    assert agent.settings is None
    assert agent.games == ()


def test_every_byte_counts_for_the_identity(tmp_path: Path) -> None:
    one = admit_bytes(zip_of(package()), "a")
    other = admit_bytes(zip_of(package(TOML + "\n")), "b")
    assert one.sha256 != other.sha256


@pytest.mark.parametrize("kind", [np.float16, np.float64, "bfloat16"])
def test_other_floats_are_read_as_float32(kind: object) -> None:
    import safetensors.torch
    import torch

    half = getattr(torch, "bfloat16" if kind == "bfloat16" else np.dtype(str(np.dtype(kind))).name)  # type: ignore[call-overload]
    state = {name: torch.from_numpy(numbers).to(half) for name, numbers in tensors().items()}
    agent = admit_bytes(zip_of({**package(), "weights.safetensors": safetensors.torch.save(state)}), "x")
    assert isinstance(agent.network, Sb3Network)
    for name, tensor in state.items():
        assert np.array_equal(agent.network.tensors[name], tensor.float().numpy())


def test_twenty_megabytes_are_admitted(tmp_path: Path) -> None:
    model_of_20_mb(tmp_path / "a.zip")
    assert (tmp_path / "a.zip").stat().st_size > 19e6
    assert admit(tmp_path / "a.zip").actions == 4


# -- attacks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=list(ATTACKS))
def test_an_attack_is_refused_by_name(tmp_path: Path, attack: Attack) -> None:
    path = tmp_path / "agent.zip"
    attack.make(path, Canary(tmp_path))
    with pytest.raises(AgentRefused) as caught:
        admit(path)
    assert caught.value.code == attack.code
    assert_plain(caught.value)


def assert_plain(refused: AgentRefused) -> None:
    """One line that names the code and what to do, and that any terminal can show."""
    text = str(refused)
    assert text.isprintable()
    assert len(text) < 1200
    assert f"({refused.code})" in text
    assert refused.hint in text
    assert pickle.loads(pickle.dumps(refused)).code == refused.code  # it comes out of other processes


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, code in ((tmp_path, "file-kind"), (tmp_path / "pipe", "file-kind"), (tmp_path / "no", "file-unreadable")):
        with pytest.raises(AgentRefused) as caught:
            admit(path)
        assert caught.value.code == code


def test_another_game_is_refused() -> None:
    agent = admit_bytes(zip_of(package()), "x")
    with pytest.raises(AgentRefused, match="was trained for breakout, not for pacman") as caught:
        agent.check_game(GAMES["pacman"])
    assert caught.value.code == "game-other"


def test_every_code_is_used() -> None:
    sources = "".join(path.read_text() for folder in ("agents", "arena") for path in (ROOT / folder).rglob("*.py"))
    unused = [code for code in HINTS if sources.count(f'"{code}"') < 2]
    assert unused == []


WATCHER = """
import json, sys
from pathlib import Path
from agents.packages import AgentRefused, admit

def refuse_all():
    for path in sorted(Path(sys.argv[1]).glob("*.zip")):
        try:
            admit(path)
        except AgentRefused:
            continue
        raise SystemExit(f"{path} was admitted")

WATCHED = ("os.system", "os.exec", "os.fork", "os.posix_spawn", "os.remove", "subprocess.Popen", "socket.", "ctypes.",
           "pickle.find_class", "exec", "compile", "import")
seen = []
def watch(event, arguments):
    if event.startswith(WATCHED) or (event == "open" and arguments[1] not in ("r", "rb", None)):
        seen.append(event)

refuse_all()  # imports what it imports
sys.addaudithook(watch)
refuse_all()
watched = list(seen)
if len(sys.argv) > 2:
    import pickle
    pickle.loads(Path(sys.argv[2]).read_bytes())
print(json.dumps({"torch": "torch" in sys.modules, "while admitting": watched, "afterwards": seen}))
"""


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[tuple[Canary, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield Canary(tmp_path, listener.getsockname()[1]), listener


def watched(folder: Path, *more: Path) -> dict[str, list[str]]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WATCHER, folder, *more], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_nothing_in_an_attack_is_run(tmp_path: Path, canary: tuple[Canary, socket.socket]) -> None:
    """No file, no process, no connection; Python's own audit sees no import, no unpickling, no execution."""
    bird, listener = canary
    folder = tmp_path / "files"
    assert attacks(folder, bird).keys() == ATTACKS.keys()
    found = watched(folder)
    assert found["while admitting"] == []
    assert not found["torch"]
    assert not (tmp_path / "file").exists()
    assert not (tmp_path / "process").exists()
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_the_canaries_would_sing(tmp_path: Path, canary: tuple[Canary, socket.socket]) -> None:
    bird, listener = canary
    (tmp_path / "none").mkdir()
    (tmp_path / "hostile").write_bytes(pickle.dumps(bird))
    found = watched(tmp_path / "none", tmp_path / "hostile")
    assert {"pickle.find_class", "exec", "subprocess.Popen", "socket.connect"} <= set(found["afterwards"])
    assert (tmp_path / "file").exists()
    assert (tmp_path / "process").exists()
    listener.accept()[0].close()


def test_code_that_hides_in_data_is_not_run_either(tmp_path: Path) -> None:
    """What `read_data` doesn't find: the lamp is dark, the wall stands."""
    text = base64.b64encode(pickle.dumps(Canary(tmp_path))).decode()
    hidden = json.dumps({"policy_class": {":serialized:": text}}).replace(":serialized:", "\\u003aserialized:")
    assert json.loads(hidden)["policy_class"][":serialized:"] == text  # as SB3 would read it
    agent = admit_bytes(zip_of(sb3_zip(data=hidden.encode())), "x")
    player = player_of(agent, BREAKOUT)
    player.reset(seed=0, action_set=named_rules(BREAKOUT).action_set)
    assert list(tmp_path.iterdir()) == []


# -- mutations -------------------------------------------------------------------------------------------------------


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Return `content` with a few bytes changed, removed, doubled or added."""
    changed = bytearray(content)
    for _ in range(rng.integers(1, 6)):
        at = int(rng.integers(0, max(1, len(changed))))
        length = int(rng.integers(1, 40))
        match rng.integers(0, 5):
            case 0:
                changed[at : at + 1] = rng.bytes(1)
            case 1:
                changed[at : at + length] = b""
            case 2:
                changed[at:at] = changed[at : at + length]
            case 3:
                changed[at : at + length] = rng.bytes(length)
            case _:
                changed[at : at + 4] = [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"][rng.integers(0, 3)]
    return bytes(changed)


def variants(rng: np.random.Generator) -> Iterator[bytes]:
    """Yield mutations of files, of members with their checksums made right again, and of the zip within policy.pth."""
    import io
    import zipfile

    bases = [dict(package()), dict(sb3_zip()), dict(onnx_package(onnx_model()))]
    while True:
        for base in bases:
            yield mutated(zip_of(base), rng)
            for name in base:
                yield zip_of({**base, name: mutated(base[name], rng)})
                yield zip_of({**base, name: mutated(base[name][:300], rng) + base[name][300:]})
        with zipfile.ZipFile(io.BytesIO(bases[1]["policy.pth"])) as inner:
            members = {name: inner.read(name) for name in inner.namelist()}
        pickled = next(name for name in members if name.endswith("data.pkl"))
        yield zip_of({**bases[1], "policy.pth": zip_of({**members, pickled: mutated(members[pickled], rng)})})


def test_mutations_never_break_anything() -> None:
    """Every mutated file is an agent or refused by name; nothing else comes out."""
    rng = np.random.default_rng(5)
    admitted, codes = 0, set()
    for _, content in zip(range(MUTATIONS), variants(rng), strict=False):
        try:
            assert isinstance(admit_bytes(content, "mutant"), AgentPackage)
            admitted += 1
        except AgentRefused as refused:
            codes.add(refused.code)
            assert_plain(refused)
        except AgentError as error:
            pytest.fail(f"an error without a code: {error}")
    assert admitted > MUTATIONS / 100
    assert len(codes) > 8, codes
