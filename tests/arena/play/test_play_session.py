"""Whole games at the window, with a person made of a script that acts at given frames."""

from __future__ import annotations

import errno
import multiprocessing
import os
import random
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pygame
import pytest

from arena.engine.evaluate import play_seeds
from arena.engine.recover import recover
from arena.engine.verify import verify
from arena.play import hands, session
from arena.play.limits import PRACTICE, RANKED, PlayLimits
from arena.play.opponent import GhostOpponent, open_opponent
from arena.play.session import Round, play_game, play_match
from arena.ui.strings import text
from arena.ui.window import Stage
from envs.errors import PlayerNameError, RecordingError, SeedError
from envs.games import FIRE, LEFT, NOOP, RIGHT
from envs.rules import named_rules
from envs.step import End, Step
from recordings.codec import read
from tests.arena.play.conftest import Keyboard
from tests.doubles import Dice

RULES = named_rules("breakout").varied(max_frames=90)
QUICK = replace(RANKED, countdown=0)
At = dict[int, Callable[[], Any]]
Answers = list[int]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch, keyboard: Keyboard) -> At:
    """What happens just before the frames after these. The end screen is left at once."""
    happens: At = {}
    look = hands.WindowHands.next

    def then_look(self: hands.WindowHands, step: Step) -> Any:
        if step.t in happens:
            happens.pop(step.t)()
        return look(self, step)

    monkeypatch.setattr(hands.WindowHands, "next", then_look)
    return happens


@pytest.fixture(autouse=True)
def end_screen_is_left(monkeypatch: pytest.MonkeyPatch, keyboard: Keyboard) -> None:
    ended = session._Game.end_screen

    def leave(self: session._Game, played: session.Played) -> None:
        keyboard.tap(pygame.K_RETURN)
        ended(self, played)

    monkeypatch.setattr(session._Game, "end_screen", leave)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch, keyboard: Keyboard) -> Answers:
    """Keys that are pressed one by one, each when a screen lies over the game."""
    keys: Answers = []
    draw = hands.draw_lines

    def then_press(*arguments: Any) -> None:
        draw(*arguments)
        if keys:
            keyboard.tap(keys.pop(0))

    monkeypatch.setattr(hands, "draw_lines", then_press)
    return keys


def play(stage: Stage, folder: Path | None = None, seed: int = 3, limits: PlayLimits = QUICK, **more: Any) -> Round:
    return play_game(stage, RULES, seed, "Ada", folder, limits=limits, **more)


def test_keys_become_the_actions_of_their_very_frames(stage: Stage, at: At, keyboard: Keyboard, tmp_path: Path) -> None:
    at[10] = lambda: keyboard.tap(pygame.K_SPACE)
    at[20] = lambda: keyboard.down(pygame.K_LEFT)
    at[30] = lambda: keyboard.down(pygame.K_d)
    at[40] = lambda: keyboard.up(pygame.K_d)
    at[50] = lambda: keyboard.up(pygame.K_LEFT)
    played = play(stage, tmp_path).person
    actions = played.recording.actions
    wanted = [NOOP] * 90
    wanted[10] = FIRE
    wanted[20:30], wanted[30:40], wanted[40:50] = [LEFT] * 10, [RIGHT] * 10, [LEFT] * 10
    assert list(actions) == wanted, "the key that is down when a frame is due is that frame's action"
    assert played.recording.end is End.TRUNCATED
    assert played.path is not None
    assert verify(read(played.path)).ok
    assert read(played.path) == played.recording
    assert not list(tmp_path.glob("*.part"))


def test_the_recording_says_how_evenly_it_ran(real_time: None, stage: Stage, at: At) -> None:
    pacing = play(stage).person.recording.pacing
    assert pacing is not None
    assert 0 < pacing.frames_per_second < 65
    assert pacing.p50_ms <= pacing.p99_ms <= pacing.max_ms
    assert pacing.pauses == ()


def test_practice_writes_nothing(stage: Stage, at: At, tmp_path: Path) -> None:
    played = play(stage, None).person
    assert played.path is None
    assert list(tmp_path.iterdir()) == []


def shown(stage: Stage) -> np.ndarray:
    return np.asarray(pygame.surfarray.array3d(stage.surface))


def test_a_pause_hides_the_picture_and_stands_in_the_recording(
    stage: Stage, at: At, keyboard: Keyboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = []
    draw = hands.draw_lines

    def look(*arguments: Any) -> None:
        draw(*arguments)
        pictures.append(shown(stage))
        keyboard.tap(pygame.K_p)

    monkeypatch.setattr(hands, "draw_lines", look)
    at[40] = lambda: keyboard.tap(pygame.K_p)
    recording = play(stage).person.recording
    assert recording.pacing is not None
    assert [pause.frame for pause in recording.pacing.pauses] == [40]
    assert recording.frames == 90
    wall = np.array([142, 142, 142])  # the grey wall of Breakout
    assert pictures
    for picture in pictures:
        assert not (picture == wall).all(axis=2).any()
    assert (shown(stage) == wall).all(axis=2).any(), "it is there when the game goes on"
    assert verify(recording).ok


def test_pauses_run_out(stage: Stage, at: At, keyboard: Keyboard, answers: Answers) -> None:
    for t in (10, 20, 30, 40):
        at[t] = lambda: keyboard.tap(pygame.K_p)
    answers += [pygame.K_p, pygame.K_SPACE]
    pacing = play(stage, limits=PlayLimits(pauses=2, countdown=0)).person.recording.pacing
    assert pacing is not None
    assert [pause.frame for pause in pacing.pauses] == [10, 20]


def test_a_pause_ends_by_itself_when_its_time_is_up(stage: Stage, at: At, keyboard: Keyboard) -> None:
    at[10] = lambda: keyboard.tap(pygame.K_p)
    pacing = play(stage, limits=PlayLimits(pause_seconds=0.3, countdown=0)).person.recording.pacing
    assert pacing is not None
    assert len(pacing.pauses) == 1
    assert pacing.pauses[0].ms >= 300


def test_leaving_asks_first(stage: Stage, at: At, keyboard: Keyboard, answers: Answers, tmp_path: Path) -> None:
    at[20] = at[50] = lambda: keyboard.tap(pygame.K_ESCAPE)
    answers += [pygame.K_ESCAPE, pygame.K_RETURN]
    recording = play(stage, tmp_path).person.recording
    assert (recording.frames, recording.end) == (50, End.QUIT)
    assert verify(recording).ok


def test_escape_in_a_pause_asks_too(stage: Stage, at: At, keyboard: Keyboard, answers: Answers) -> None:
    at[20] = lambda: keyboard.tap(pygame.K_p)
    answers += [pygame.K_ESCAPE, pygame.K_RETURN]
    recording = play(stage).person.recording
    assert (recording.frames, recording.end) == (20, End.QUIT)


def test_who_hammers_on_escape_plays_on(stage: Stage, at: At, keyboard: Keyboard, answers: Answers) -> None:
    """The first closes the question, the others come while the seconds to going on are counted."""
    at[1] = lambda: keyboard.tap(pygame.K_ESCAPE)
    answers += [pygame.K_F1] * 60 + [pygame.K_ESCAPE] * 15
    recording = play(stage, limits=PlayLimits(countdown=1)).person.recording
    assert recording.end is End.TRUNCATED
    assert recording.pacing is not None
    assert [pause.frame for pause in recording.pacing.pauses] == [1]


def test_before_the_first_frame_a_second_escape_leaves(stage: Stage, at: At, answers: Answers) -> None:
    answers += [pygame.K_ESCAPE, pygame.K_F1, pygame.K_ESCAPE]
    recording = play(stage, limits=PlayLimits(countdown=60)).person.recording
    assert (recording.frames, recording.end) == (0, End.QUIT)
    assert stage.toast == "", "what was asked for has been done"


def test_who_goes_away_in_a_pause_leaves(stage: Stage, at: At, keyboard: Keyboard) -> None:
    at[20] = lambda: keyboard.tap(pygame.K_p)
    recording = play(stage, limits=replace(PRACTICE, countdown=0, idle_seconds=0.5)).person.recording
    assert (recording.frames, recording.end) == (20, End.QUIT)


def test_practice_counts_no_pauses_and_says_nothing_of_ranks(
    stage: Stage, at: At, keyboard: Keyboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    draw = hands.draw_lines

    def look(stage: Stage, lines: list[Any], unit: int) -> None:
        draw(stage, lines, unit)
        seen.extend(words for words, *_ in lines)
        keyboard.tap(pygame.K_p)

    def at_the_end(self: session._Game, lines: list[Any], seconds: float | None) -> bool:
        seen.extend(words for words, *_ in lines)
        return True

    monkeypatch.setattr(hands, "draw_lines", look)
    monkeypatch.setattr(session._Game, "_wait", at_the_end)
    monkeypatch.setattr("arena.play.keeper.unranked_reason", lambda recording: "it was too slow")
    at[20] = lambda: keyboard.tap(pygame.K_p)
    play(stage, limits=replace(PRACTICE, countdown=0))
    assert text("play.paused") in seen
    assert text("play.time_is_up") in seen
    assert not [words for words in seen if "too slow" in words or "left for them" in words]


def test_without_pauses_a_second_escape_leaves(stage: Stage, at: At, keyboard: Keyboard) -> None:
    at[20] = lambda: keyboard.tap(pygame.K_ESCAPE)
    at[25] = lambda: keyboard.tap(pygame.K_ESCAPE)
    recording = play(stage, limits=PlayLimits(pauses=0, countdown=0)).person.recording
    assert (recording.frames, recording.end) == (25, End.QUIT)


def test_closing_the_window_ends_the_match_and_keeps_what_was_played(stage: Stage, at: At, tmp_path: Path) -> None:
    at[30] = lambda: pygame.event.post(pygame.event.Event(pygame.QUIT))
    rounds = play_match(stage, RULES, [1, 2, 3], "Ada", tmp_path, limits=QUICK)
    assert [r.person.recording.frames for r in rounds] == [30]
    assert stage.closed
    assert len(list(tmp_path.iterdir())) == 1


def test_nobody_there(real_time: None, stage: Stage, at: At) -> None:
    recording = play(stage, limits=PlayLimits(countdown=0, idle_seconds=0.5)).person.recording
    assert recording.end is End.QUIT
    assert recording.frames < 90


def test_an_agent_beside_plays_what_it_would_have_played_alone(
    real_time: None, stage: Stage, at: At, tmp_path: Path
) -> None:
    at[5] = lambda: pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_LEFT, unicode=""))
    with open_opponent("script:basic", RULES) as opponent:
        rounds = play_match(stage, RULES, [3, 4], "Ada", tmp_path, opponent=opponent, limits=QUICK)
    for one in rounds:
        opponent = one.opponent
        assert opponent is not None
        assert opponent.path is not None
        assert verify(read(opponent.path)).ok
        assert opponent.recording.seed == one.person.recording.seed == one.seed
        assert opponent.recording.pacing is not None
        if opponent.recording.pacing.held_frames == 0:
            from agents.scripts import make_script
            from envs.games import find_game

            (alone,) = play_seeds(make_script("basic", find_game("breakout")), RULES, [one.seed])
            assert opponent.recording.digest == alone.digest


def test_who_leaves_waits_for_nobody_and_loses_the_round(
    stage: Stage, at: At, keyboard: Keyboard, tmp_path: Path
) -> None:
    """The bot's process is stopped: whoever waited for it would wait for ever."""
    at[20] = lambda: keyboard.tap(pygame.K_ESCAPE)
    at[24] = lambda: keyboard.tap(pygame.K_ESCAPE)
    with open_opponent("script:basic", RULES) as opponent:
        (process,) = multiprocessing.active_children()
        assert process.pid is not None
        at[10] = lambda: os.kill(process.pid, signal.SIGSTOP)
        try:
            one = play(stage, tmp_path, opponent=opponent, limits=PlayLimits(pauses=0, countdown=0))
        finally:
            os.kill(process.pid, signal.SIGCONT)
    assert (one.person.recording.frames, one.person.recording.end) == (24, End.QUIT)
    assert one.opponent is not None
    assert one.opponent.recording.end is End.QUIT
    assert one.opponent.recording.frames in (24, 25)
    assert (one.opponent.path, one.opponent.unranked) == (None, "it was broken off when the person left")
    assert one.winner == -1
    (path,) = tmp_path.glob("*.arena.zip")
    assert path == one.person.path


def test_the_rival_plays_on_when_the_persons_game_is_over(stage: Stage, at: At, tmp_path: Path) -> None:
    """Hands that break end the game sooner than five lost balls."""
    at[40] = lambda: 1 // 0
    with open_opponent("script:basic", RULES) as opponent:
        one = play(stage, tmp_path, opponent=opponent)
    assert one.person.recording.frames == 40
    assert one.opponent is not None
    assert one.opponent.recording.frames == 90
    assert one.opponent.path is not None
    assert verify(one.opponent.recording).ok


def test_a_ghost_plays_its_recording_and_is_not_recorded_again(stage: Stage, at: At, tmp_path: Path) -> None:
    (recording,) = play_seeds(Dice("Shade"), RULES, [3])
    one = play(stage, tmp_path, opponent=GhostOpponent(recording))
    assert one.opponent is not None
    assert one.opponent.recording == recording
    assert len(list(tmp_path.glob("*.arena.zip"))) == 1
    with pytest.raises(RecordingError, match="seed 3"):
        play(stage, tmp_path, seed=4, opponent=GhostOpponent(recording))


def test_a_full_disk_in_mid_game_stops_nothing(
    stage: Stage, at: At, keyboard: Keyboard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operating system itself says that there is no room: a limit on file sizes, as `ulimit -f` sets it."""
    import resource
    import signal

    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    usual = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    asked = []
    wait = session._Game._wait

    def make_room(self: session._Game, lines: list[Any], seconds: float | None) -> bool:
        asked.append([words for words, *_ in lines])
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        keyboard.tap(pygame.K_RETURN)
        return wait(self, lines, seconds)

    monkeypatch.setattr(session._Game, "_wait", make_room)
    at[20] = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (64, limit[1]))
    try:
        played = play(stage, tmp_path).person
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, usual)
    assert "can't be written" in asked[0][1]
    assert os.strerror(errno.EFBIG) in asked[0][1]
    assert played.recording.frames == 90
    assert played.path is not None
    assert verify(read(played.path)).ok


def test_a_full_disk_that_stays_full_is_given_up(
    stage: Stage, at: At, keyboard: Keyboard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "file"
    folder.write_text("not a folder")
    said: list[str] = []

    def give_up(self: session._Game, lines: list[Any], seconds: float | None) -> bool:
        said.extend(words for words, *_ in lines)
        return False

    monkeypatch.setattr(session._Game, "_wait", give_up)
    played = play(stage, folder).person
    assert played.path is None
    assert text("play.given_up") in said
    assert played.recording.frames == 90


@pytest.mark.parametrize(
    ("error", "change"),
    [(PlayerNameError, {"name": "😀" * 500}), (SeedError, {"seed": -1})],
)
def test_what_cannot_be_played_is_said_at_once(stage: Stage, error: type[Exception], change: dict[str, Any]) -> None:
    with pytest.raises(error):
        play_game(**{"stage": stage, "rules": RULES, "seed": 1, "name": "Ada", "folder": None} | change)


def test_mashing_everything_breaks_nothing(stage: Stage, at: At, tmp_path: Path) -> None:
    rng = random.Random(7)
    keys = [getattr(pygame, name) for name in dir(pygame) if name.startswith("K_") and name not in ("K_RETURN",)]
    kinds = [pygame.KEYDOWN, pygame.KEYUP]
    others = [
        lambda: pygame.event.Event(pygame.JOYBUTTONDOWN, button=rng.randrange(40), instance_id=rng.randrange(5)),
        lambda: pygame.event.Event(
            pygame.JOYAXISMOTION, axis=rng.randrange(9), instance_id=1, value=rng.uniform(-1, 1)
        ),
        lambda: pygame.event.Event(pygame.JOYHATMOTION, hat=0, instance_id=1, value=(rng.choice((-1, 0, 1)), 0)),
        lambda: pygame.event.Event(pygame.CONTROLLERBUTTONDOWN, button=rng.randrange(40), instance_id=0),
        lambda: pygame.event.Event(pygame.JOYDEVICEREMOVED, instance_id=rng.randrange(5)),
        lambda: pygame.event.Event(pygame.JOYDEVICEADDED, device_index=rng.randrange(5)),
        lambda: pygame.event.Event(pygame.VIDEORESIZE, size=(rng.randrange(1, 900), 400), w=1, h=1),
    ]

    def mash() -> None:
        for _ in range(10):
            key = rng.choice(keys)
            pygame.event.post(
                pygame.event.Event(rng.choice(kinds), key=key, unicode=rng.choice(["", "a", "+", "\x00"]))
            )
            pygame.event.post(rng.choice(others)())

    for t in range(0, 90, 2):
        at[t] = mash
    limits = PlayLimits(pauses=5, pause_seconds=0.5, countdown=0, idle_seconds=20)
    played = play(stage, tmp_path, limits=limits).person
    assert verify(played.recording).ok


def test_small_and_odd_windows(stage: Stage, at: At) -> None:
    for t, size in ((5, (200, 100)), (10, (1900, 300)), (15, (300, 1200)), (20, (640, 480))):
        at[t] = lambda size=size: pygame.display.set_mode(size, pygame.RESIZABLE)
    with open_opponent("script:noop", RULES) as opponent:
        assert play(stage, opponent=opponent).person.recording.frames == 90


def test_nothing_is_left_to_recover(stage: Stage, at: At, tmp_path: Path) -> None:
    play(stage, tmp_path)
    assert recover(tmp_path) == []
