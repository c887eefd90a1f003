"""Figures of a person's game: pace with and without load, from key to action, share of a core, start, memory.

Everything runs under Xvfb with the real `arena play` window. `ARENA_PLAY_SECONDS` shortens the ten minutes of play, and
`ARENA_PLAY_GAMES` the 200 games, for a look whether it works; figures taken so are not the ones to publish.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from x_server import x_server

from benchmarks.figure import Figure, spread
from envs.games import FPS

ROOT = Path(__file__).resolve().parents[2]
SECONDS = int(os.environ.get("ARENA_PLAY_SECONDS", "600"))
GAMES = int(os.environ.get("ARENA_PLAY_GAMES", "200"))
STARTS = 5
BURNERS = 2

PLAY = """
import json, random, resource, sys, threading, time
from pathlib import Path
import numpy as np
import pygame
import arena.play.session as session
from arena.ui.frame_clock import FrameClock
from arena.play.limits import PlayLimits
from arena.play.session import play_game
from arena.ui.window import open_stage
from envs.rules import named_rules

seconds, folder = float(sys.argv[1]), Path(sys.argv[2])
rules = named_rules("space_invaders")
keys = [pygame.K_LEFT, pygame.K_RIGHT, pygame.K_SPACE]
over = time.monotonic() + seconds
rng = random.Random(0)
clocks = []

class Kept(FrameClock):
    def __init__(self, most):
        super().__init__(most)
        clocks.append(self)

session.FrameClock = Kept
session._Game.end_screen = lambda self, played: None

def hammer():
    while True:
        key = rng.choice(keys)
        for kind in (pygame.KEYDOWN, pygame.KEYUP):
            time.sleep(rng.uniform(0.02, 0.2))
            pygame.event.post(pygame.event.Event(kind, key=key, unicode=""))
        if time.monotonic() > over:
            pygame.event.post(pygame.event.Event(pygame.QUIT))
            return

with open_stage("benchmark", size=(1024, 768)) as stage:
    threading.Thread(target=hammer, daemon=True).start()
    seed = 0
    began = resource.getrusage(resource.RUSAGE_SELF)
    wall = time.monotonic()
    while not stage.closed:
        play_game(stage, rules, seed, "Bench", folder, limits=PlayLimits(countdown=0, pauses=0))
        seed += 1
    wall = time.monotonic() - wall
    used = resource.getrusage(resource.RUSAGE_SELF)
cpu = used.ru_utime + used.ru_stime - began.ru_utime - began.ru_stime
kept = 1000 * np.concatenate([clock._intervals[: clock._count] for clock in clocks])
print(json.dumps({
    "rate": 1000 * len(kept) / kept.sum(),
    "p50": float(np.percentile(kept, 50)),
    "p99": float(np.percentile(kept, 99)),
    "p99.9": float(np.percentile(kept, 99.9)),
    "max": float(kept.max()),
    "late": sum(clock.late_frames for clock in clocks),
    "frames": len(kept), "games": len(clocks), "core": cpu / wall,
}))
"""
"""A person who hammers on the keys, game after game, each with its journal and its recording as in a ranked game. Every
interval between two frames of a game counts."""

KEY = """
import json, random, threading, time
import pygame
import arena.play.session as session
from arena.ui.frame_clock import FrameClock
from arena.play.limits import PlayLimits
from arena.play.session import play_game
from arena.ui.window import open_stage
from envs.games import LEFT
from envs.rules import named_rules

rules = named_rules("breakout").varied(max_frames=1800)
session._Game.end_screen = lambda self, played: None
pressed, due = [], []
wait = FrameClock.tick

def then_note(self):
    wait(self)
    due.append(time.perf_counter())

FrameClock.tick = then_note

def tap():
    rng = random.Random(0)
    time.sleep(1)
    for _ in range(100):
        time.sleep(rng.uniform(0.15, 0.2))
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_LEFT, unicode=""))
        pressed.append(time.perf_counter())
        time.sleep(0.06)
        pygame.event.post(pygame.event.Event(pygame.KEYUP, key=pygame.K_LEFT))

with open_stage("benchmark", size=(1024, 768)) as stage:
    threading.Thread(target=tap, daemon=True).start()
    played = play_game(stage, rules, 0, "Bench", None, limits=PlayLimits(countdown=0))
actions = played.person.recording.actions
frames, ms = [], []
for at in pressed:
    running = sum(1 for t in due if t <= at) - 1  # the frame that was due before the key
    frame = next((n for n in range(running, len(actions)) if actions[n] == LEFT), None)
    if frame is not None:
        frames.append(frame - running)
        ms.append(max(0.0, 1000 * (due[frame] - at)))
print(json.dumps({"frames": frames, "ms": ms}))
"""
"""Taps at random moments; in which frame of the recording is the action that each of them asked for?"""

START = """
import os, sys, time
began = float(sys.argv[1])
from arena.cli import main
import arena.play.hands as conductor
import arena.ui.window as stage

def first(self):
    self.pygame.display.flip()
    print("first frame", time.time() - began, "torch" in sys.modules, flush=True)
    os._exit(0)

conductor.Conductor._begin = lambda self: None
stage.Stage.show = first
main(["play", "breakout", "--player", "Bench", "--event", sys.argv[2]])
"""
"""`arena play` as a user starts it, up to the first picture of the game; the three seconds of countdown left out."""

MEMORY = """
import gc, json, os, sys
from pathlib import Path
import arena.play.session as session
from arena.ui.frame_clock import FrameClock
from arena.play.limits import PlayLimits
from arena.play.session import play_game
from arena.ui.window import open_stage
from envs.rules import named_rules

games, folder = int(sys.argv[1]), Path(sys.argv[2])
rules = named_rules("breakout").varied(max_frames=200)
session._Game.end_screen = lambda self, played: None
FrameClock.tick = lambda self: None  # an accelerated clock

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

sizes = []
with open_stage("benchmark", size=(1024, 768)) as stage:
    for seed in range(games):
        play_game(stage, rules, seed, "Bench", folder, limits=PlayLimits(countdown=0))
        sizes.append(resident())
print(json.dumps(sizes))
"""


def run() -> Iterator[Figure]:
    """Yield every figure of this suite, each as soon as it is taken. One that can't be taken doesn't stop the others.

    Raises:
        RuntimeError: at the end, if some could not be taken.
    """
    folder = Path(tempfile.mkdtemp(prefix="arena-benchmark-"))
    failed = []
    try:
        with _two_cores(), x_server() as display:
            environment = os.environ | {
                "DISPLAY": display, "PYTHONPATH": str(ROOT), "ARENA_CONFIG": str(folder), "SDL_AUDIODRIVER": "dummy",
            }  # fmt: skip
            for take in (_latency, _start, _memory, _idle, _loaded):  # the long ones last
                try:
                    yield from take(environment)
                except Exception as error:  # whatever it is, the others are worth having
                    print(f"{take.__name__[1:]}: {error}", file=sys.stderr)
                    failed.append(take.__name__[1:])
    finally:
        shutil.rmtree(folder)
    if failed:
        raise RuntimeError(f"These could not be taken: {', '.join(failed)}.")


def _output(code: str, environment: dict[str, str], *arguments: object, seconds: float = 120) -> str:
    """Run a program and return the last line that it prints."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(
        command, env=environment, check=True, stdout=subprocess.PIPE, text=True, timeout=seconds + 120
    )
    return done.stdout.strip().splitlines()[-1]


@contextmanager
def _two_cores() -> Iterator[None]:
    """Let everything started inside share two cores, as many as a small laptop has."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    all_cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(all_cores)[:2])
    try:
        yield
    finally:
        os.sched_setaffinity(0, all_cores)


@contextmanager
def _burners() -> Iterator[None]:
    """Programs that do nothing but take time, as many as there are cores to share."""
    burning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BURNERS)]
    try:
        yield
    finally:
        for program in burning:
            program.kill()
            program.wait()


def _games(environment: dict[str, str], name: str) -> Path:
    """Return a new folder for the recordings of a figure."""
    folder = Path(environment["ARENA_CONFIG"]) / name
    folder.mkdir()
    return folder


def _idle(environment: dict[str, str]) -> Iterator[Figure]:
    seconds = max(10, SECONDS // 5)
    idle: dict[str, Any] = json.loads(_output(PLAY, environment, seconds, _games(environment, "idle"), seconds=seconds))
    how = f"{seconds} s of Space Invaders with keys hammered, under Xvfb, nothing beside it"
    yield Figure("99th percentile of the frame interval, idle", idle["p99"], "<= 18", how, " ms", idle)
    yield Figure("share of a core that one person's window takes", idle["core"], "<= 0.4", how, "", idle)


def _loaded(environment: dict[str, str]) -> Iterator[Figure]:
    with _burners():
        loaded: dict[str, Any] = json.loads(
            _output(PLAY, environment, SECONDS, _games(environment, "loaded"), seconds=SECONDS)
        )
    how = f"{SECONDS} s of Space Invaders with keys hammered, under Xvfb, two CPU burners on the same two cores"
    off = abs(loaded["rate"] - FPS)
    yield Figure("pace under load, away from 59.92", off, "<= 0.1", how, " fps", loaded)
    yield Figure("99th percentile of the frame interval under load", loaded["p99"], "<= 25", how, " ms", loaded)


def _latency(environment: dict[str, str]) -> Iterator[Figure]:
    found: dict[str, list[float]] = json.loads(_output(KEY, environment))
    frames = found["frames"]
    if len(frames) < 90:
        raise RuntimeError(f"only {len(frames)} of 100 key presses reached the game")
    how = (
        f"worst of {len(frames)} key presses at random moments through pygame's event queue: 1 is the action of the "
        "very next frame in the recording"
    )
    detail = {"ms until that frame": spread(found["ms"])}
    yield Figure("from a key press to the emulator's action", max(frames), "<= 1", how, " frames", detail)


def _start(environment: dict[str, str]) -> Iterator[Figure]:
    times, torch = [], False
    for number in range(STARTS):
        folder = Path(environment["ARENA_CONFIG"]) / f"event-{number}"
        words = _output(START, environment, time.time(), folder).split()
        times.append(float(words[2]))
        torch = torch or words[3] == "True"
    detail = {"seconds": spread(times), "torch imported": torch}
    how = f"slowest of {STARTS} starts of `arena play` to the first picture of the game, the countdown left out"
    yield Figure("start to first frame", max(times), "<= 2", how, " s", detail)
    how = f"whether torch was imported in one of {STARTS} starts without a bot"
    yield Figure("torch imported for nothing", float(torch), "<= 0", how)


def _memory(environment: dict[str, str]) -> Iterator[Figure]:
    sizes: list[float] = json.loads(
        _output(MEMORY, environment, GAMES, _games(environment, "memory"), seconds=5 * GAMES)
    )
    warm = sizes[len(sizes) // 10 :]
    growth = max(warm[-len(warm) // 4 :]) - max(warm[: len(warm) // 4])
    how = (
        f"resident memory over {GAMES} games of 200 frames in one process: last quarter against first, after warming up"
    )
    yield Figure("growth of memory", growth, "<= 5", how, " MB", {"first": sizes[0], "last": sizes[-1]})
