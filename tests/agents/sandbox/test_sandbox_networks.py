"""Trained networks in a real sandbox: they play as they do outside, to the byte, and their process may break down."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.agent_files import TOML, Members, onnx_model, onnx_package, package, sb3_zip, zip_of

from agents.delay import delayed
from agents.load import load_player
from agents.player import Player, PlayerFailed
from agents.sandbox.bot import SandboxedBot
from agents.sandbox.box import _descendants
from agents.sandbox.isolation import IsolationBackend, backends
from agents.sandbox.limits import BREAKDOWNS, SandboxLimits
from agents.sandbox.network import SandboxedNetworkPlayer, network_player
from agents.sandbox.payload import Payload
from agents.sandbox.player import payload_of, player_in_sandbox, sandboxed_player
from arena.engine.evaluate import play_seeds
from envs.environment import ArenaEnv
from envs.errors import AgentError
from envs.games import find_game
from envs.rules import Rules, named_rules
from envs.step import End
from recordings.codec import encode
from tests.contracts.player import PlayerContract

pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
pytest.importorskip("onnx", reason="the extra `onnx` is not installed")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox exists on Linux")

BREAKOUT = find_game("breakout")
RULES = named_rules("breakout").varied(max_frames=61)
MANY, FEW = range(40, 50), range(40, 43)
"""Seeds; more than are played side by side, and fewer."""


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def onnx_agent(settings: str = "", stack: int = 4, model: Any = None) -> Members:
    """A package whose network is quick to load, and acts by what it sees."""
    weights = np.random.default_rng(1).standard_normal((49 * stack, 4)).astype(np.float32) / 50
    members = dict(onnx_package(model or onnx_model(shape=("batch", stack, 84, 84), weights=weights)))
    return members | {"agent.toml": f"{settings}\n".encode() + members["agent.toml"]}


def channels_last() -> Members:
    weights = np.random.default_rng(1).standard_normal((84 * 84 * 4, 4)).astype(np.float32) / 500
    model = onnx_model(shape=("batch", 84, 84, 4), weights=weights)
    del model.graph.node[1]  # the means, which are made of neighbours in the last two axes
    model.graph.node[1].input[0] = "floats"
    return onnx_package(model, 'layout = "nhwc"\n')


AGENTS: dict[str, Callable[[], Members]] = {
    "as SB3 saves it": sb3_zip,
    "SB3's wrappers": lambda: package(TOML + 'preprocessing = "sb3-wrappers-84"\n'),
    "ONNX": onnx_agent,
    "every frame": lambda: onnx_agent("frame_skip = 1"),
    "every third frame of two": lambda: onnx_agent("frame_skip = 3\nstack = 2", 2),
    "eight pictures": lambda: onnx_agent("stack = 8", 8),
    "channels last": channels_last,
}


@pytest.fixture
def agent(tmp_path: Path) -> str:
    path = tmp_path / "agent.zip"
    path.write_bytes(zip_of(onnx_agent()))
    return str(path)


def games(player: Player, seeds: range = FEW) -> dict[int, bytes]:
    """The files of its games, but for the moment at which they began."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    with closing(player):
        return {r.seed: encode(r.model_copy(update={"started_at": moment})) for r in play_seeds(player, RULES, seeds)}


class TestNetwork(PlayerContract):
    def make_player(self, rules: Rules) -> Player:
        return player_in_sandbox(Payload("weights", "Tester", zip_of(onnx_agent()), rules.game))


@pytest.mark.parametrize("name", AGENTS)
def test_the_recordings_are_those_of_outside(name: str, tmp_path: Path) -> None:
    path = tmp_path / "agent.zip"
    path.write_bytes(zip_of(AGENTS[name]()))
    seeds = MANY if name == "ONNX" else FEW
    inside = games(sandboxed_player(str(path), BREAKOUT), seeds)
    assert inside == games(load_player(str(path), BREAKOUT), seeds)
    assert len(set(inside.values())) == len(seeds)


def test_they_are_with_slow_hands_too(agent: str) -> None:
    inside = games(delayed(sandboxed_player(agent, BREAKOUT), 100))
    assert inside == games(delayed(load_player(agent, BREAKOUT), 100))


@pytest.mark.parametrize(
    "backend", backends(), ids=lambda backend: f"{backend.name}{' as root' if backend.privileged else ''}"
)
def test_they_run_in_every_backend(backend: IsolationBackend, tmp_path: Path) -> None:
    """With torch, which needs more of the system than onnxruntime."""
    path = tmp_path / "agent.zip"
    path.write_bytes(zip_of(package()))
    payload = payload_of(str(path), BREAKOUT)
    inside = games(network_player(SandboxedBot(payload, backend, SandboxLimits()), payload))
    assert inside == games(load_player(str(path), BREAKOUT))


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
    for _ in range(BREAKDOWNS):
        player.reset(seed=1, action_set=RULES.action_set)
        kill(player)
        with ArenaEnv(RULES) as env, pytest.raises(PlayerFailed):
            player.act(env.start(1))
    with pytest.raises(PlayerFailed, match="isn't started again"):
        player.reset(seed=1, action_set=RULES.action_set)
    assert "isn't started again" in str(player.failure)


def test_a_networks_time_is_counted(agent: str) -> None:
    with closing(sandboxed_player(agent, BREAKOUT, SandboxLimits(grace=0))) as player, ArenaEnv(RULES) as env:
        player.reset(seed=1, action_set=RULES.action_set)
        with pytest.raises(PlayerFailed, match="has thought for 0 s by frame 0"):
            player.act(env.start(1))
        assert player.failure is not None
        assert not player.seat._bot.running().alive


TIMES = 60
"""So often a slow network goes through all its weights: it isn't ready before anybody looks, on the busiest machine."""


def test_a_network_that_hangs_is_ended(tmp_path: Path) -> None:
    from onnx import helper, numpy_helper

    model = onnx_model()
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((4, 1_500_000), np.float32), "wide"))
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((1_500_000, 4), np.float32), "narrow"))
    model.graph.node[-1].output[0] = "few 0"
    for number in range(TIMES):
        last = "logits" if number == TIMES - 1 else f"few {number + 1}"
        model.graph.node.append(helper.make_node("MatMul", [f"few {number}", "wide"], [f"many {number}"]))
        model.graph.node.append(helper.make_node("MatMul", [f"many {number}", "narrow"], [last]))
    path = tmp_path / "agent.zip"
    path.write_bytes(zip_of(onnx_package(model)))
    with (
        closing(sandboxed_player(str(path), BREAKOUT, SandboxLimits(decision=0.001))) as player,
        ArenaEnv(RULES) as env,
    ):
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
    with pytest.raises(AgentError, match="these rules have 2,"):
        other.reset(seed=1, action_set=(0, 1))
