"""Sound without gaps and without drift, and none at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pygame
import pytest

from arena.ui import sound
from arena.ui.sound import MixerSpeaker, NoSpeaker, Resampler, open_speaker
from envs.environment import SOUND_SAMPLES
from envs.games import FPS

TONE = 440.0


def tone(frame: int, pitch: float = TONE) -> np.ndarray:
    """One frame of a sine: uint8 (512,)."""
    t = (frame * SOUND_SAMPLES + np.arange(SOUND_SAMPLES)) / (SOUND_SAMPLES * FPS)
    return np.asarray(np.round(128 + 100 * np.sin(2 * np.pi * pitch * t)), np.uint8)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    pygame.mixer.quit()


@pytest.mark.parametrize("stretch", [0.0, 0.004, -0.004, 1.0])
def test_resampling_has_no_seams_and_keeps_the_pitch(stretch: float) -> None:
    resampler = Resampler(48_000)
    pieces = []
    for frame in range(240):
        resampler.stretch(stretch)
        pieces.append(resampler.take(tone(frame)))
    line = np.concatenate(pieces)
    limited = min(stretch, sound.STRETCH)
    assert len(line) / 48_000 == pytest.approx(240 / FPS * (1 + limited), rel=1e-3)
    steepest = 100 * 2 * np.pi * TONE / 48_000 + 2
    assert np.abs(np.diff(line)).max() < steepest, "a seam would be a jump"


def test_played_through_sdl_every_sample_follows_the_one_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """SDL's disk driver writes what the loudspeaker would get. Time here is the device's own: frames are fed as fast as
    it takes them, so nothing depends on how busy this machine is."""
    file = tmp_path / "sound.raw"
    monkeypatch.setenv("SDL_AUDIODRIVER", "disk")
    monkeypatch.setenv("SDL_DISKAUDIOFILE", str(file))
    monkeypatch.setattr(sound, "MOST_WAITING", 1000)
    speaker = open_speaker(pygame, 100, False)
    assert isinstance(speaker, MixerSpeaker)
    for frame in range(300):
        while speaker._channel.get_queue() is not None and len(speaker._waiting) > 3 * speaker._chunk:
            pygame.time.wait(2)
        speaker.feed(tone(frame))
    gaps = speaker.gaps
    speaker.stop()
    speaker.close()
    line = np.fromfile(file, np.int16).astype(float)
    heard = np.flatnonzero(line)
    line = line[heard[0] : heard[-1]]
    assert len(line) > 100_000
    jumps = np.abs(np.diff(line)) > 255 * (100 * 2 * np.pi * TONE / 48_000 + 2)
    assert jumps.sum() <= 2 * gaps + 1, "one sound begins on the very sample after the one before"


def test_mute_volume_and_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    speaker = open_speaker(pygame, 50, False)
    assert isinstance(speaker, MixerSpeaker)
    for muted, volume, loudest in ((False, 100, 25_000), (False, 50, 6_000), (True, 100, 0)):
        speaker.volume, speaker.muted = volume, muted
        speaker._waiting = np.zeros(0, np.float32)
        speaker._resampler = Resampler(48_000)
        speaker._waiting = np.concatenate([speaker._resampler.take(tone(i)) for i in range(3)])
        samples = pygame.sndarray.array(speaker._next())
        assert abs(int(np.abs(samples).max()) - loudest) <= loudest // 10
    speaker.stop()
    assert not speaker._channel.get_busy()


def test_a_machine_without_sound_plays_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_AUDIODRIVER", "nonsense")
    speaker = open_speaker(pygame, 70, False)
    assert isinstance(speaker, NoSpeaker)
    assert not speaker.works
    speaker.feed(tone(0))
    speaker.stop()
    speaker.close()
