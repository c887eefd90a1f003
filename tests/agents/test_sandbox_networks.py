"""Trained networks in a real sandbox: they play as they do outside, to the byte, and their process may break down."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from benchmarks.agent_files import TOML, onnx_model, onnx_package, package, sb3_zip, tensors, zip_of

from agents.delay import delayed
from agents.load import load_player
from agents.player import Player, PlayerFailed
from agents.sandbox.box import _descendants
from agents.sandbox.limits import Limits
from agents.sandbox.network import SandboxedNetworkPlayer, network_player
from agents.sandbox.player import SandboxedBot, cargo_of, sandboxed_player
from agents.sandbox.wall import Wall, walls
from arena.evaluate import play_seeds
from envs.environment import ArenaEnv
from envs.errors import AgentError
from envs.games import find_game
from envs.rules import Rules, named_rules
from envs.step import End
from recordings.codec import encode
from tests.contracts.player import PlayerContract

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox exists on Linux")

BREAKOUT = find_game("breakout")
RULES = named_rules("breakout").varied(max_frames=61)
SEEDS = range(40, 50)
"""More than are played side by side."""


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def agent(tmp_path: Path) -> str:
    path = tmp_path / "agent.zip"
    path.write_bytes(zip_of(package()))
    return str(path)


def bold(stack: int = 4) -> dict[str, np.ndarray]:
    """Weights large enough that what it sees changes what it does."""
    return {name: numbers * 8 for name, numbers in tensors(stack=stack).items()}


def toml(more: str) -> str:
    return TOML + more + "\n"


AGENTS = {
    "as SB3 saves it": sb3_zip,
    "every frame": lambda: package(toml("frame_skip = 1"), bold()),
    "every third frame of two": lambda: package(toml("frame_skip = 3\nstack = 2"), bold(2)),
    "eight pictures": lambda: package(toml("stack = 8"), bold(8)),
    "SB3's wrappers": lambda: package(toml('preprocessing = "sb3-wrappers-84"'), bold()),
    "outputs in another order": lambda: package(TOML.replace("[0, 1, 3, 4]", "[4, 3, 1, 0]"), bold()),
    "ONNX": lambda: onnx_package(onnx_model()),
    "ONNX, channels last": lambda: onnx_package(
        onnx_model(shape=("batch", 84, 84, 4), weights=np.eye(28, 4, dtype=np.float32)), 'layout = "nhwc"\n'
    ),
}


def games(player: Player, rules: Rules = RULES) -> dict[int, bytes]:
    """The files of its games, but for the moment at which they began."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    with closing(player):
        return {r.seed: encode(r.model_copy(update={"started_at": moment})) for r in play_seeds(player, rules, SEEDS)}


class TestNetwork(PlayerContract):
    def make_player(self, rules: Rules) -> Player:
        return sandboxed_player(f"{rules.game}-quick", find_game(rules.game))


@pytest.mark.parametrize("name", AGENTS)
def test_the_recordings_are_those_of_outside(name: str, tmp_path: Path) -> None:
    if name.startswith("ONNX"):
        pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
    path = tmp_path / "agent.zip"
    path.write_bytes(zip_of(AGENTS[name]()))
    inside = games(sandboxed_player(str(path), BREAKOUT))
    assert inside == games(load_player(str(path), BREAKOUT))
    assert len(set(inside.values())) == len(SEEDS)


def test_they_are_with_slow_hands_too(agent: str) -> None:
    inside = games(delayed(sandboxed_player(agent, BREAKOUT), 100))
    assert inside == games(delayed(load_player(agent, BREAKOUT), 100))


@pytest.mark.parametrize("wall", walls(), ids=lambda wall: f"{wall.name}{' as root' if wall.privileged else ''}")
def test_they_are_behind_every_wall(wall: Wall, agent: str) -> None:
    cargo = cargo_of(agent, BREAKOUT)
    inside = games(network_player(SandboxedBot(cargo, wall, Limits()), cargo))
    assert inside == games(load_player(agent, BREAKOUT))


# -- what goes wrong -------------------------------------------------------------------------------------------------


@pytest.fixture
def player(agent: str) -> Iterator[SandboxedNetworkPlayer]:
    player = sandboxed_player(agent, BREAKOUT)
    assert isinstance(player, SandboxedNetworkPlayer)
    with closing(player):
        yield player


def kill(player: SandboxedNetworkPlayer) -> None:
    """End the process with the network in it, as the kernel does when memory runs out."""
    process = player.bot.process.running()._process  # type: ignore[attr-defined]
    os.kill([process.pid, *_descendants(process.pid)][-1], signal.SIGKILL)
    process.wait()


def test_a_network_whose_process_dies_forfeits_all_its_games_and_plays_the_next(
    player: SandboxedNetworkPlayer,
) -> None:
    other = player.another()
    env = ArenaEnv(RULES)
    step = env.start(1)
    for one in (player, other):
        one.reset(seed=1, action_set=RULES.action_set)
    assert len(player.act_many([player, other], [step, step])) == 2
    kill(player)
    step = env.advance(0)
    while step.t < 4:  # it holds its action, and nobody needs the process
        step = env.advance(player.act(step))
    with pytest.raises(PlayerFailed, match=r"killed by signal 9|ended with"):
        player.act_many([player, other], [step, step])
    assert player.failure == other.failure is not None
    with pytest.raises(PlayerFailed, match="in another game"):
        other.decide([(other, step)])
    recordings = list(play_seeds(player, RULES, [1, 2]))
    assert [r.end for r in recordings] == [End.TRUNCATED] * 2
    assert player.failure is None
    other.close()
    env.close()


def test_a_network_that_dies_again_and_again_is_left_alone(player: SandboxedNetworkPlayer) -> None:
    for _ in range(2):
        player.reset(seed=1, action_set=RULES.action_set)
        kill(player)
        with ArenaEnv(RULES) as env, pytest.raises(PlayerFailed):
            player.act(env.start(1))
    with pytest.raises(PlayerFailed, match="isn't started again"):
        player.reset(seed=1, action_set=RULES.action_set)
    assert "isn't started again" in str(player.failure)


def test_a_networks_time_is_counted(agent: str) -> None:
    with closing(sandboxed_player(agent, BREAKOUT, Limits(grace=0))) as player, ArenaEnv(RULES) as env:
        player.reset(seed=1, action_set=RULES.action_set)
        with pytest.raises(PlayerFailed, match="has thought for 0 s by frame 0"):
            player.act(env.start(1))
        assert player.failure is not None
        assert not player.seat._bot.running().alive


def test_a_network_that_hangs_is_ended(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
    from onnx import helper, numpy_helper

    model = onnx_model()
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((4, 4_000_000), np.float32), "wide"))
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((4_000_000, 4), np.float32), "narrow"))
    model.graph.node[-1].output[0] = "few"
    model.graph.node.append(helper.make_node("MatMul", ["few", "wide"], ["many"]))
    model.graph.node.append(helper.make_node("MatMul", ["many", "narrow"], ["logits"]))
    path = tmp_path / "agent.zip"
    path.write_bytes(zip_of(onnx_package(model)))
    with closing(sandboxed_player(str(path), BREAKOUT, Limits(decision=0.001))) as player, ArenaEnv(RULES) as env:
        player.reset(seed=1, action_set=RULES.action_set)
        with pytest.raises(PlayerFailed, match=r"gave no decision within 0\.001 s; its process was ended"):
            player.act(env.start(1))


def test_what_is_closed_plays_no_more_and_leaves_no_process(player: SandboxedNetworkPlayer) -> None:
    other = player.another()
    box = player.bot.process.running()  # type: ignore[attr-defined]
    player.close()
    player.close()
    assert box.alive  # the other one's
    with pytest.raises(PlayerFailed, match="was closed"):
        player.reset(seed=1, action_set=RULES.action_set)
    other.close()
    assert not box.alive
    with pytest.raises(AgentError, match="these rules have 18"):
        other.reset(seed=1, action_set=tuple(range(18)))
