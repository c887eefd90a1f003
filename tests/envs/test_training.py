"""The training environment against the arena's own: same pixels, rewards, lives and ends."""

from collections import Counter
from itertools import count

import cv2
import numpy as np
import pytest
from stable_baselines3.common.monitor import Monitor

from agents.networks.preprocessing import Preprocessor, preprocessing_for
from envs.environment import ArenaEnv, ale_seed_of
from envs.errors import RulesError
from envs.games import FIRE, GAMES, NOOP, find_game
from envs.rules import Rules, named_rules
from envs.training import TrainingEnv, training_seeds

STEPS = 700


def seeds_both_can_use(how_many: int, start: int = 0) -> list[int]:
    """Environment seeds whose ALE seed the vector environment takes, too (it refuses negative ones)."""
    found = (s for s in count(start) if ale_seed_of(s) >= 0)
    return [next(found) for _ in range(how_many)]


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("max_frames", [18_000, 402])
def test_what_is_trained_on_is_what_is_played(game: str, max_frames: int) -> None:
    rules = named_rules(game).varied(max_frames=max_frames)
    seeds = seeds_both_can_use(2, start=40)
    fast = TrainingEnv(rules, 2, lives_end=False, opening=0)
    fast._next_seeds = np.array([ale_seed_of(s) for s in seeds])
    rng = np.random.default_rng(7)
    choices = rng.integers(0, len(rules.action_set), size=(STEPS, 2))
    seen = fast.reset()
    slow = [ArenaEnv(rules) for _ in seeds]
    skip = find_game(game).frame_skip
    preprocessors = [Preprocessor(preprocessing_for(find_game(game))) for _ in seeds]
    steps = [env.start(seed) for env, seed in zip(slow, seeds, strict=True)]
    running = [True, True]
    returns = [0.0, 0.0]
    ends = 0
    for choice in choices:
        for i in range(2):
            if running[i]:
                assert preprocessors[i].feed(steps[i])
                np.testing.assert_array_equal(preprocessors[i].observation, seen[i])
        seen, rewards, dones, infos = fast.step(choice)
        for i in range(2):
            if not running[i]:
                continue
            action = rules.action_set[choice[i]]
            if preprocessors[i].starting and fast.game.fires:
                action = FIRE
            points = 0.0
            for frame in range(skip):
                steps[i] = slow[i].advance(action)
                points += steps[i].reward
                if steps[i].end:
                    break
                if frame < skip - 1:
                    assert not preprocessors[i].feed(steps[i])
            returns[i] += points
            assert rewards[i] == np.sign(points)
            assert dones[i] == (steps[i].end is not None)
            if dones[i]:
                running[i] = False
                ends += 1
                assert infos[i]["episode"]["r"] == returns[i]
                assert infos[i]["episode"]["l"] == -(-steps[i].t // skip)
                assert infos[i]["TimeLimit.truncated"] == (steps[i].end.value == "truncated")
                last = infos[i]["terminal_observation"]
                assert last.shape == (4, 84, 84)
                np.testing.assert_array_equal(last[:-1], preprocessors[i].observation[1:])
                assert not np.array_equal(last, seen[i])  # that one is of the next game
    if max_frames == 402:
        assert ends == 2


def test_a_lost_life_is_done_but_the_game_goes_on() -> None:
    rules = named_rules("breakout")
    lives, games = (
        TrainingEnv(rules, 4, seed=3),
        TrainingEnv(rules, 4, seed=3, lives_end=False),
    )
    first, second = lives.reset(), games.reset()
    rng = np.random.default_rng(0)
    lost = over = 0
    for _ in range(500):
        np.testing.assert_array_equal(first, second)
        actions = rng.integers(0, 4, size=4)
        first, _, done, infos = lives.step(actions)
        second, _, game_over, _ = games.step(actions)
        assert not (game_over & ~done).any()
        for i in np.flatnonzero(done & ~game_over):
            lost += 1
            assert "episode" not in infos[i]
            assert infos[i]["TimeLimit.truncated"] is False
            np.testing.assert_array_equal(infos[i]["terminal_observation"], first[i])
        over += game_over.sum()
    assert over >= 4
    assert lost >= 3 * over


def serves(rules: Rules, opening: int, times: int) -> Counter[bytes]:
    """How often which picture is the newest, where FIRE is pressed at once in sixteen games, so many times."""
    env = TrainingEnv(rules, 16, opening=opening)
    seen: Counter[bytes] = Counter()
    for _ in range(times):
        env.reset()
        for _ in range(6):
            pictures = env.step(np.zeros(16, np.int64))[0]
        seen.update(picture.tobytes() for picture in pictures[:, -1])
    return seen


def test_a_game_opens_with_up_to_three_frames_of_nothing() -> None:
    rules = named_rules("breakout").varied(sticky=0.0)
    expected = []
    for frames in range(4):
        arena = ArenaEnv(rules)
        step = arena.start(0)
        for code in [NOOP] * frames + [FIRE] * 8 + [NOOP] * 16:
            before, step = step.grayscale(), arena.advance(code)
        both = np.maximum(before, step.grayscale())
        expected.append(cv2.resize(both, (84, 84), interpolation=cv2.INTER_AREA).tobytes())
    assert len(set(expected)) == 4
    assert serves(rules, 0, 4).keys() == {expected[0]}
    assert serves(rules, 3, 4).keys() == set(expected)


def test_without_them_three_first_serves_in_four_are_the_same() -> None:
    """A first FIRE takes effect unless the action before it sticks, with probability 0.25."""
    share = {opening: serves(named_rules("breakout"), opening, 25).most_common(1)[0][1] / 400 for opening in (0, 3)}
    error = 3 * (0.75 * 0.25 / 400) ** 0.5
    assert share[0] == pytest.approx(0.75, abs=error)
    assert share[3] < 0.5


def test_the_seed_decides_and_another_seed_differs() -> None:
    def play(seed: int) -> np.ndarray:
        env = TrainingEnv(named_rules("breakout"), 2, seed=seed)
        env.reset()
        return np.stack([env.step(np.array([2, 3]))[0] for _ in range(60)])

    np.testing.assert_array_equal(play(0), play(0))
    assert (play(0) != play(1)).any()


def test_reseeding_starts_the_same_games_again() -> None:
    env = TrainingEnv(named_rules("pacman"), 2)
    runs = []
    for _ in range(2):
        seeds = env.seed(5)
        env.reset()
        runs.append(np.stack([env.step(np.array([1, 2]))[0] for _ in range(80)]))
    assert seeds == [int(s) for s in training_seeds(5, 2)]
    np.testing.assert_array_equal(*runs)


def test_training_seeds_are_valid_and_different() -> None:
    seeds = training_seeds(0, 512)
    assert len(set(seeds.tolist())) == 512
    assert seeds.min() >= 0
    assert seeds.max() < 2**31


@pytest.mark.parametrize("change", [{"action_set": [0, 1]}, {"mode": 4}, {"difficulty": 1}])
def test_rules_that_training_cannot_follow_are_refused(
    change: dict[str, object],
) -> None:
    rules = named_rules("breakout").varied(**change)
    with pytest.raises(RulesError, match="Training runs breakout with mode 0"):
        TrainingEnv(rules, 1)


def test_it_says_that_it_keeps_monitors_statistics() -> None:
    env = TrainingEnv(named_rules("pacman"), 2)
    assert env.env_is_wrapped(Monitor) == [True, True]
    assert env.get_attr("rules") == [env.rules] * 2
    with pytest.raises(AttributeError):
        env.set_attr("anything", 1)
