"""The document on the recording format is enough: a verifier written from it agrees with the arena's own."""

from __future__ import annotations

import ast
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.player import PlayerQuit
from arena.engine.evaluate import play_seeds
from arena.engine.verify import verify
from envs.environment import ale_seed_of
from envs.errors import ArenaError
from envs.games import GAMES
from envs.rules import named_rules
from envs.step import End
from recordings.codec import decode, encode, read
from recordings.recording import Recording
from recordings.storage import save
from tests import independent_verifier as independent
from tests.doubles import Dice, Says
from tests.forging import PATHS, VALUES, packed, with_field

ROOT = Path(__file__).parent.parent
SOURCE = Path(__file__).with_name("independent_verifier.py")
SHORT = 700


def agree(data: bytes) -> bool:
    """What both verifiers say of a file; they must say the same."""
    try:
        ours = verify(decode(data)).ok
    except ArenaError:
        ours = False
    try:
        independent.verify(data)
        theirs = True
    except independent.Refused:
        theirs = False
    assert ours == theirs
    return ours


@pytest.fixture(scope="module")
def played() -> dict[str, Recording]:
    """A game of each, cut after 700 frames where it takes longer."""
    return {
        game: next(play_seeds(Dice(), named_rules(game).varied(max_frames=SHORT), [n])) for n, game in enumerate(GAMES)
    }


def test_it_imports_nothing_of_ours() -> None:
    imported = set()
    for node in ast.walk(ast.parse(SOURCE.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(str(node.module).split(".")[0])
    assert imported <= {*sys.stdlib_module_names, "ale_py"}


def test_it_runs_by_itself(played: dict[str, Recording], tmp_path: Path) -> None:
    """In a folder where there is nothing of the arena, in Python's isolated mode."""
    copy = tmp_path / "verifier.py"
    copy.write_bytes(SOURCE.read_bytes())
    good = [str(save(recording, tmp_path)) for recording in played.values()]
    bad = tmp_path / "bad.arena.zip"
    bad.write_bytes(encode(next(iter(played.values())).model_copy(update={"score": 10**6})))
    command = [sys.executable, "-I", copy, *good]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["good"] * len(good)
    done = subprocess.run([*command, bad], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith(f"refused {bad}: the score is")


def test_the_mapping_of_seeds() -> None:
    rng = random.Random(0)
    seeds = [0, 1, 2**32 - 1, 2**32, 2**53 - 1, *(rng.randrange(2**53) for _ in range(300))]
    for seed in seeds:
        assert independent.ale_seed(seed) == ale_seed_of(seed)
        assert independent.ale_seed(seed) % 2**32 == int(np.random.SeedSequence(seed).generate_state(2)[1])


@pytest.mark.parametrize("game", GAMES)
def test_fresh_recordings(played: dict[str, Recording], game: str) -> None:
    assert agree(encode(played[game]))


def test_every_end() -> None:
    ends = {}
    rules = named_rules("breakout")
    for player in (Dice(), Says(0, 1, 3, independent.Refused()), Says(0, 5)):
        recording = next(play_seeds(player, rules, [1]))
        ends[recording.end] = agree(encode(recording))
    left = next(play_seeds(Dice(), rules.varied(max_frames=30), [1]))
    ends[left.end] = agree(encode(left))
    quit_early = left.model_copy(update={"end": End.QUIT, "rules": rules})
    ends[End.QUIT] = agree(encode(quit_early))
    assert ends == dict.fromkeys(End, True)


def change(recording: Recording, **changes: Any) -> bytes:
    return encode(recording.model_copy(update=changes))


def edited(recording: Recording) -> bytes:
    codes = recording.rules.action_set
    actions = bytearray(recording.actions)
    actions[300:320] = bytes(codes[(codes.index(code) + 1) % len(codes)] for code in actions[300:320])
    return change(recording, actions=bytes(actions))


FORGERIES: dict[str, Callable[[Recording], bytes]] = {
    "score": lambda r: change(r, score=r.score + 1),
    "digest": lambda r: change(r, digest="0" * 64),
    "checkpoint": lambda r: change(r, checkpoints=("0" * 64,) * len(r.checkpoints)),
    "actions": edited,
    "seed": lambda r: change(r, seed=99, ale_seed=ale_seed_of(99)),
    "longer": lambda r: change(r, actions=r.actions + r.actions[-1:], frames=r.frames + 1),
    "shorter": lambda r: change(r, actions=r.actions[:-1], frames=r.frames - 1, end=End.QUIT),
    "end": lambda r: change(r, end=End.QUIT),
    "other end": lambda r: change(r, end=End.FAILED),
    "sticky": lambda r: change(r, rules=r.rules.varied(sticky=0.0)),
    "ROM": lambda r: change(r, rules=r.rules.varied(rom_sha256="1" * 64)),
    "mode": lambda r: change(r, rules=r.rules.varied(mode=200)),
    "game": lambda r: change(r, rules=r.rules.varied(game="no_such_game")),
}


@pytest.mark.filterwarnings("ignore:Rom .* not supported:UserWarning")  # ale-py's way to say so
@pytest.mark.parametrize("forgery", FORGERIES)
def test_forgeries(played: dict[str, Recording], forgery: str) -> None:
    assert not agree(FORGERIES[forgery](played["space_invaders"]))


def test_what_no_verifier_can_know(played: dict[str, Recording]) -> None:
    """Who played, and when, is said by who keeps the recording, not by the game."""
    recording = played["pacman"]
    player = recording.player.model_copy(update={"name": "Eve", "kind": "human"})
    assert agree(change(recording, player=player, ale_py="0.9.9"))


def test_changed_bytes(played: dict[str, Recording]) -> None:
    rng = random.Random(3)
    whole = encode(played["breakout"])
    for _ in range(300):
        data = bytearray(whole)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        assert not agree(bytes(data))
    assert not agree(packed(played["breakout"].actions, b"[" * 10**5))


@pytest.mark.filterwarnings("ignore:Rom .* not supported:UserWarning")  # ale-py's way to say so
@pytest.mark.parametrize("path", PATHS)
def test_changed_values(path: str) -> None:
    """A value of every sort in every place: both verifiers refuse it, or both accept."""
    recording = next(play_seeds(Says(0, 1, PlayerQuit()), named_rules("breakout"), [1]))
    accepted = [value for value in VALUES if agree(with_field(recording, path, value, sealed=path != "rules_id"))]
    assert len(accepted) < len(VALUES) / 2


def test_golden_recordings() -> None:
    for path in (ROOT / "recordings" / "golden").glob("*.arena.zip"):
        assert independent.verify(path.read_bytes())["score"] == read(path).score
