"""What `arena doctor --hands-on` tries out in a window, with a person at the keys: frames, keys, pad, sound."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from agents.human import Button
from arena.diagnostics.machine import Check, CheckStatus
from arena.engine.env_pool import borrowed
from arena.engine.match import Turn
from arena.play.view import View
from arena.ui.frame_clock import FrameClock
from arena.ui.lines import Line, draw_lines, hint, line, title
from arena.ui.palette import QUIET, TEXT, YELLOW
from arena.ui.show import Panel
from arena.ui.strings import text
from arena.ui.window import Press, Stage, open_stage
from envs.environment import SOUND_SAMPLES
from envs.errors import ArenaError
from envs.games import FPS
from envs.rules import named_rules

PACING_SECONDS = 5
ANSWER_SECONDS = 20.0
"""How long somebody is waited for."""
GOOD_P99_MS = 25.0
TOGETHER = (Button.LEFT, Button.UP, Button.FIRE)
TONE_HZ = 440.0


def hands_on() -> Iterator[Check]:
    """Open a window and yield every check as it is done."""
    try:
        with open_stage(text("check.title")) as stage:
            yield _pacing(stage)
            for check in (_rollover, _pad, _sound):
                if not stage.closed:
                    yield check(stage)
    except ArenaError as error:
        yield Check("window", CheckStatus.WARN, str(error), "People can't play on this machine as it is.")


def _pacing(stage: Stage) -> Check:
    """Run a real game with sound for five seconds, and see how evenly its frames come."""
    rules = named_rules("breakout")
    frames = round(PACING_SECONDS * FPS)
    clock = FrameClock(frames)
    panel = Panel(text("check.pacing"), rules)
    view = View(stage, [panel], "")
    with borrowed(rules, 1) as (env,):
        step = env.start(0)
        for t in range(frames):
            panel.take(Turn(0, 0, rules.action_set[t // 30 % len(rules.action_set)] if t else None, step))
            view.draw()
            stage.show()
            stage.poll()
            clock.tick()
            step = env.advance(rules.action_set[t // 30 % len(rules.action_set)])
            stage.speaker.feed(step.sound())
    stage.speaker.stop()
    pacing = clock.pacing()
    width, height = stage.surface.get_size()
    sentence = (
        f"{pacing.frames_per_second:.2f} frames per second in a window of {width}x{height}, "
        f"99 % within {pacing.p99_ms:.1f} ms, the slowest {pacing.max_ms:.1f} ms, {pacing.late_frames} late."
    )
    if abs(pacing.frames_per_second - FPS) <= 0.1 and pacing.p99_ms <= GOOD_P99_MS:
        return Check("frame pacing", CheckStatus.OK, sentence)
    advice = "Close other programs, plug in the power supply, choose a smaller resolution or window."
    return Check("frame pacing", CheckStatus.WARN, sentence, advice)


def _rollover(stage: Stage) -> Check:
    """Some keyboards can't report three keys that are held together."""
    stage.held.clear()
    seen: set[Button] = set()
    end = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < end and not stage.closed:
        presses = stage.poll()
        held = set(stage.held.frame())
        if held >= set(TOGETHER):
            return Check("keys", CheckStatus.OK, "Left, up and space were seen at the same time.")
        if any(press.key == "escape" for press in presses):
            break
        seen = max(seen, held, key=len)
        dots: list[Line] = [(str(button), 1.0, YELLOW if button in held else QUIET) for button in TOGETHER]
        _show(stage, [title(text("check.rollover")), *dots, hint(text("check.rollover_skip"))])
    if not seen:
        return Check("keys", CheckStatus.WARN, "No key was pressed.", "Try again with somebody at the keyboard.")
    names = ", ".join(sorted(seen))
    advice = (
        "Choose other keys with arena play GAME --remap (Ctrl, Shift and Alt are reported beside all others), or use "
        "another keyboard or a pad."
    )
    return Check("keys", CheckStatus.WARN, f"Of left, up and space together only this was seen: {names}.", advice)


def _pad(stage: Stage) -> Check:
    stage.poll()
    if not stage.pads:
        return Check("pad", CheckStatus.OK, "None is plugged in; the keyboard does.")
    names = ", ".join(stage.pads)
    end = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < end and not stage.closed:
        for press in stage.poll():
            if press.pad:
                what = f"is {press.button}" if press.button else "does nothing in a game"
                return Check("pad", CheckStatus.OK, f"{names}: its {press.pad} {what}.")
            if press.key == "escape":
                return _silent_pad(names)
        _show(stage, [title(text("check.pad")), line(names), hint(text("check.pad_skip"))])
    return _silent_pad(names)


def _silent_pad(names: str) -> Check:
    return Check("pad", CheckStatus.WARN, f"{names}: no button was seen.", "Plug it in again, or into another socket.")


def _sound(stage: Stage) -> Check:
    speaker = stage.speaker
    if not speaker.works:
        return Check("loudspeaker", CheckStatus.WARN, "There is no sound device.", "Games run silently; connect one.")
    muted, speaker.muted = speaker.muted, False
    try:
        answer = _heard(stage)
    finally:
        speaker.stop()
        speaker.muted = muted
    if answer:
        return Check("loudspeaker", CheckStatus.OK, f"The tone was heard at {speaker.volume} %.")
    advice = "Turn the volume up, and choose the right output in the system's sound settings."
    what = "was not heard" if answer is False else "was played, nobody answered"
    return Check("loudspeaker", CheckStatus.WARN, f"The tone {what}.", advice)


def _heard(stage: Stage) -> bool | None:
    """Play a tone until somebody says whether it is heard; None if nobody does."""
    t = 0
    clock = FrameClock(1)
    end = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < end and not stage.closed:
        for press in stage.poll():
            if (answer := _yes_or_no(press)) is not None:
                return answer
        wave = np.sin(2 * np.pi * TONE_HZ * (t + np.arange(SOUND_SAMPLES)) / (SOUND_SAMPLES * FPS))
        stage.speaker.feed((128 + 40 * wave).astype(np.uint8))
        t += SOUND_SAMPLES
        stage.clear()
        draw_lines(stage, [title(text("check.sound")), (text("check.sound_keys"), 1.0, TEXT)], _unit(stage))
        stage.show()
        clock.tick()
    return None


def _yes_or_no(press: Press) -> bool | None:
    if press.key == "y" or press.button is Button.FIRE:
        return True
    return False if press.key in ("n", "escape") else None


def _show(stage: Stage, lines: list[Line]) -> None:
    stage.clear()
    draw_lines(stage, lines, _unit(stage))
    stage.show()
    time.sleep(1 / 60)


def _unit(stage: Stage) -> int:
    return max(16, int(stage.surface.get_height()) // 14)
