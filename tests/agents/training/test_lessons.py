"""Games with a teacher: seen like training games, and the answers are what the teacher really does."""

import numpy as np
import pytest
from stable_baselines3.common.monitor import Monitor

from agents.load import load_player
from agents.player import Player
from agents.training.lessons import ASK_TEACHER, LessonEnv
from envs.environment import ArenaEnv, ale_seed_of
from envs.games import find_game
from envs.rules import Rules, named_rules
from envs.step import End
from envs.training import TrainingEnv


def teachers(rules: Rules, count: int, name: str = "steady") -> list[Player]:
    return [load_player(f"script:{name}", find_game(rules.game)) for _ in range(count)]


def begun_with(env: LessonEnv, seeds: list[int]) -> np.ndarray:
    """Begin games of these seeds; return the observations."""

    class Fixed:
        def __init__(self, seed: int) -> None:
            self._seed = seed

        def integers(self, _limit: int) -> int:
            return self._seed

    env._generators = [Fixed(seed) for seed in seeds]  # type: ignore[misc]
    obs = env.reset()
    assert isinstance(obs, np.ndarray)
    return obs


@pytest.mark.parametrize("game", ["breakout", "pacman"])
def test_a_lesson_is_seen_and_scored_like_a_training_game(game: str) -> None:
    rules = named_rules(game).varied(max_frames=1_202)
    seeds = [seed for seed in range(20) if ale_seed_of(seed) >= 0][:2]
    fast, lessons = TrainingEnv(rules, 2, opening=0), LessonEnv(rules, teachers(rules, 2, "noop"))
    fast._next_seeds = np.array([ale_seed_of(seed) for seed in seeds])
    np.testing.assert_array_equal(fast.reset(), begun_with(lessons, seeds))
    rng = np.random.default_rng(1)
    episodes = 0
    for _ in range(410):
        actions = rng.integers(0, len(rules.action_set), size=2)
        theirs, ours = fast.step(actions), lessons.step(actions)
        np.testing.assert_array_equal(theirs[1], ours[1])
        np.testing.assert_array_equal(theirs[2], ours[2])
        for i in range(2):
            assert theirs[3][i].get("TimeLimit.truncated") == ours[3][i].get("TimeLimit.truncated")
            if "episode" in theirs[3][i]:
                episodes += 1
                assert {k: ours[3][i]["episode"][k] for k in "rl"} == {k: theirs[3][i]["episode"][k] for k in "rl"}
        if any("episode" in info for info in theirs[3]):
            break  # the next games have seeds of their own
        np.testing.assert_array_equal(theirs[0], ours[0])
    assert episodes


@pytest.mark.parametrize("game", ["space_invaders", "ms_pacman", "pacman"])
def test_a_teacher_that_steers_plays_as_it_does_alone(game: str) -> None:
    """It decides every four frames: nothing is lost when its answers are held that long. (In Breakout it is, since
    FIRE is pressed for whoever plays.)"""
    rules = named_rules(game).varied(max_frames=1_000)
    lessons = LessonEnv(rules, teachers(rules, 1))
    begun_with(lessons, [3])
    info: dict[str, object] = {}
    while "episode" not in info:
        _, _, _, (info,) = lessons.step(np.array([ASK_TEACHER]))
    env, alone = ArenaEnv(rules), teachers(rules, 1)[0]
    step = env.start(3)
    alone.reset(seed=3, action_set=rules.action_set)
    score = 0.0
    while step.end is None:
        step = env.advance(alone.act(step))
        score += step.reward
    assert step.end is End.TRUNCATED
    assert score > 0
    assert info["episode"]["r"] == score  # type: ignore[index]


def test_doing_what_the_answers_say_is_the_same_as_leaving_it_to_the_teacher() -> None:
    rules = named_rules("ms_pacman")
    one, other = (LessonEnv(rules, teachers(rules, 2), seed=5) for _ in range(2))
    one.reset()
    other.reset()
    moved = set()
    for _ in range(150):
        moved.update(one.answers.tolist())
        np.testing.assert_array_equal(one.step(one.answers)[0], other.step(np.array([ASK_TEACHER] * 2))[0])
    assert len(moved) > 2


def test_the_seed_decides_and_another_seed_differs() -> None:
    rules = named_rules("pacman")

    def play(seed: int) -> np.ndarray:
        env = LessonEnv(rules, teachers(rules, 2), seed=0)
        env.seed(seed)
        env.reset()
        return np.stack([env.step(np.array([1, ASK_TEACHER]))[0] for _ in range(160)])

    np.testing.assert_array_equal(play(0), play(0))
    assert (play(0) != play(1)).any()


def test_it_says_that_it_keeps_monitors_statistics() -> None:
    rules = named_rules("pacman")
    env = LessonEnv(rules, teachers(rules, 2))
    assert env.env_is_wrapped(Monitor) == [True, True]
    assert env.get_attr("rules") == [rules] * 2
    with pytest.raises(AttributeError):
        env.set_attr("anything", 1)
    with pytest.raises(AttributeError):
        env.env_method("anything")
    env.close()


@pytest.mark.parametrize("game", ["space_invaders", "ms_pacman", "pacman"])
def test_what_teachers_say_of_their_answers(game: str) -> None:
    rules = named_rules(game)
    env = LessonEnv(rules, teachers(rules, 2), seed=2)
    env.reset()
    shape = env.notes.shape
    stakes, notes = [], []
    for _ in range(160):
        env.step(np.array([ASK_TEACHER] * 2))
        stakes.append(env.stakes)
        notes.append(env.notes)
        assert notes[-1].shape == shape
    told = np.array(notes)
    assert np.isfinite(told).mean() > 0.5
    assert np.nanmin(told) >= 0
    assert np.nanmax(told) <= 1
    assert np.nanstd(told, axis=(0, 1)).astype(bool).mean() > 0.5, "they change"
    assert np.min(stakes) >= 1
    assert np.max(stakes) > 1.2


def test_steady_scripts_decide_as_often_as_agents_do() -> None:
    rules = named_rules("pacman")
    env = LessonEnv(rules, teachers(rules, 1), seed=2)
    env.reset()
    env.step(np.array([ASK_TEACHER]))
    assert env._games[0]._step.t == 3
