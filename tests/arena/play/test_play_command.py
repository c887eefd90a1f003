"""`arena play` as a user starts it: on a real X server with xdotool at the keyboard, killed, and with bad input."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from arena.cli import main
from arena.engine.recover import recover
from arena.engine.verify import verify
from arena.scoreboard.store import Scoreboard
from envs.step import End
from recordings.codec import SUFFIX, read
from tests.doubles import Dice

ROOT = Path(__file__).parents[3]
KILLS = 50 if os.environ.get("ARENA_SOAK") else 5
START = "import sys; from arena.cli import main; sys.exit(main())"


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    """The environment of a started program, without a display and without a sound card."""
    kept = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")}
    settings = {"ARENA_CONFIG": str(tmp_path / "settings"), "SDL_AUDIODRIVER": "nonsense"}
    return kept | {"PYTHONPATH": str(ROOT), "ARENA_EVENT": str(tmp_path / "event")} | settings


def started(environment: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", START, "play", *arguments]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def until(condition: object, what: str, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.02)


def journals(event: Path) -> list[Path]:
    return list((event / "recordings").glob("*.part"))


def size_of(event: Path) -> int:
    return max((path.stat().st_size for path in journals(event)), default=0)


def test_a_match_with_real_keys(display: str, surroundings: dict[str, str], tmp_path: Path) -> None:
    """Plays against a script, pauses, leaves, and finds the name on the scoreboard. Screens are kept as artefacts where
    ARENA_ARTIFACTS names a folder."""
    from PIL import ImageGrab

    event = tmp_path / "event"
    environment = surroundings | {"DISPLAY": display}

    def key(*words: str) -> None:
        subprocess.run(["xdotool", *words], env=environment, check=True)

    def picture(name: str) -> bytes:
        image = ImageGrab.grab(xdisplay=display)
        if folder := os.environ.get("ARENA_ARTIFACTS"):
            image.save(Path(folder) / f"play-{name}.png")
        return image.tobytes()

    with started(environment, "breakout", "--player", "Ada", "--versus", "script:basic", "--seed", "3") as program:
        try:
            until(lambda: size_of(event) > 600, "the journal grows")
            key("keydown", "space", "keydown", "Left")
            before = size_of(event)
            until(lambda: size_of(event) > before + 60, "a second of play")
            playing = picture("game")
            key("keyup", "Left", "keyup", "space", "key", "p")
            time.sleep(1.0)
            paused = picture("pause")
            assert paused != playing
            grey = bytes((142, 142, 142)) * 20  # the wall of Breakout
            assert grey in playing
            assert grey not in paused
            key("key", "p")  # go on
            before = size_of(event)
            until(lambda: size_of(event) > before, "the game goes on")
            key("key", "Escape")
            time.sleep(1.0)
            picture("leave")
            key("key", "Return")
            until(lambda: list((event / "recordings").glob(f"*{SUFFIX}")), "the game is saved")
            while program.poll() is None:  # breaks the opponent's game off, then leaves the last screen
                time.sleep(0.5)
                picture("end")
                key("key", "Escape")
            output, errors = program.communicate(timeout=300)
        finally:
            program.kill()
    assert program.returncode == 0, errors
    assert "Traceback" not in errors
    (path,) = (event / "recordings").glob(f"*{SUFFIX}")
    ada = read(path)
    assert ada.end is End.QUIT
    assert ada.player.kind == "human"
    assert verify(ada).ok
    assert ada.pacing is not None
    assert len(ada.pacing.pauses) == 2
    assert {1, 4} & set(ada.actions), "the keys have arrived"
    assert "Ada" in output
    with Scoreboard.open(event / "arena.sqlite") as board:
        on_board = {result.player for result in board.results()}
    assert ("Ada" in on_board) == (str(errors).count("ada") == 0), "on the scoreboard, or said to be unranked"


def test_kill_9_at_any_moment_keeps_what_was_played(surroundings: dict[str, str], tmp_path: Path) -> None:
    """At random points of start, countdown and game. 50 of them where ARENA_SOAK is set."""
    rng = random.Random(1)
    event = tmp_path / "event"
    environment = surroundings | {"SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy"}
    played = 0
    for number in range(KILLS):
        with started(environment, "breakout", "--player", "Ada", "--seed", str(number)) as program:
            if number % 4 == 3:
                time.sleep(rng.uniform(0.2, 2))  # somewhere before the game
            else:
                until(lambda: journals(event), "the game begins")
                least = size_of(event) + rng.choice((0, 0, 50, 100))
                until(lambda least=least: size_of(event) >= least, "some frames")
            os.killpg(program.pid, signal.SIGKILL)
            program.wait()
            _, errors = program.communicate()
        assert "Traceback" not in errors
        actions = max((path.stat().st_size for path in journals(event)), default=0)
        recovered = recover(event / "recordings") if journals(event) else []
        if actions:
            played += 1
            (path,) = recovered
            recording = read(path)
            assert (recording.end, recording.player.kind) == (End.QUIT, "human")
            assert verify(recording).ok
        for path in journals(event):  # killed before the first byte: nobody knows what it would have been
            assert path.stat().st_size == 0
            path.unlink()
    assert played >= KILLS // 2


# -- bad input -------------------------------------------------------------------------------------------------------


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["play", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    return captured.err


def test_no_display_is_one_sentence(surroundings: dict[str, str]) -> None:
    with started(surroundings, "breakout", "--player", "Ada") as program:
        output, errors = program.communicate(timeout=300)
    assert program.returncode == 2
    assert output == ""
    assert "desktop session" in errors
    assert "Traceback" not in errors


WHOLE_SCREEN = """
import sys, time
from arena.ui.window import open_stage
with open_stage("whole", full_screen=True) as stage:
    for picture in range(10):
        stage.poll()
        stage.surface.fill((200, 30, 90))
        stage.show()
        time.sleep(0.05)
    print("shown", flush=True)
    sys.stdin.read()
"""


def test_the_whole_screen_is_filled_also_without_a_window_manager(display: str, surroundings: dict[str, str]) -> None:
    from PIL import ImageGrab

    with subprocess.Popen(
        [sys.executable, "-c", WHOLE_SCREEN],
        env=surroundings | {"DISPLAY": display},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as program:
        assert program.stdout is not None
        while program.stdout.readline() != b"shown\n":
            assert program.poll() is None
        picture = ImageGrab.grab(xdisplay=display).convert("RGB")
        program.communicate()
    assert picture.getcolors() == [(1280 * 720, (200, 30, 90))]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("breakout",), "--player NAME"),
        (("breakout", "--player", "😀" * 500), "1 to 32"),
        (("breakout", "--player", ""), "1 to 32"),
        (("brekout", "--player", "Ada"), "did you mean breakout"),
        (("breakout", "--player", "Ada", "--versus", "nobody"), "There is no agent"),
        (("breakout", "--player", "Ada", "--versus", "script:nobody"), "nobody"),
        (("breakout", "--player", "Ada", "--ghost", "none.arena.zip"), "can't be read"),
        (("breakout", "--player", "Ada", "--versus", "script:noop", "--ghost", "x"), "not both"),
        (("breakout", "--player", "Ada", "--rules", "1min"), "5min"),
        (("breakout", "--player", "Ada", "--seeds", "0"), "seed"),
        (("breakout", "--player", "Ada", "--seed", "-5"), "seed"),
        (("breakout", "--player", "Ada", "--event", __file__), "event folder"),
    ],
)
def test_bad_input_is_one_sentence(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: tuple[str, ...],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    assert words in refused(capsys, *arguments)


def test_a_ghost_of_another_game(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from arena.engine.evaluate import play_seeds
    from arena.scoreboard.publish import keep
    from envs.rules import named_rules

    (recording,) = play_seeds(Dice(), named_rules("pacman").varied(max_frames=10), [1])
    path = keep(recording, tmp_path)
    assert "pacman, not of breakout" in refused(capsys, "breakout", "--player", "Ada", "--ghost", str(path))


def test_settings_that_cannot_be_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("ARENA_CONFIG", str(tmp_path))
    (tmp_path / "controls.toml").write_text("volume = 1000")
    assert "0 to 100" in refused(capsys, "breakout", "--player", "Ada", "--event", str(tmp_path / "event"))
