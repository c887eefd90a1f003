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

ROOT = Path(__file__).resolve().parents[2]
SECONDS = int(os.environ.get("ARENA_PLAY_SECONDS", "600"))
GAMES = int(os.environ.get("ARENA_PLAY_GAMES", "200"))
STARTS = 5
BURNERS = 2

PLAY = """
import json, os, random, resource, sys, threading, time
import pygame
from arena.play.session import play_game, Limits
from arena.play.stage import open_stage
from envs.games import FPS
from envs.rules import named_rules

seconds = float(sys.argv[1])
rules = named_rules("space_invaders").varied(max_frames=18_000)
keys = [pygame.K_LEFT, pygame.K_RIGHT, pygame.K_SPACE]
over = time.monotonic() + seconds
rng = random.Random(0)

def hammer():
    while True:
        key = rng.choice(keys)
        for kind in (pygame.KEYDOWN, pygame.KEYUP):
            time.sleep(rng.uniform(0.02, 0.2))
            pygame.event.post(pygame.event.Event(kind, key=key, unicode=""))
        if time.monotonic() > over:
            pygame.event.post(pygame.event.Event(pygame.QUIT))
            return

found = []
with open_stage("benchmark", size=(1024, 768)) as stage:
    threading.Thread(target=hammer, daemon=True).start()
    seed = 0
    began = resource.getrusage(resource.RUSAGE_SELF)
    wall = time.monotonic()
    while not stage.closed:
        limits = Limits(countdown=0, pauses=0)
        import arena.play.session as session
        session._Game.end_screen = lambda self, played: None
        found.append(play_game(stage, rules, seed, "Bench", None, limits=limits).person.recording)
        seed += 1
    wall = time.monotonic() - wall
    used = resource.getrusage(resource.RUSAGE_SELF)
cpu = used.ru_utime + used.ru_stime - began.ru_utime - began.ru_stime
paced = [(r.frames, r.pacing) for r in found if r.frames > 60]
frames = sum(n for n, _ in paced)
print(json.dumps({
    "rate": frames / sum(n / p.frames_per_second for n, p in paced),
    "p50": max(p.p50_ms for _, p in paced),
    "p99": max(p.p99_ms for _, p in paced),
    "max": max(p.max_ms for _, p in paced),
    "late": sum(p.late_frames for _, p in paced),
    "frames": frames, "games": len(found), "core": cpu / wall,
}))
"""

KEY = """
import json, random, sys, threading, time
import pygame
import arena.play.session as session
from arena.play.conductor import Conductor
from arena.play.session import play_game, Limits
from arena.play.stage import open_stage
from envs.rules import named_rules

rules = named_rules("breakout").varied(max_frames=1800)
session._Game.end_screen = lambda self, played: None
pressed, frames = [], []
look = Conductor.next

def then_note(self, step):
    held = look(self, step)
    frames.append((time.perf_counter(), bool(held)))
    return held

Conductor.next = then_note

def tap():
    rng = random.Random(0)
    time.sleep(1)
    for _ in range(100):
        time.sleep(rng.uniform(0.15, 0.2))
        pressed.append(time.perf_counter())
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_LEFT, unicode=""))
        time.sleep(0.06)
        pygame.event.post(pygame.event.Event(pygame.KEYUP, key=pygame.K_LEFT))

with open_stage("benchmark", size=(1024, 768)) as stage:
    threading.Thread(target=tap, daemon=True).start()
    play_game(stage, rules, 0, "Bench", None, limits=Limits(countdown=0))
waits = []
for at in pressed:
    first = next((t for t, held in frames if t >= at and held), None)
    if first is not None:
        waits.append(1000 * (first - at))
print(json.dumps(waits))
"""

START = """
import os, sys, time
began = float(sys.argv[1])
from arena.cli import main
import arena.play.conductor as conductor
from agents.player import PlayerQuit

def first(self, step):
    print("first frame", time.time() - began, "torch" in sys.modules, flush=True)
    os._exit(0)

conductor.Conductor._begin = lambda self: None
import arena.play.clock as clock
clock.FrameClock.tick = lambda self: first(self, None)
main(["play", "breakout", "--practice"])
"""

MEMORY = """
import gc, json, os, sys
import arena.play.session as session
from arena.play.clock import FrameClock
from arena.play.session import play_game, Limits
from arena.play.stage import open_stage
from envs.rules import named_rules

games = int(sys.argv[1])
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
        play_game(stage, rules, seed, "Bench", None, limits=Limits(countdown=0))
        sizes.append(resident())
print(json.dumps(sizes))
"""


def run() -> Iterator[Figure]:
    """Yield every figure of this suite."""
    folder = Path(tempfile.mkdtemp(prefix="arena-benchmark-"))
    try:
        with x_server() as display:
            environment = os.environ | {
                "DISPLAY": display, "PYTHONPATH": str(ROOT), "ARENA_CONFIG": str(folder), "SDL_AUDIODRIVER": "dummy",
            }  # fmt: skip
            yield from _pace(environment)
            yield _latency(environment)
            yield _start(environment)
            yield _memory(environment)
    finally:
        shutil.rmtree(folder)


def _output(code: str, environment: dict[str, str], *arguments: object) -> str:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip().splitlines()[-1]


@contextmanager
def _burners() -> Iterator[None]:
    """Programs that do nothing but take time, as many as the machine of an event has cores."""
    burning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BURNERS)]
    try:
        yield
    finally:
        for program in burning:
            program.kill()
            program.wait()


def _pace(environment: dict[str, str]) -> Iterator[Figure]:
    idle: dict[str, Any] = json.loads(_output(PLAY, environment, max(10, SECONDS // 5)))
    how = f"{SECONDS} s of Space Invaders with keys hammered, under Xvfb, two CPU burners beside it"
    calm = f"{max(10, SECONDS // 5)} s of the same without burners"
    with _burners():
        loaded: dict[str, Any] = json.loads(_output(PLAY, environment, SECONDS))
    from envs.games import FPS

    yield Figure("pace under load, away from 59.92", abs(loaded["rate"] - FPS), "<= 0.1", how, " fps", loaded)
    yield Figure("99th percentile of the frame interval under load", loaded["p99"], "<= 25", how, " ms", loaded)
    yield Figure("99th percentile of the frame interval, idle", idle["p99"], "<= 18", calm, " ms", idle)
    yield Figure("share of a core that one person's window takes", idle["core"], "<= 0.4", calm, "", idle)


def _latency(environment: dict[str, str]) -> Figure:
    waits: list[float] = json.loads(_output(KEY, environment))
    worst = sorted(waits)[int(0.99 * len(waits))] * 59.92 / 1000
    how = f"99th percentile of {len(waits)} key presses at random moments, through pygame's event queue"
    return Figure("from a key press to the emulator's action", worst, "<= 1.05", how, " frames", {"ms": spread(waits)})


def _start(environment: dict[str, str]) -> Figure:
    times, torch = [], False
    for _ in range(STARTS):
        words = _output(START, environment, time.time()).split()
        times.append(float(words[2]))
        torch = torch or words[3] == "True"
    detail = {"seconds": spread(times), "torch imported": torch}
    how = f"slowest of {STARTS} starts of `arena play`, to the first frame after the countdown (left out)"
    return Figure("start to first frame", max(times), "<= 2", how, " s", detail)


def _memory(environment: dict[str, str]) -> Figure:
    sizes: list[float] = json.loads(_output(MEMORY, environment, GAMES))
    warm = sizes[len(sizes) // 10 :]
    growth = max(warm[-len(warm) // 4 :]) - max(warm[: len(warm) // 4])
    how = (
        f"resident memory over {GAMES} games of 200 frames in one process: last quarter against first, after warming up"
    )
    return Figure("growth of memory", growth, "<= 5", how, " MB", {"first": sizes[0], "last": sizes[-1]})
