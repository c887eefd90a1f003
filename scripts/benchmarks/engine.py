"""Figures of the engine: verification, evaluation, recording and the start of the command line."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stable_baselines3.common.vec_env import VecFrameStack

from benchmarks.figure import Figure, alternate, median_ratio, spread, timed

GAMES = ("breakout", "ms_pacman", "space_invaders")
ROUNDS = 5
RECORDING_ROUNDS = 15
"""More and shorter ones: the difference is a few per cent of what is compared."""
EVALUATED = "space_invaders"
HOUSE_BOT = "space_invaders-quick.zip"
SEEDS = 128


def run() -> Iterator[Figure]:
    """Yield every figure of this suite."""
    folder = Path(tempfile.mkdtemp(prefix="arena-benchmark-"))
    try:
        recordings = _recordings(folder / "recordings")
        yield _verification(recordings)
        yield _two_processes(recordings)
        yield _recording(folder)
        yield _evaluation(folder)
        yield _help()
    finally:
        shutil.rmtree(folder)


def _recordings(folder: Path) -> list[Path]:
    from arena.engine.evaluate import evaluate
    from envs.rules import named_rules
    from recordings.storage import save

    return [
        save(recording, folder) for game in GAMES for recording in evaluate("script:basic", named_rules(game), range(8))
    ]


def _verification(paths: list[Path]) -> Figure:

    from arena.engine.verify import verify
    from envs.environment import ArenaEnv
    from recordings.codec import read

    recordings = [read(path) for path in paths[::8]]
    envs = {r.rules: ArenaEnv(r.rules, obs_type="ram") for r in recordings}

    def bare() -> None:
        for recording in recordings:
            env = envs[recording.rules]
            env.start(recording.seed)
            ale = env.ale
            for action in recording.actions:
                ale.act(action)

    def ours() -> None:
        for recording in recordings:
            assert verify(recording).ok

    ours()  # makes the environments that verification keeps
    measured = alternate({"bare": lambda: timed(bare), "verify": lambda: timed(ours)}, ROUNDS)
    frames = sum(r.frames for r in recordings)
    return Figure(
        "verification per core against a bare ALEInterface.act loop",
        median_ratio(measured["bare"], measured["verify"]),
        ">= 0.9",
        f"{len(recordings)} games of {', '.join(GAMES)}, {frames:,} frames, ROM loading on both sides, "
        f"{ROUNDS} alternating rounds",
        detail={name: spread([frames / s for s in seconds]) for name, seconds in measured.items()},
    )


def _two_processes(paths: list[Path]) -> Figure:
    from arena.engine.verify import verify_files

    def with_processes(count: int) -> None:
        assert all(outcome.ok for _, _, outcome in verify_files(paths, count))

    measured = alternate(
        {"one": lambda: timed(lambda: with_processes(1)), "two": lambda: timed(lambda: with_processes(2))}, 1
    )
    return Figure(
        "verification with two processes against one",
        median_ratio(measured["one"], measured["two"]),
        ">= 1.8",
        f"{len(paths)} recordings, start of the processes included, one round",
        detail={name: spread(seconds) for name, seconds in measured.items()},
    )


def _recording(folder: Path) -> Figure:
    from agents.load import load_player
    from arena.engine.match import Match, RecordingObserver
    from envs.games import find_game
    from envs.rules import named_rules
    from recordings.storage import save

    rules = named_rules("space_invaders")
    players = [load_player("script:basic", find_game("space_invaders"))]
    match = Match(rules, range(1), players)

    def plain() -> None:
        for _ in match.play():
            pass

    def recorded() -> None:
        target = folder / "recorded"
        saved: list[Path] = []
        observe = RecordingObserver(rules, players, lambda recording: saved.append(save(recording, target)), target)
        for turn in match.play():
            observe(turn)

    measured = alternate({"plain": lambda: timed(plain), "recorded": lambda: timed(recorded)}, RECORDING_ROUNDS)
    return Figure(
        "what recording adds to a match",
        100 * (median_ratio(measured["recorded"], measured["plain"]) - 1),
        "< 2",
        "script:basic plays space_invaders on one seed, journal and final file included, "
        f"{RECORDING_ROUNDS} alternating rounds",
        unit=" %",
        detail={name: spread(seconds) for name, seconds in measured.items()},
    )


def _evaluation(folder: Path) -> Figure:
    """A house bot's weights in SB3's own network: games of a usual length."""
    import torch
    from stable_baselines3 import PPO

    from agents.load import ZOO
    from agents.packages import admit
    from agents.packages.package import Sb3Network
    from arena.engine.evaluate import evaluate
    from envs.rules import named_rules

    agent = folder / "agent.zip"
    env = _sb3_env(1)
    model = PPO("CnnPolicy", env, n_steps=8, batch_size=8, device="cpu")
    network = admit(ZOO / HOUSE_BOT).network
    assert isinstance(network, Sb3Network)
    model.policy.load_state_dict({name: torch.from_numpy(t) for name, t in network.tensors.items()}, strict=False)
    model.save(agent)
    env.close()
    rules = named_rules(EVALUATED)

    def ours() -> float:
        begin = time.perf_counter()
        frames = sum(recording.frames for recording in evaluate(str(agent), rules, range(SEEDS)))
        return frames / (time.perf_counter() - begin)

    measured = alternate({"arena": ours, "sb3": lambda: _sb3_frames_per_second(agent)}, 2)
    return Figure(
        "evaluation of an SB3 agent against SB3's own way, in frames per second",
        median_ratio(measured["arena"], measured["sb3"]),
        ">= 2.5",
        f"{EVALUATED}: {SEEDS} whole games with recordings, start of the processes included; SB3: "
        "make_atari_env with 8 environments, VecFrameStack, predict in a loop, 3,000 steps after warming up; "
        "2 alternating rounds",
        detail={name: spread(rates) for name, rates in measured.items()},
    )


def _sb3_env(count: int) -> VecFrameStack:
    import ale_py
    import gymnasium
    from stable_baselines3.common.env_util import make_atari_env

    gymnasium.register_envs(ale_py)
    venv = make_atari_env(
        "ALE/SpaceInvaders-v5",
        n_envs=count,
        seed=0,
        env_kwargs={"frameskip": 1, "repeat_action_probability": 0.25},
        wrapper_kwargs={"terminal_on_life_loss": False, "clip_reward": False},
    )
    return VecFrameStack(venv, 4)


def _sb3_frames_per_second(agent: Path) -> float:
    from stable_baselines3 import PPO

    env = _sb3_env(8)
    model = PPO.load(agent, device="cpu")
    latest: Any = env.reset()

    def steps(count: int) -> None:
        nonlocal latest
        for _ in range(count):
            actions, _ = model.predict(latest, deterministic=False)
            latest, _, _, _ = env.step(actions)

    steps(100)
    seconds = timed(lambda: steps(3000))
    env.close()
    return 3000 * 8 * 4 / seconds


def _help() -> Figure:
    command = [str(Path(sys.executable).with_name("arena")), "--help"]
    seconds = [timed(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(21)]
    return Figure(
        "arena --help", spread(seconds)["median"], "< 0.3", "median of 21 starts", unit=" s", detail=spread(seconds)
    )
