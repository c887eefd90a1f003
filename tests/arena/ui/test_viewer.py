"""The window, driven by keys through pygame's real event queue; once on a real X server, seen from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pygame
import pytest

from agents.scripts import make_script
from arena.engine.evaluate import play_seeds
from arena.engine.match import Match, Turn
from arena.ui.compose import arrange_within, compose
from arena.ui.show import Panel, Show, replay
from arena.ui.viewer import SKIP_FRAMES, watch, watch_recordings
from envs import GAMES
from envs.errors import ArenaError
from envs.games import FPS
from envs.rules import named_rules
from recordings.codec import encode
from recordings.recording import Recording

ROOT = Path(__file__).parents[3]
RULES = named_rules("breakout").varied(max_frames=1200)


@pytest.fixture
def unseen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A window that draws for nobody, and is closed after a while if the test forgot."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    rescue = threading.Timer(60, lambda: pygame.event.post(pygame.event.Event(pygame.QUIT)))
    rescue.start()
    yield
    rescue.cancel()


@pytest.fixture(scope="module")
def game() -> Recording:
    """A game without a ball: 20 seconds."""
    (recording,) = play_seeds(make_script("noop", GAMES["breakout"]), RULES, [1])
    return recording


def press(*keys: int) -> None:
    for key in keys:
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key))


def later(*keys: int, seconds: float = 0.3) -> None:
    """Press keys while the show stands still."""
    threading.Timer(seconds, press, keys).start()


class Pressing:
    """A live show in which keys are pressed when given frames are played."""

    def __init__(self, acts: Mapping[int, Callable[[], None]]) -> None:
        self.acts = dict(acts)
        self.times: list[float] = []
        match = Match(RULES, [1], [make_script("noop", GAMES["breakout"])])
        self.show = Show(self._turns(match), [Panel("noop", RULES)])

    def _turns(self, match: Match) -> Iterator[Turn]:
        for turn in match.play():
            self.times.append(time.perf_counter())
            if act := self.acts.pop(turn.step.t, None):
                act()
            yield turn


@pytest.mark.usefixtures("unseen")
class TestKeys:
    @pytest.mark.parametrize("key", [pygame.K_ESCAPE, None])
    def test_escape_or_closing_the_window_leaves(self, key: int | None) -> None:
        def leave() -> None:
            if key is None:
                pygame.event.post(pygame.event.Event(pygame.QUIT))
            else:
                press(key)

        live = Pressing({10: leave})
        watch(live.show)
        assert live.show.ticks == 10
        assert not pygame.display.get_init()

    def test_space_pauses_and_goes_on(self) -> None:
        def pause() -> None:
            press(pygame.K_SPACE)
            later(pygame.K_SPACE)

        live = Pressing({5: pause, 8: lambda: press(pygame.K_ESCAPE)})
        watch(live.show)
        assert live.show.ticks == 8
        assert live.times[6] - live.times[5] > 0.2

    def test_paused_stays_paused(self) -> None:
        def pause() -> None:
            press(pygame.K_SPACE)
            later(pygame.K_ESCAPE)

        live = Pressing({5: pause})
        watch(live.show)
        assert live.show.ticks == 5

    def test_right_skips_and_up_hurries(self) -> None:
        live = Pressing(
            {
                5: lambda: press(pygame.K_RIGHT),
                SKIP_FRAMES + 5: lambda: press(*[pygame.K_UP] * 9),
                1200: lambda: later(pygame.K_ESCAPE),
            }
        )
        watch(live.show)
        assert live.show.ticks == 1200
        assert live.times[-1] - live.times[0] < 1200 / FPS, "neither skipped nor hurried"

    def test_down_slows(self) -> None:
        live = Pressing({3: lambda: press(*[pygame.K_DOWN] * 9), 6: lambda: press(pygame.K_ESCAPE)})
        watch(live.show)
        assert live.times[6] - live.times[4] > 10 / FPS

    def test_left_begins_the_show_again_and_seeks(self, game: Recording) -> None:
        begun: list[Show] = []

        def again() -> Show:
            begun.append(replay([game]))
            return begun[-1]

        first = Pressing({400: lambda: press(pygame.K_LEFT)})
        first.acts[1] = lambda: press(*[pygame.K_RIGHT] * 2)

        threading.Timer(3, press, [pygame.K_ESCAPE]).start()
        watch(first.show, again)
        assert len(begun) == 1
        assert begun[0].ticks >= first.show.ticks - SKIP_FRAMES

    def test_left_does_nothing_where_there_is_no_way_back(self) -> None:
        live = Pressing({5: lambda: press(pygame.K_LEFT, pygame.K_HOME), 9: lambda: press(pygame.K_ESCAPE)})
        watch(live.show)
        assert live.show.ticks == 9

    def test_full_screen_and_back(self) -> None:
        sizes = []

        def note() -> None:
            sizes.append(pygame.display.get_surface().get_size())
            press(pygame.K_f)

        live = Pressing({3: note, 6: note, 9: note, 12: lambda: press(pygame.K_ESCAPE)})
        watch(live.show)
        assert sizes[0] == sizes[2] != sizes[1]

    def test_other_keys_do_nothing(self) -> None:
        keys = [key for key in range(33, 127) if key not in (pygame.K_f,)]
        live = Pressing({3: lambda: press(*keys), 6: lambda: press(pygame.K_ESCAPE)})
        watch(live.show)
        assert live.show.ticks == 6

    def test_the_last_picture_stays_until_the_spectator_leaves(self) -> None:
        rules = named_rules("breakout").varied(max_frames=20)
        match = Match(rules, [1], [make_script("random", GAMES["breakout"])])
        show = Show(match.play(), [Panel("random", rules)])
        threading.Timer(2, press, [pygame.K_ESCAPE]).start()
        watch(show)
        assert show.ticks == 20

    def test_an_interrupt_closes_the_window(self) -> None:
        def interrupt() -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            watch(Pressing({5: interrupt}).show)
        assert not pygame.display.get_init()


def test_frames_follow_an_absolute_schedule(unseen: None) -> None:
    """Every picture that is late is made good: the mean rate is the console's, whatever the machine does in between.
    Only that it is not faster can be said on a busy machine."""
    live = Pressing({90: lambda: press(pygame.K_ESCAPE)})
    watch(live.show)
    assert live.times[90] - live.times[2] > 87 / FPS


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is always a display")
def test_without_a_display_one_sentence_says_so(game: Recording, tmp_path: Path) -> None:
    (tmp_path / "game.arena.zip").write_bytes(encode(game))
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")}
    done = subprocess.run(
        [sys.executable, "-c", WATCH, str(tmp_path / "game.arena.zip")],
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.startswith("No window can be shown here (")
    assert done.stderr.count("\n") == 1
    assert "arena export" in done.stderr


def test_three_recordings_are_too_many(game: Recording, unseen: None) -> None:
    with pytest.raises(ArenaError, match="3 came"):
        watch_recordings([game] * 3)


# -- a real display ----------------------------------------------------------------------------------------------------

WATCH = """
import sys
from pathlib import Path
from arena.ui.viewer import watch_recordings
from envs.errors import ArenaError
from recordings.codec import read
try:
    watch_recordings([read(Path(path)) for path in sys.argv[1:]])
except ArenaError as error:
    print(error, file=sys.stderr)
    sys.exit(3)
"""


def test_on_a_display_the_picture_is_the_games_and_escape_leaves(display: str, game: Recording, tmp_path: Path) -> None:
    from PIL import ImageGrab

    path = tmp_path / "game.arena.zip"
    path.write_bytes(encode(game))
    environment = {k: v for k, v in os.environ.items() if k not in ("WAYLAND_DISPLAY", "SDL_VIDEODRIVER")}
    environment |= {"DISPLAY": display, "PYTHONPATH": str(ROOT)}

    def key(name: str) -> None:
        subprocess.run(["xdotool", "key", name], env=environment, check=True)

    show = replay([game, game])
    expected = {}
    while show.advance() and show.ticks <= 1200:
        places = arrange_within(show.panels, 1280 * 9 // 10, 720 * 8 // 10)
        if show.ticks % 60 == 30:  # another second on the clock each time
            expected[show.ticks] = compose(show.panels, places)[: places.pictures[0].y + 300]  # above the captions
    watching = subprocess.Popen([sys.executable, "-c", WATCH, str(path), str(path)], env=environment)
    try:
        found: set[int] = set()
        deadline = time.monotonic() + 300
        while len(found) < 2 and time.monotonic() < deadline and watching.poll() is None:
            screen = np.asarray(ImageGrab.grab(xdisplay=display).convert("RGB"))
            found |= {tick for tick, picture in expected.items() if holds(screen, picture)}
            time.sleep(0.01)
        assert len(found) >= 2, "the game was not seen to go on"
        key("Escape")
        assert watching.wait(300) == 0
    finally:
        if watching.poll() is None:
            watching.kill()
            watching.wait()


def holds(screen: np.ndarray, picture: np.ndarray) -> bool:
    """Whether `picture` stands in the middle of the width of `screen`."""
    height, width, _ = picture.shape
    x = (screen.shape[1] - width) // 2
    column = screen[:, x : x + width]
    tops = [y for y in range(screen.shape[0] - height + 1) if np.array_equal(column[y, :200], picture[0, :200])]
    return any(np.array_equal(column[y : y + height], picture) for y in tops[:200])
