"""What `arena doctor` looks at: whether this machine can play, record, prove and show games, and what to do if not."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from envs.errors import ArenaError, RomError
from envs.extras import install_command
from envs.games import FPS, GAMES

SELF_TEST_SEED = 7
SELF_TEST_FRAMES = 600
SELF_TEST_DIGEST = "0019649a6049571137a453ad605afdfca013730622c303ecccd105c4ab35d0ab"
"""What the self-test's episode hashes to, on every machine."""

GOLDEN = Path(__file__).parent.parent.parent / "recordings" / "golden"
FREE_BYTES = 2 * 10**9
"""Free disk space below which an event is warned: recordings are small, films and databases grow."""
SCRAPE_BYTES = 100 * 10**6
"""Free disk space below which an event can't be held."""
UNSEEN_DRIVERS = ("dummy", "offscreen")
"""SDL's drivers that draw where nobody can see it."""
PROBE_SECONDS = 4
"""How long display and sound may take to answer."""
FIRST_SECOND = 1_767_225_600
"""1 January 2026: a clock before it is wrong."""


class CheckStatus(StrEnum):
    OK = "ok"
    WARN = "warn"
    """Something is missing that only some need."""
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """What came of looking at one thing."""

    name: str
    status: CheckStatus
    sentence: str
    """What was found."""
    advice: str = ""
    """What to do; empty if all is well."""


def checks(folder: Path) -> Iterator[Check]:
    """Yield every check as it is done; a few seconds in all, most of them for importing torch at the end.

    Args:
        folder: the event folder; it need not exist and isn't made.
    """
    probe = _start_probe()  # display and sound may be slow to answer: ask now, listen later
    yield from _python()
    yield from _roms()
    yield _kept("emulator", _emulator)
    yield _kept("golden recordings", _golden)
    yield _writable(folder)
    yield _disk(folder)
    yield from _display_and_sound(probe)
    yield _processor()
    yield _clock()
    yield _sleep()
    yield _kept("sandbox", _sandbox)
    yield _postgres()
    yield _kept("torch", _torch)


def _kept(name: str, check: Callable[[], Check]) -> Check:
    """A check that breaks down is a failed check, never the end of the others."""
    advice = "Mend what failed above first; if nothing did, install the arena again."
    try:
        return check()
    except ArenaError as error:
        return Check(name, CheckStatus.FAIL, str(error), advice)
    except Exception as error:
        return Check(name, CheckStatus.FAIL, f"The check broke down with {type(error).__name__}: {error}.", advice)


# -- Python and packages -----------------------------------------------------------------------------------------------


def _python() -> Iterator[Check]:
    here = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    new_enough = sys.version_info >= (3, 11)
    yield (
        Check("python", CheckStatus.OK, here)
        if new_enough
        else Check(
            "python", CheckStatus.FAIL, f"{here}; the arena needs 3.11 or later.", "Install Python 3.11 or later."
        )
    )
    yield _packages()
    yield _kept("pygame", _pygame)


def _packages() -> Check:
    """Every package that the arena names is there. Whether the versions fit is pip's business."""
    try:
        wanted = [r for r in requires("atari-arena") or [] if "extra ==" not in r]
    except PackageNotFoundError:
        return Check("packages", CheckStatus.WARN, "The arena runs from its folder, not installed.", "pip install -e .")
    found, missing = {}, []
    for requirement in wanted:
        name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return Check(
            "packages", CheckStatus.FAIL, f"Missing: {', '.join(missing)}.", f"pip install {' '.join(missing)}"
        )
    shown = ", ".join(f"{name} {found[name]}" for name in ("ale-py", "gymnasium", "stable-baselines3", "torch"))
    return Check("packages", CheckStatus.OK, f"All {len(found)} are there: {shown}, ...")


def _pygame() -> Check:
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    import pygame

    if getattr(pygame, "IS_CE", False):
        sdl = ".".join(map(str, pygame.get_sdl_version()))
        return Check("pygame", CheckStatus.OK, f"pygame-ce {pygame.version.ver}, SDL {sdl}")
    advice = "pip uninstall -y pygame pygame-ce, then pip install pygame-ce"
    return Check("pygame", CheckStatus.FAIL, "The older pygame lies over pygame-ce.", advice)


# -- games -------------------------------------------------------------------------------------------------------------


def _roms() -> Iterator[Check]:
    from envs.roms import rom_sha256

    good = []
    for game in GAMES.values():
        try:
            good.append(f"{game.title} {rom_sha256(game)[:8]}")
        except RomError as error:
            yield Check("roms", CheckStatus.FAIL, str(error), "pip install --force-reinstall ale-py")
    if good:
        yield Check("roms", CheckStatus.OK, f"{', '.join(good)}")


def _emulator() -> Check:
    """The same episode on two fresh emulators gives the digest that it gives everywhere."""
    digests = {self_test_digest() for _ in range(2)}
    if digests == {SELF_TEST_DIGEST}:
        return Check("emulator", CheckStatus.OK, "It played a known episode twice, bit for bit.")
    what = "differently each time" if len(digests) > 1 else "otherwise than other machines"
    advice = "Reinstall the pinned ale-py; results of this machine would not verify elsewhere."
    return Check("emulator", CheckStatus.FAIL, f"It plays {what} (ale-py {version('ale-py')}).", advice)


def self_test_digest() -> str:
    """Play a fixed episode on a fresh emulator and return its digest, in hexadecimal."""
    from envs.environment import ArenaEnv
    from envs.rules import named_rules
    from recordings.digest import EpisodeDigest

    rules = named_rules("breakout")
    env = ArenaEnv(rules, obs_type="ram")
    step = env.start(SELF_TEST_SEED)
    digest = EpisodeDigest()
    for t in range(SELF_TEST_FRAMES):
        if step.end is not None:
            break
        step = env.advance(rules.action_set[t // 7 % len(rules.action_set)])
        digest.add(step)
    return digest.hexdigest()


def _golden() -> Check:
    """One golden recording of each game, the shortest, still replays to its digest."""
    from arena.engine.verify import verify
    from recordings.codec import SUFFIX, read

    shortest: dict[str, Any] = {}
    for path in sorted(GOLDEN.glob(f"*{SUFFIX}")):
        recording = read(path)
        known = shortest.get(recording.rules.game)
        if known is None or recording.frames < known.frames:
            shortest[recording.rules.game] = recording
    if not shortest:
        return Check("golden recordings", CheckStatus.OK, "None are installed; the self-test stands for them.")
    for game, recording in shortest.items():
        outcome = verify(recording)
        if not outcome.ok:
            advice = "Reinstall the pinned ale-py; results of this machine would not verify elsewhere."
            return Check("golden recordings", CheckStatus.FAIL, f"{game}: {outcome.reason}.", advice)
    return Check("golden recordings", CheckStatus.OK, f"Replayed bit for bit: {', '.join(shortest)}.")


# -- the event folder --------------------------------------------------------------------------------------------------


def _nearest(folder: Path) -> Path:
    """Return the folder, or where it would be made."""
    folder = folder.absolute()
    return next((place for place in (folder, *folder.parents) if place.exists()), folder)


def _writable(folder: Path) -> Check:
    place = _nearest(folder)
    there = f"{folder}" if place == folder.absolute() else f"{folder} (to be made)"
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"arena")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        advice = "Choose another folder with --event, or give yourself the right to write there."
        return Check("event folder", CheckStatus.FAIL, f"{there} can't be written ({error.strerror}).", advice)
    return Check("event folder", CheckStatus.OK, f"{there} can be written.")


def _disk(folder: Path) -> Check:
    try:
        free = shutil.disk_usage(_nearest(folder)).free
    except OSError as error:
        return Check(
            "disk", CheckStatus.FAIL, f"The disk of {folder} doesn't answer ({error.strerror}).", "Choose another."
        )
    status = CheckStatus.OK if free >= FREE_BYTES else CheckStatus.WARN if free >= SCRAPE_BYTES else CheckStatus.FAIL
    advice = "" if status is CheckStatus.OK else "Free some space, or choose a folder on another disk with --event."
    return Check("disk", status, f"{free / 1e9:,.1f} GB are free for the event folder.", advice)


# -- display and sound -------------------------------------------------------------------------------------------------

_PROBE = """
import json, os
os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
import pygame
found = {}
try:
    pygame.display.init()
    found["driver"] = pygame.display.get_driver()
    found["sizes"] = pygame.display.get_desktop_sizes()
    found["rates"] = pygame.display.get_desktop_refresh_rates()
except pygame.error as error:
    found["no_display"] = str(error)
pygame.joystick.init()
found["pads"] = [pygame.joystick.Joystick(i).get_name() for i in range(pygame.joystick.get_count())]
print(json.dumps(found), flush=True)
try:
    pygame.mixer.init(frequency=48000, channels=1)
    found["sound"] = pygame.mixer.get_init()
except pygame.error as error:
    found["no_sound"] = str(error)
print(json.dumps(found), flush=True)
os._exit(0)
"""


def _start_probe() -> subprocess.Popen[str]:
    """Ask for display and sound in a process of its own: a display server that hangs shall not hang the doctor."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _PROBE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8"
    )


def _display_and_sound(probe: subprocess.Popen[str]) -> Iterator[Check]:
    try:
        output, _ = probe.communicate(timeout=PROBE_SECONDS)
    except subprocess.TimeoutExpired:
        probe.kill()
        output, _ = probe.communicate()
    lines = output.splitlines()
    found: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    yield _display(found)
    yield _sound(found)
    yield _pads(found)


def _display(found: dict[str, Any]) -> Check:
    advice = "Start in a desktop session to play or watch; everything else works without, films too (arena export)."
    if not found.get("sizes") or found["driver"] in UNSEEN_DRIVERS:
        why = found.get("no_display") or f"SDL's driver is {found.get('driver', 'hanging')}"
        return Check("display", CheckStatus.WARN, f"There is none ({why}).", advice)
    screens = [
        f"{width}x{height}" + (f" at {rate} Hz" if rate > 0 else "")
        for (width, height), rate in zip(found["sizes"], found["rates"], strict=False)
    ]
    if any(0 < rate < int(FPS) for rate in found["rates"]):
        advice = f"Set the display to 60 Hz or more: the games run at {FPS} frames per second."
        return Check("display", CheckStatus.WARN, f"{', '.join(screens)} is slower than the games.", advice)
    return Check("display", CheckStatus.OK, f"{', '.join(screens)} ({found['driver']})")


def _sound(found: dict[str, Any]) -> Check:
    if found.get("sound"):
        rate, _, channels = found["sound"]
        return Check("sound", CheckStatus.OK, f"{rate:,} Hz, {'mono' if channels == 1 else 'stereo'}")
    why = found.get("no_sound", "it doesn't answer")
    advice = "Games run silently; connect a device if sound is wanted."
    return Check("sound", CheckStatus.WARN, f"No sound device ({why}).", advice)


def _pads(found: dict[str, Any]) -> Check:
    names = ", ".join(str(name)[:40] for name in found.get("pads", []))
    more = "arena doctor --hands-on tries them out" if names else "a keyboard does as well"
    return Check("pads", CheckStatus.OK, f"{names or 'None is plugged in'}; {more}.")


# -- the machine -------------------------------------------------------------------------------------------------------


def _processor() -> Check:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if cores >= 2:
        return Check("processor", CheckStatus.OK, f"{cores} cores may be used.")
    advice = "Let bots and people play one after the other, or take a machine with two cores."
    return Check("processor", CheckStatus.WARN, "Only one core: a bot's thinking can delay a person's frames.", advice)


def _clock() -> Check:
    sentence = f"It says {time.strftime('%Y-%m-%d %H:%M:%S %z')}."
    if time.time() < FIRST_SECOND:
        return Check("clock", CheckStatus.FAIL, sentence, "Set date and time: recordings carry them.")
    return Check("clock", CheckStatus.OK, sentence)


def _sleep() -> Check:
    """How much later than asked the system wakes us: what decides whether frames come evenly."""
    late = []
    for _ in range(20):
        start = time.perf_counter()
        time.sleep(0.005)
        late.append(1000 * (time.perf_counter() - start) - 5)
    median, worst = statistics.median(late), max(late)
    sentence = f"Wakes {median:.1f} ms late, {worst:.1f} ms at worst, of the {1000 / FPS:.1f} ms that a frame lasts."
    if median < 4 and worst < 1000 / FPS:
        return Check("timing", CheckStatus.OK, sentence)
    return Check("timing", CheckStatus.WARN, sentence, "Close other programs, and plug in the power supply.")


def _sandbox() -> Check:
    from agents.sandbox.player import NoSandbox, probe

    try:
        return Check("sandbox", CheckStatus.OK, f"Agents of other people are kept in by {probe().name}.")
    except NoSandbox as error:
        advice = "sudo apt-get install bubblewrap" if sys.platform == "linux" else "Evaluate submissions on Linux."
        return Check("sandbox", CheckStatus.WARN, str(error), advice)


def _postgres() -> Check:
    if find_spec("psycopg") is not None:
        return Check("postgresql", CheckStatus.OK, f"The driver is there, psycopg {version('psycopg')}.")
    what = "No driver; only a scoreboard on PostgreSQL needs one, psycopg."
    return Check("postgresql", CheckStatus.OK, what, install_command("postgres"))


def _torch() -> Check:
    """Torch loads, and a network of the usual size decides in time."""
    if find_spec("torch") is None:
        return Check("torch", CheckStatus.WARN, "It isn't installed: trained bots can't play.", "pip install torch")
    import torch

    layers = [
        (torch.nn.Conv2d(4, 32, 8, 4), torch.nn.ReLU()),
        (torch.nn.Conv2d(32, 64, 4, 2), torch.nn.ReLU()),
        (torch.nn.Conv2d(64, 64, 3, 1), torch.nn.ReLU(), torch.nn.Flatten()),
        (torch.nn.Linear(3136, 512), torch.nn.ReLU(), torch.nn.Linear(512, 18)),
    ]
    network = torch.nn.Sequential(*(layer for group in layers for layer in group))
    times = {}
    with torch.inference_mode():
        for batch in (1, 16):
            pictures = torch.zeros(batch, 4, 84, 84)
            network(pictures)
            taken = []
            for _ in range(7):
                start = time.perf_counter()
                network(pictures)
                taken.append(1000 * (time.perf_counter() - start))
            times[batch] = statistics.median(taken)
    device = f", CUDA {torch.version.cuda}" if torch.cuda.is_available() else ""
    sentence = f"torch {torch.__version__}{device}: a decision takes {times[1]:.1f} ms, 16 at once {times[16]:.1f} ms."
    if times[1] < 4 * 1000 / FPS:  # bots decide every fourth frame
        return Check("torch", CheckStatus.OK, sentence)
    return Check("torch", CheckStatus.WARN, sentence, "Bots will be late in live games; close other programs.")
