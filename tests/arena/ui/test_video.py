"""Films, decoded again: as many pictures as frames, in time, with sound, whole or not there."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from agents.scripts import make_script
from arena.engine.evaluate import play_seeds
from arena.ui.compose import arrange, compose
from arena.ui.show import replay
from arena.ui.video import GIF_FRAMES, HOLD_FRAMES, export
from envs import GAMES
from envs.errors import ArenaError, EventError
from envs.games import FPS
from envs.rules import named_rules
from recordings.recording import Recording


def played(game: str, frames: int, seed: int = 1) -> Recording:
    rules = named_rules(game).varied(max_frames=frames)
    (recording,) = play_seeds(make_script("random", GAMES[game]), rules, [seed])
    return recording


@pytest.fixture(scope="module")
def invaders() -> Recording:
    return played("space_invaders", 180)


@pytest.fixture(scope="module")
def long_game() -> Recording:
    return played("breakout", 700)


def pictures_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def sound_of(path: Path) -> np.ndarray:
    """All samples: float32 (channels, n)."""
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)


def shown_at(recordings: list[Recording], tick: int, lines: int = 3) -> np.ndarray:
    show = replay(recordings)
    for _ in range(tick):
        assert show.advance()
    return compose(show.panels, arrange(show.panels, lines))


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """Share of the pixels that differ by more than a codec's blur, 0 to 1."""
    return float((np.abs(a.astype(int) - b.astype(int)).max(axis=2) > 60).mean())


def test_an_mp4_has_every_frame_at_the_consoles_pace(invaders: Recording, tmp_path: Path) -> None:
    path = tmp_path / "films" / "game.mp4"
    export([invaders], path)
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (video.width, video.height) == (800, 678)
        assert float(video.average_rate or 0) == FPS
        assert (audio.codec_context.name, audio.layout.name) == ("aac", "mono")
    pictures = pictures_of(path)
    assert len(pictures) == 180 + HOLD_FRAMES
    for tick in (1, 150, 180):
        assert difference(pictures[tick - 1], shown_at([invaders], tick)) < 0.01
    assert difference(pictures[149], shown_at([invaders], 180)) > 0.02, "the comparison above could not fail"
    around = {tick: difference(pictures[149], shown_at([invaders], tick)) for tick in range(147, 154)}
    assert around[150] == min(around.values())
    assert [entry.name for entry in path.parent.iterdir()] == ["game.mp4"]


def test_the_sound_is_as_long_as_the_picture_and_is_the_games(invaders: Recording, tmp_path: Path) -> None:
    path = tmp_path / "game.mp4"
    export([invaders], path)
    samples = sound_of(path)
    seconds = (180 + HOLD_FRAMES) / FPS
    assert samples.shape[1] / 32_000 == pytest.approx(seconds, abs=0.1)
    show = replay([invaders])
    loud = []
    while show.advance():
        loud.append(float(show.panels[0].sound().std()))
    assert max(loud) > 1, "this game should sound"
    first = next(i for i, level in enumerate(loud) if level > 1)
    begins = np.flatnonzero(np.abs(np.diff(samples[0])) > 0.02)[0] / 32_000
    assert begins == pytest.approx(first / FPS, abs=0.1)
    assert float(samples[0, -8_000:].std()) < 0.01, "the last picture stays in silence"


def test_two_games_side_by_side_sound_left_and_right(invaders: Recording, tmp_path: Path) -> None:
    quiet = played("breakout", 60)
    path = tmp_path / "two.mp4"
    export([invaders, quiet], path)
    pictures = pictures_of(path)
    assert pictures[0].shape == (678, 1612, 3)
    assert len(pictures) == 180 + HOLD_FRAMES
    assert difference(pictures[149], shown_at([invaders, quiet], 150)) < 0.01
    left, right = sound_of(path)[:, 40_000:80_000].std(axis=1)
    assert left > 0.005 > right


def test_only_a_part(long_game: Recording, tmp_path: Path) -> None:
    path = tmp_path / "part.mp4"
    export([long_game], path, seconds=(1, 3))
    pictures = pictures_of(path)
    assert len(pictures) == 120
    assert difference(pictures[0], shown_at([long_game], 61)) < 0.01
    assert difference(pictures[-1], shown_at([long_game], 180)) < 0.01
    export([long_game], path, seconds=(8, float("inf")))
    assert len(pictures_of(path)) == long_game.frames - 479 + HOLD_FRAMES


@pytest.mark.parametrize("part", [(5, 5), (6, 5), (-1, 5), (100, 200), (float("nan"), 3), (0, float("nan"))])
def test_a_part_that_is_not_there(long_game: Recording, tmp_path: Path, part: tuple[float, float]) -> None:
    with pytest.raises(ArenaError, match=r"The game has the seconds 0 to .* can't be shown"):
        export([long_game], tmp_path / "part.mp4", seconds=part)
    assert list(tmp_path.iterdir()) == []


def test_a_gif_runs_at_the_games_pace_and_misses_nothing_that_flickers(tmp_path: Path) -> None:
    ghosts = played("ms_pacman", 400)
    path = tmp_path / "game.gif"
    export([ghosts], path, seconds=(4, 6))
    with Image.open(path) as gif:
        assert gif.size == (480, 452)
        assert gif.info["loop"] == 0
        durations, frames = [], []
        for number in range(gif.n_frames):
            gif.seek(number)
            durations.append(gif.info["duration"])
            frames.append(np.asarray(gif.convert("RGB")))
    assert sum(durations) == pytest.approx(2000, abs=10)
    assert set(durations) <= {10 * n for n in range(5, 60)}
    show = replay([ghosts])
    for _ in range(240):
        show.advance()
    seen = []
    for _ in range(GIF_FRAMES):
        show.advance()
        seen.append(show.panels[0].picture())
    glow = np.max(seen, axis=0)
    assert any(not np.array_equal(glow, picture) for picture in seen), "nothing flickered: the test needs another game"
    assert np.array_equal(frames[0][32:, :][::2, ::3], glow)


def test_the_last_picture_of_a_gif_stays(invaders: Recording, tmp_path: Path) -> None:
    path = tmp_path / "game.gif"
    export([invaders, invaders], path)
    with Image.open(path) as gif:
        assert gif.size == (968, 452)
        gif.seek(gif.n_frames - 1)
        assert gif.info["duration"] >= 1000 * HOLD_FRAMES / FPS - 10


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_a_game_of_one_frame(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"one{suffix}"
    export([played("breakout", 1)], path)
    assert path.stat().st_size > 0


def test_a_long_gif_is_refused_before_any_work(tmp_path: Path) -> None:
    rules = named_rules("breakout").varied(max_frames=3_700)
    (long,) = play_seeds(make_script("noop", GAMES["breakout"]), rules, [1])  # without FIRE no ball comes
    assert long.frames / FPS > 60
    with pytest.raises(ArenaError, match=r"A GIF holds at most 60 seconds.*choose a part"):
        export([long], tmp_path / "long.gif")


@pytest.mark.parametrize("name", ["game.avi", "game", ".mp4"])
def test_other_suffixes_are_refused(invaders: Recording, tmp_path: Path, name: str) -> None:
    with pytest.raises(ArenaError, match=r"written as \.mp4 or \.gif"):
        export([invaders], tmp_path / name)


def test_progress_rises_to_its_total(long_game: Recording, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    export([long_game], tmp_path / "game.gif", seconds=(1, 8), progress=lambda *now: calls.append(now))
    assert calls == sorted(set(calls))
    assert calls[-1] == (479, 479)
    assert {total for _, total in calls} == {479}


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_an_interrupt_leaves_nothing_and_keeps_what_was_there(invaders: Recording, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"game{suffix}"
    path.write_bytes(b"an older film")
    with pytest.raises(KeyboardInterrupt):
        export([invaders], path, progress=lambda done, total: signal.raise_signal(signal.SIGINT))
    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == {path.name: b"an older film"}


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file of this process may grow beyond 4 KB, as if the disk were full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.usefixtures("small_disk")
@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(invaders: Recording, tmp_path: Path, suffix: str) -> None:
    with pytest.raises(EventError, match=r"game\.... can't be written \(.+\); free some space"):
        export([invaders], tmp_path / f"game{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file(invaders: Recording, tmp_path: Path) -> None:
    (tmp_path / "films").write_text("")
    with pytest.raises(EventError, match="can't be written"):
        export([invaders], tmp_path / "films" / "game.mp4")
