"""The console's sound while a person plays: 512 samples with every frame, without gaps and without drift.

Frames come by the computer's clock, the sound card plays by its own. So what comes is resampled to the card's rate, a
trifle (at most half a percent, which nobody hears) faster or slower, such that the samples that wait stay as many as
they should be. SDL's mixer starts a queued sound on the very sample after the one before it; every sound is two frames
long, one plays and one waits.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

from envs.environment import SOUND_SAMPLES
from envs.games import FPS

RATE = 48_000
DEVICE_SAMPLES = 512
"""What the card asks for at a time: 11 ms."""
SILENCE = 128
CHUNK_FRAMES = 2
"""Emulated frames in one sound."""
MOST_WAITING = 6
"""Sounds that may wait; what is older is dropped (after the machine was stopped for a while)."""
STRETCH = 0.005
"""The largest part by which sound is stretched or squeezed."""
VOLUME_STEP = 10


class Speaker(Protocol):
    """Where the sound of a game goes."""

    volume: int
    """Percent, 0 to 100."""
    muted: bool
    works: bool
    """Whether there is a device."""

    def feed(self, samples: np.ndarray) -> None:
        """Take the sound of one frame: uint8 (512,), silence is 128."""

    def stop(self) -> None:
        """Be silent at once, e.g. for a pause."""

    def close(self) -> None: ...


class NoSpeaker:
    """For machines without sound."""

    works = False

    def __init__(self, volume: int = 0, muted: bool = False) -> None:
        self.volume, self.muted = volume, muted

    def feed(self, samples: np.ndarray) -> None:
        pass

    def stop(self) -> None:
        pass

    def close(self) -> None:
        pass


def open_speaker(pygame: Any, volume: int, muted: bool) -> Speaker:
    """Return the machine's speaker; one that does nothing where there is no device."""
    try:
        with _unheard():
            pygame.mixer.init(RATE, -16, 1, DEVICE_SAMPLES, allowedchanges=pygame.AUDIO_ALLOW_FREQUENCY_CHANGE)
    except pygame.error:
        return NoSpeaker(volume, muted)
    return MixerSpeaker(pygame, volume, muted)


@contextmanager
def _unheard() -> Iterator[None]:
    """Let nothing written to standard error be seen: where there is no sound card, ALSA's library says much."""
    try:
        kept = os.dup(2)
    except OSError:  # there is none
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


class MixerSpeaker:
    """Plays through SDL's mixer, which is open already.

    Args:
        pygame: the module.
        volume: percent.
        muted: whether to be silent.
    """

    works = True

    def __init__(self, pygame: Any, volume: int, muted: bool) -> None:
        self._mixer = pygame.mixer
        self._channel = pygame.mixer.Channel(0)
        self.volume, self.muted = volume, muted
        self.gaps = 0
        """Times that the sound ran dry."""
        rate = self._mixer.get_init()[0]
        self._resampler = Resampler(rate)
        self._chunk = round(CHUNK_FRAMES * rate / FPS)
        self._waiting = np.zeros(0, np.float32)
        self._started = False

    def feed(self, samples: np.ndarray) -> None:
        self._waiting = np.concatenate([self._waiting, self._resampler.take(samples)])
        if len(self._waiting) > MOST_WAITING * self._chunk:
            self._waiting = self._waiting[-2 * self._chunk :]
        if not self._channel.get_busy():
            self._begin()
        elif self._channel.get_queue() is None and len(self._waiting) >= self._chunk:
            self._channel.queue(self._next())
            spare = len(self._waiting) / self._chunk
            self._resampler.stretch(0.02 * (0.75 - spare))

    def stop(self) -> None:
        self._channel.stop()
        self._waiting = self._waiting[:0]
        self._started = False

    def close(self) -> None:
        self._mixer.quit()

    def _begin(self) -> None:
        """Start when enough waits for one sound that plays, one that is queued, and some in reserve."""
        if self._started:
            self._started = False
            self.gaps += 1
        if len(self._waiting) >= 2.5 * self._chunk:
            self._channel.play(self._next())
            self._channel.queue(self._next())
            self._started = True

    def _next(self) -> Any:
        samples, self._waiting = self._waiting[: self._chunk], self._waiting[self._chunk :]
        loudness = 0.0 if self.muted else (self.volume / 100) ** 2 * 255  # the ear hears powers of the pressure
        return self._mixer.Sound(buffer=(samples * loudness).astype(np.int16).tobytes())


class Resampler:
    """From the console's rate to the sound card's, without a seam between two frames.

    Args:
        rate: samples per second of the card.
    """

    def __init__(self, rate: int) -> None:
        self._plain = SOUND_SAMPLES * FPS / rate
        """Console samples per card sample at the right pace."""
        self._step = self._plain
        self._position = 0.0
        """Where the next card sample lies, in console samples after the last sample of the frame before."""
        self._last = np.zeros(1, np.float32)
        self._places = np.arange(SOUND_SAMPLES + 1, dtype=np.float64)

    def stretch(self, part: float) -> None:
        """Give more samples than at the right pace (`part` above 0) or fewer, within limits, approached gently."""
        wanted = self._plain / (1 + min(max(part, -STRETCH), STRETCH))
        self._step += 0.1 * (wanted - self._step)

    def take(self, samples: np.ndarray) -> np.ndarray:
        """Return a frame's sound, uint8 (512,), as float32 (n,), -128 to 127, at the card's rate."""
        line = np.concatenate([self._last, samples.astype(np.float32) - SILENCE])
        places = np.arange(self._position, SOUND_SAMPLES, self._step)
        self._position = float(places[-1] + self._step - SOUND_SAMPLES)
        self._last = line[-1:]
        return np.asarray(np.interp(places, self._places, line), np.float32)
