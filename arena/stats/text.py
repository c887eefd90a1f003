"""Numbers and times as people read them, the same on pages, in windows and on paper."""

from __future__ import annotations

from envs.games import FPS


def points(score: float) -> str:
    """Return a score as people write it: `1,234` or `30.5`."""
    return f"{score:,.0f}" if float(score).is_integer() else f"{score:,.1f}"


def mean_points(score: float) -> str:
    """Return a mean or a median: `30.5`, and `1,234` where tenths say nothing any more."""
    return f"{score:,.1f}" if abs(score) < 999.95 else f"{score:,.0f}"


def clock_of(frames: int) -> str:
    """Return the time that `frames` emulated frames take, as minutes and seconds: `1:05`."""
    minutes, seconds = divmod(int(frames / FPS), 60)
    return f"{minutes}:{seconds:02d}"


def play_time(frames: int) -> str:
    """Return the time that `frames` emulated frames take, rounded: `42 s`, `7 min` or `3 h`."""
    minutes = round(frames / FPS / 60)
    if minutes < 1:
        return f"{frames / FPS:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:,.0f} h"
