"""Recordings as films: MP4 with sound, or an animated GIF.

The film is made by replaying the recording through the match engine; nothing of it was stored. It is written under a
temporary name and renamed when it is whole.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from arena.ui.compose import arrange, compose
from arena.ui.show import SILENCE, Show, replay
from envs.environment import SOUND_SAMPLES
from envs.errors import ArenaError, EventError
from envs.games import FPS
from recordings.recording import Recording

Progress = Callable[[int, int], None]

MP4_LINES = 3
"""Pixels per emulated line in an MP4: one game is 800 pixels wide."""
GIF_LINES = 2
"""The same in a GIF: one game is 480 pixels wide."""
GIF_FRAMES = 4
"""Emulated frames that become one picture of a GIF, about 15 a second."""
GIF_SECONDS = 60
"""Longest GIF: its pictures are kept in memory until the last, and its size is out of proportion."""
HOLD_FRAMES = 90
"""How long the last picture stays when the games are over."""

PROGRESS_FRAMES = 60
"""Emulated frames between two calls of `progress`."""

X264 = {"preset": "veryfast", "crf": "25", "x264-params": "keyint=600:ref=4:bframes=0:me=dia:subme=1"}
"""Four reference frames, since things flicker with periods of two and four; found by trying."""
BT601 = 6
"""FFmpeg's number of the colour matrix that opencv converts with."""
SOUND_HZ = 32_000
"""Sampling rate in the MP4; AAC does not know the emulator's."""


def export(
    recordings: Sequence[Recording],
    path: Path,
    *,
    seconds: tuple[float, float] | None = None,
    progress: Progress | None = None,
) -> None:
    """Write one recording, or two side by side, as a film.

    Args:
        recordings: one or two; with two, the left one sounds on the left and the other on the right.
        path: `*.mp4` (H.264, 59.92 pictures per second, sound) or `*.gif` (about 15 pictures per second).
        seconds: begin and end of the part to be shown, in seconds of play; None shows all.
        progress: called now and then with the emulated frames done and their total.

    Raises:
        ArenaError: another suffix, too many recordings, or a part that isn't there.
        EventError: the file can't be written or the disk is full. Nothing is left half-written then.
    """
    write = {".mp4": _write_mp4, ".gif": _write_gif}.get(path.suffix.lower())
    if write is None:
        raise ArenaError(f"A film is written as .mp4 or .gif; {path.name!r} ends in neither.")
    show = replay(recordings)
    longest = max(recording.frames for recording in recordings)
    part = _part(longest, seconds)
    if write is _write_gif and len(part) > GIF_SECONDS * FPS:
        raise ArenaError(
            f"A GIF holds at most {GIF_SECONDS} seconds, this would be {len(part) / FPS:.0f}; "
            "choose a part of the game, or write an .mp4."
        )
    with _whole_file(path) as temporary:
        write(show, _film(show, part, longest, progress), temporary)


def _part(longest: int, seconds: tuple[float, float] | None) -> range:
    """Return the emulated frames to be shown, of 1 to `longest`."""
    if seconds is None:
        return range(1, longest + 1)
    begin, end = seconds
    if not (0 <= begin < end and begin * FPS < longest):
        raise ArenaError(f"The game has the seconds 0 to {longest / FPS:.1f}; {begin:g} to {end:g} can't be shown.")
    first = min(round(begin * FPS) + 1, longest)
    last = longest if end * FPS >= longest else max(first, round(end * FPS))  # `end` may be infinite
    return range(first, last + 1)


def _film(show: Show, part: range, longest: int, progress: Progress | None) -> Iterator[bool]:
    """Move `show` on, yielding whenever it stands at a frame of `part`: True for one that was played, then, where the
    part ends with the games, False as long as the last picture stays."""
    total = part[-1] if part else longest
    for t in range(1, total + 1):
        if not show.advance():
            break
        if t in part:
            yield True
        if progress is not None and (t % PROGRESS_FRAMES == 0 or t == total):
            progress(t, total)
    if total == longest:
        while show.advance():  # a replay says that it ran out of actions only when it is asked for one more
            pass
        for _ in range(HOLD_FRAMES):
            yield False


def _write_mp4(show: Show, film: Iterator[bool], path: Path) -> None:
    import av
    import cv2

    if "libx264" not in av.codecs_available:
        raise ArenaError("This build of PyAV has no H.264 encoder; reinstall it (pip install av), or write a .gif.")
    rate = Fraction(round(FPS * 100), 100)
    channels = len(show.panels)
    layout = "mono" if channels == 1 else "stereo"
    places = None
    with av.open(path, "w", format="mp4", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=rate, options=X264)
        audio = container.add_stream("aac", rate=SOUND_HZ, layout=layout, bit_rate=32_000 * channels)
        # 512 samples belong to each frame, and 59.92 frames to a second: 30,679 samples, not the nominal 30,720.
        resampler = av.AudioResampler("fltp", layout, SOUND_HZ)
        for number, played in enumerate(film):
            if places is None:
                places = arrange(show.panels, MP4_LINES)
                video.width, video.height = places.size
                video.pix_fmt = "yuv420p"
                context = video.codec_context
                context.color_primaries = context.color_trc = context.colorspace = BT601
                context.color_range = av.video.reformatter.ColorRange.MPEG
            planes = cv2.cvtColor(compose(show.panels, places), cv2.COLOR_RGB2YUV_I420)
            picture = av.VideoFrame.from_ndarray(np.asarray(planes, np.uint8), "yuv420p")
            picture.pts, picture.time_base = number, 1 / rate
            container.mux(video.encode(picture))
            sound = np.stack([panel.sound() if played else SILENCE for panel in show.panels], axis=1)
            samples = av.AudioFrame.from_ndarray(sound.reshape(1, -1), "u8", layout)
            samples.sample_rate = round(SOUND_SAMPLES * FPS)
            samples.pts, samples.time_base = number * SOUND_SAMPLES, Fraction(1, samples.sample_rate)
            for frame in resampler.resample(samples):
                container.mux(audio.encode(frame))
        for frame in resampler.resample(None):
            container.mux(audio.encode(frame))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


def _write_gif(show: Show, film: Iterator[bool], path: Path) -> None:
    from PIL import Image

    durations: list[int] = []
    pictures = (
        Image.fromarray(picture).quantize(255, dither=Image.Dither.NONE) for picture in _sampled(show, film, durations)
    )
    with path.open("wb") as file:
        next(pictures).save(
            file, format="GIF", save_all=True, append_images=pictures, duration=durations, loop=0, optimize=True
        )


def _sampled(show: Show, film: Iterator[bool], durations: list[int]) -> Iterator[np.ndarray]:
    """Yield every fourth picture of `film`, appending to `durations` how long it stays, in milliseconds.

    Atari games draw some things only in every second or fourth frame; the brightest of the frames in between, as it
    would glow on a television, keeps them.
    """
    places = None
    glow: list[np.ndarray] = []
    number = shown = 0
    for played in film:
        if not played:
            durations.append(_moment(HOLD_FRAMES))
            yield compose(show.panels, places or arrange(show.panels, GIF_LINES))
            return
        number += 1
        seen = [panel.picture() for panel in show.panels]
        glow = [np.maximum(a, b) for a, b in zip(glow, seen, strict=True)] if glow else seen
        if number % GIF_FRAMES == 0:
            places = places or arrange(show.panels, GIF_LINES)
            # A GIF counts in hundredths of a second: round the moments, not the durations.
            durations.append(_moment(number) - _moment(shown))
            yield compose(show.panels, places, glow)
            glow, shown = [], number
    if glow:
        durations.append(_moment(number) - _moment(shown))
        yield compose(show.panels, places or arrange(show.panels, GIF_LINES), glow)


def _moment(frame: int) -> int:
    """When `frame` is shown, in milliseconds, rounded to 10."""
    return 10 * round(100 * frame / FPS)


@contextlib.contextmanager
def _whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, renamed to it at the end; whatever goes wrong, it is removed."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".writing-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            temporary.chmod(0o644)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise EventError(
            f"{path} can't be written ({error.strerror}); free some space or choose another folder."
        ) from None
