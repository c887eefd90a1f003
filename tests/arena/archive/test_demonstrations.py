"""Recordings as demonstrations: what is learned from is what an agent would have seen."""

from pathlib import Path

import numpy as np
import pytest

from agents.load import load_player
from agents.networks.preprocessing import Preprocessor
from arena.archive.demonstrations import GAMMA, demonstrate, recordings_of
from arena.engine.evaluate import play_seeds
from envs import find_game
from envs.environment import ArenaEnv
from envs.errors import RecordingError
from envs.rules import named_rules
from recordings.recording import Recording
from recordings.storage import save


@pytest.fixture(scope="module")
def recordings() -> list[Recording]:
    rules = named_rules("space_invaders").varied(max_frames=1_202)  # ends in the middle of a decision
    player = load_player("script:random", find_game("space_invaders"))
    return list(play_seeds(player, rules, [3, 4]))


def test_observations_actions_and_returns(recordings: list[Recording]) -> None:
    shown = demonstrate(recordings)
    at = 0
    for recording in recordings:
        env, preprocessor = ArenaEnv(recording.rules), Preprocessor()
        step = env.start(recording.seed)
        seen, rewards, lost = [], [], []
        lives, points = step.lives, 0.0
        for t, action in enumerate(recording.actions):
            if preprocessor.feed(step):
                if t:
                    rewards.append(np.sign(points))
                    lost.append(step.lives < lives)
                seen.append(preprocessor.observation)
                lives, points = step.lives, 0.0
            step = env.advance(action)
            points += step.reward
        rewards.append(np.sign(points))
        lost.append(True)
        count = len(seen)
        assert count == -(-recording.frames // 4)
        np.testing.assert_array_equal(shown.observations(np.arange(at, at + count)), seen)
        # `script:random` holds an action for four frames, at the very frames at which an agent decides.
        codes = [recording.rules.action_set[i] for i in shown.actions[at : at + count]]
        assert bytes(codes) == recording.actions[::4]
        wanted = 0.0
        for i in reversed(range(count)):
            wanted = rewards[i] + GAMMA * wanted * (not lost[i])
            assert shown.returns[at + i] == pytest.approx(wanted, abs=1e-4)
        at += count
    assert at == len(shown)
    assert shown.returns.max() > 0


def test_a_recording_with_another_score_is_refused(recordings: list[Recording]) -> None:
    forged = recordings[0].model_copy(update={"score": recordings[0].score + 5})
    with pytest.raises(RecordingError, match="the replay scores"):
        demonstrate([forged])


def test_only_recordings_of_the_game_are_taken(recordings: list[Recording], tmp_path: Path) -> None:
    for recording in recordings:
        save(recording, tmp_path / "deep" / "inside")
    assert len(recordings_of(tmp_path, find_game("space_invaders"))) == 2
    with pytest.raises(RecordingError, match="no recordings of breakout"):
        recordings_of(tmp_path, find_game("breakout"))
