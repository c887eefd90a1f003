"""The environments as people who know Gymnasium use them: by name, with its wrappers and with Stable-Baselines3's."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import ale_py
import av
import gymnasium
import numpy as np
import pytest
from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation, RecordEpisodeStatistics, RecordVideo
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.vec_env import VecFrameStack
from x_server import x_server

from envs.environment import ArenaEnv, make_env
from envs.errors import ArenaError, IllegalAction, OptionError, RulesError, SeedError, UnknownGame
from envs.games import GAMES, Game, find_game, other_games
from envs.rules import named_rules

ROOT = Path(__file__).parent.parent.parent
ALL = [*GAMES.values(), *other_games().values()]
BREAKOUT = "envs:Arena/Breakout-v1"


def run(code: str, folder: Path, **environment: str) -> str:
    """Run a program in a process of its own, from another folder, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")}
        | {"PYTHONPATH": str(ROOT)}
        | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# -- names -----------------------------------------------------------------------------------------------------------


def test_one_line_makes_an_environment(tmp_path: Path) -> None:
    code = "import gymnasium; print(gymnasium.make('envs:Arena/MsPacman-v1').reset(seed=5)[1]['seed'])"
    assert run(code, tmp_path) == "5\n"


def test_names_cost_no_emulator(tmp_path: Path) -> None:
    code = "import sys, envs; print(*{'ale_py', 'pygame', 'cv2', 'torch'} & set(sys.modules))"
    assert run(code, tmp_path) == "\n"


def test_every_game_of_ale_py_has_gymnasiums_name() -> None:
    gymnasium.register_envs(ale_py)
    theirs = {s.name: s.kwargs["game"] for s in gymnasium.registry.values() if s.namespace == "ALE" and s.version == 5}
    ours = {s.name: s.kwargs["game"] for s in gymnasium.registry.values() if s.namespace == "Arena"}
    assert len(ours) == 104
    assert ours == theirs
    assert {game.ale_id for game in ALL} == {f"ALE/{name}-v5" for name in theirs}


@pytest.mark.parametrize("game", ALL, ids=lambda game: game.name)
def test_a_game_is_found_by_what_gymnasium_calls_it(game: Game) -> None:
    plain = game.env_id.removeprefix("Arena/").removesuffix("-v1")
    spellings = [
        game.name, game.name.upper(), game.name.replace("_", "-"), game.name.replace("_", " "), game.title, plain,
        plain.lower(), f" {plain}\n", game.env_id, f"envs:{game.env_id}", f"Arena/{plain}", game.ale_id, f"ALE/{plain}",
        f"ale_py:{game.ale_id}", game.ale_id.lower(), f"{plain}-v0", f"{plain}-v4", f"{plain}Deterministic-v4",
        f"{plain}NoFrameskip-v4", f"{plain}NoFrameskip", f"{plain}-ram-v0", f"{plain}-ramNoFrameskip-v4",
        f"{plain}-ramDeterministic-v4",
    ]  # fmt: skip
    assert {find_game(text).name for text in spellings} == {game.name}


def test_every_name_that_ale_py_registers_is_understood() -> None:
    gymnasium.register_envs(ale_py)
    theirs = [spec for spec in gymnasium.registry.values() if "ale_py" in str(spec.entry_point)]
    assert len(theirs) > 300
    for spec in theirs:
        assert find_game(spec.id).name == spec.kwargs["game"]


@pytest.mark.parametrize(
    ("typed", "name"),
    [("Montezuma's Revenge", "montezuma_revenge"), ("Montezuma’s Revenge", "montezuma_revenge"), ("Q*bert", "qbert"),
     ("H.E.R.O.", "hero"), ("Pitfall!", "pitfall"), ("Yars' Revenge", "yars_revenge"), ("Up 'n Down", "up_n_down")],
)  # fmt: skip
def test_a_game_is_found_by_what_stands_on_the_box(typed: str, name: str) -> None:
    assert find_game(typed).name == name


@pytest.mark.parametrize(
    "typed",
    ["ALE/", "-v4", "NoFrameskip-v4", "ALE/-v5", "CartPole-v1", "ALE/Combat-v5", "Pong/ALE", "'s", "/", "x" * 9999],
)
def test_other_names_are_not(typed: str) -> None:
    with pytest.raises(UnknownGame, match="There is no game called") as caught:
        find_game(typed)
    assert len(str(caught.value)) < 250


def test_a_near_name_is_proposed_whatever_is_around_it() -> None:
    with pytest.raises(UnknownGame, match="did you mean seaquest"):
        find_game("SeaquesNoFrameskip-v4")


# -- wrappers --------------------------------------------------------------------------------------------------------


def through_preprocessing(seed: int) -> list[np.ndarray]:
    env: Any = AtariPreprocessing(gymnasium.make(BREAKOUT), terminal_on_life_loss=True)
    env = RecordEpisodeStatistics(FrameStackObservation(env, 4))
    seen = [env.reset(seed=seed)[0]]
    for t in range(400):
        observation, _, terminated, _, _ = env.step(1 if t % 8 < 2 else 2)
        seen.append(observation)
        if terminated:
            assert env.unwrapped.ale.lives() == 4, "a lost life, not the end of the game"
            break
    else:
        pytest.fail("no life was lost")
    return seen


def test_gymnasiums_atari_wrappers() -> None:
    first = through_preprocessing(3)
    assert (first[0].shape, first[0].dtype) == ((4, 84, 84), np.uint8)
    again, other = through_preprocessing(3), through_preprocessing(4)
    assert np.array_equal(first, again)
    assert not np.array_equal(first[-1], other[-1])


def test_preprocessing_skips_four_of_the_arenas_frames() -> None:
    env = AtariPreprocessing(gymnasium.make(BREAKOUT), noop_max=0)
    plain = make_env("breakout", obs_type="grayscale")
    env.reset(seed=8)
    plain.reset(seed=8)
    for _ in range(20):
        info = env.step(1)[-1]
        last = [plain.step(1)[0] for _ in range(4)]
    assert info["frame"] == 80
    assert np.array_equal(env.obs_buffer[0], np.maximum(last[2], last[3]))


@pytest.mark.parametrize("game", ["breakout", "ms_pacman"])
def test_stable_baselines_atari_environment(game: str) -> None:
    def lives(seed: int) -> list[np.ndarray]:
        vec: Any = VecFrameStack(make_atari_env(f"envs:{find_game(game).env_id}", n_envs=1, seed=seed), 4)
        try:
            assert vec.observation_space.shape == (84, 84, 4)
            seen = [vec.reset()]
            for t in range(600):
                observation, rewards, dones, infos = vec.step([t % 2])
                seen.append(observation)
                assert set(rewards) <= {-1.0, 0.0, 1.0}
                if dones[0]:
                    assert infos[0]["lives"] < find_game(game).lives
                    return seen
            pytest.fail("no life was lost")
        finally:
            vec.close()

    first = lives(5)
    assert np.array_equal(first, lives(5))
    assert not np.array_equal(first[:2], lives(6)[:2])


def test_a_video_is_recorded(tmp_path: Path) -> None:
    pytest.importorskip("moviepy")
    env: Any = RecordVideo(
        gymnasium.make(BREAKOUT, render_mode="rgb_array"), str(tmp_path / "videos"), name_prefix="run"
    )
    env.reset(seed=1)
    pictures = [env.render()]
    for _ in range(30):
        env.step(1)
        pictures.append(env.unwrapped.render())
    env.close()
    with av.open(str(tmp_path / "videos" / "run-episode-0.mp4")) as video:
        assert video.streams.video[0].average_rate == 60
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    assert len(frames) == len(pictures)
    assert frames[-1].shape == pictures[-1].shape
    assert np.abs(frames[-1].astype(int) - pictures[-1]).mean() < 4, "the same picture, but for compression"


def test_the_participants_guide_shows_what_works(tmp_path: Path) -> None:
    pytest.importorskip("moviepy")
    guide = (ROOT / "docs" / "participants.md").read_text(encoding="utf-8")
    section = guide.split("\n## Gymnasium and its wrappers\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("    ")]
    assert len(lines) >= 10
    code = "\n".join(["if __name__ == '__main__':", *lines]).replace('", 8', '", 1').replace("n_envs=8", "n_envs=1")
    run(code + "\n    env.reset(seed=7), env.step(1), env.close()\n", tmp_path)
    assert [path.suffix for path in (tmp_path / "videos").iterdir()] == [".mp4"]


def test_a_list_of_pictures() -> None:
    env = gymnasium.make(BREAKOUT, render_mode="rgb_array_list")
    env.reset(seed=1)
    env.step(1)
    pictures: Any = env.render()
    assert [picture.shape for picture in pictures] == [(210, 160, 3)] * 2


def test_many_at_once() -> None:
    seen = []
    for mode, arguments in (("sync", {}), ("async", {"context": "spawn"})):
        many = gymnasium.make_vec(BREAKOUT, 2, mode, vector_kwargs=arguments, obs_type="ram")
        try:
            first, info = many.reset(seed=7)
            assert list(info["seed"]) == [7, 8]
            seen.append([first.copy(), *(many.step(np.array([1, 2]))[0].copy() for _ in range(20))])
        finally:
            many.close()
    assert np.array_equal(*seen)
    alone = gymnasium.make(BREAKOUT, obs_type="ram")
    alone.reset(seed=8)
    for _ in range(20):
        observation = alone.step(2)[0]
    assert np.array_equal(observation, seen[0][-1][1])


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))], ids=["copy", "pickle"])
def test_a_copy_is_a_new_environment_of_the_same_making(copied: Any) -> None:
    env = ArenaEnv(named_rules("pacman").varied(max_frames=2), obs_type="ram", render_mode="rgb_array")
    env.reset(seed=1)
    other = copied(env)
    assert (other.rules, other.obs_type, other.render_mode) == (env.rules, "ram", "rgb_array")
    with pytest.raises(IllegalAction, match="has not begun"):
        other.step(0)
    assert np.array_equal(other.reset(seed=1)[0], env.reset(seed=1)[0])
    other.step(0)
    other.step(0)
    assert env.step(0)[2:4] == (False, False), "each has a game of its own"


def test_what_is_set_in_one_emulator_reaches_no_other() -> None:
    def seen(env: ArenaEnv) -> bytes:
        env.reset(seed=2)
        for t in range(300):
            observation = env.step(t % 4)[0]
        return observation.tobytes()

    before = seen(make_env("breakout", obs_type="ram"))
    changed = make_env("breakout", obs_type="ram")
    changed.ale.setFloat("repeat_action_probability", 0.0)
    assert seen(changed) != before
    assert seen(make_env("breakout", obs_type="ram")) == before


def test_actions_have_names_and_keys() -> None:
    env = make_env("breakout")
    assert env.get_action_meanings() == ["NOOP", "FIRE", "RIGHT", "LEFT"]
    assert env.get_keys_to_action() == {("e",): 0, (" ",): 1, ("d",): 2, ("a",): 3}
    for game in ALL[:3]:
        names = make_env(game.name).get_action_meanings()
        theirs: Any = gymnasium.make(game.ale_id).unwrapped
        assert names == theirs.get_action_meanings()


# -- the window ------------------------------------------------------------------------------------------------------

NO_DISPLAY = """
import gymnasium
from envs.errors import ArenaError

env = gymnasium.make("envs:Arena/Breakout-v1", render_mode="human")
try:
    env.reset(seed=1)
except ArenaError as error:
    print(error)
"""

WINDOWS = """
import os, gymnasium, numpy as np, pygame
from PIL import ImageGrab

def on_the_display(window, picture):
    screen = np.asarray(ImageGrab.grab(xdisplay=os.environ["DISPLAY"]).convert("RGB"))
    left, top = window.position
    lines, columns, _ = picture.shape
    middle = screen[top + 3 * np.arange(lines) + 1][:, left + ((np.arange(columns) + 0.5) * 36 / 7).astype(int)]
    return (middle == picture).mean() > 0.99

envs = [gymnasium.make(f"envs:Arena/{name}-v1", render_mode="human").unwrapped for name in ("Breakout", "Pacman")]
for env in envs:
    env.reset(seed=1)
    for _ in range(30):
        picture = env.step(1)[0]
    assert env.render() is None
    assert on_the_display(env._window._window, picture), env.game.title
print("shown")
button = pygame.event.Event(pygame.WINDOWCLOSE, window=envs[0]._window._window)
pygame.event.post(button)
while envs[0]._window._window is not None:
    envs[1].step(0)  # takes the message, and must leave it to the other window
    envs[0].step(0)
assert envs[1]._window._window is not None
envs[0].step(0)
print("closed by a person, goes on")
for env in (*envs, *envs):
    env.close()
envs[0].reset(seed=2)
assert envs[0]._window._window is not None
pygame.quit()
envs[0].step(0)
print("ended by others, goes on")
from gymnasium.utils.play import play
env = gymnasium.make("Arena/Breakout-v1", render_mode="rgb_array")
play(env, callback=lambda *_: env.unwrapped._latest.t >= 5 and pygame.event.post(pygame.event.Event(pygame.QUIT)))
print("played")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Xvfb is a display of Linux")
def test_a_window_shows_the_game(tmp_path: Path) -> None:
    with x_server() as display:
        said = run(WINDOWS, tmp_path, DISPLAY=display)
    assert said.splitlines() == ["shown", "closed by a person, goes on", "ended by others, goes on", "played"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a display")
def test_without_a_display_one_sentence_says_so(tmp_path: Path) -> None:
    said = run(NO_DISPLAY, tmp_path)
    assert "No window can be shown here" in said
    assert 'render_mode="rgb_array"' in said


# -- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"rules": "7min"}, RulesError, "There are no rules called '7min'; expected one of 5min, 30min."),
        ({"rules": ["5min"]}, RulesError, "There are no rules called"),
        ({"rules": None}, RulesError, "There are no rules called None"),
        ({"obs_type": "RGB"}, OptionError, "obs_type must be 'rgb' or 'grayscale' or 'ram'; what came is 'RGB'."),
        ({"obs_type": None}, OptionError, "obs_type must be"),
        ({"obs_type": ["ram"]}, OptionError, "obs_type must be"),
        ({"obs_type": np.zeros(3)}, OptionError, "obs_type must be"),
        (
            {"frameskip": 4},
            OptionError,
            "have no option frameskip, but rules, obs_type and render_mode; one step is one",
        ),
        ({"mode": 0, "full_action_space": True}, OptionError, "have no option mode, full_action_space, but"),
        ({"game": "brakout"}, UnknownGame, "did you mean breakout"),
        ({"game": 3}, UnknownGame, "There is no game called 3"),
    ],
    ids=str,
)
def test_a_wrong_option(options: dict[str, Any], error: type[ArenaError], sentence: str) -> None:
    with pytest.raises(error) as caught:
        gymnasium.make(BREAKOUT, **options)
    assert sentence in str(caught.value)


@pytest.mark.filterwarnings("ignore:.*The environment is being initialised with render_mode")
@pytest.mark.parametrize("mode", ["rgb", "rgb_arry", "Human", "ansi", "", "rgb-array"])
def test_a_wrong_render_mode(mode: str) -> None:
    with pytest.raises(OptionError, match="render_mode must be None or 'human' or 'rgb_array'; what came is"):
        gymnasium.make(BREAKOUT, render_mode=mode)


@pytest.mark.parametrize(
    "action",
    [
        -1,
        4,
        10**30,
        1.0,
        "1",
        None,
        [1],
        (1,),
        np.array([1]),
        np.array([[1]]),
        np.float32(1),
        np.array(1.5),
        {},
        "RIGHT",
    ],
    ids=repr,
)
def test_a_wrong_action_changes_nothing(action: Any) -> None:
    env = make_env("breakout", obs_type="ram")
    env.reset(seed=1)
    with pytest.raises(IllegalAction, match="An action of Breakout is a whole number from 0 to 3; what came is"):
        env.step(action)
    assert env.step(0)[-1]["frame"] == 1


@pytest.mark.parametrize("action", [3, np.int64(3), np.uint8(3), np.array(3), np.array([0, 3])[1]], ids=repr)
def test_every_whole_number_is_an_action(action: Any) -> None:
    assert make_env("breakout").action_space.contains(int(action))
    env = make_env("breakout", obs_type="ram")
    env.reset(seed=1)
    assert env.step(action)[-1]["frame"] == 1


@pytest.mark.parametrize("seed", [-1, 2**53, 1.0, "1", np.int64(1), [1]], ids=repr)
def test_a_wrong_seed(seed: Any) -> None:
    env = gymnasium.make(BREAKOUT)
    with pytest.raises(
        SeedError, match=r"A seed must be a whole number \(int\) from 0 to 9007199254740991; what came is"
    ):
        env.reset(seed=seed)


def test_the_wrong_order() -> None:
    env = make_env("breakout", render_mode="rgb_array")
    for _ in range(2):
        with pytest.raises(IllegalAction, match="has not begun; start one"):
            env.step(0)
        with pytest.raises(IllegalAction, match="no picture before the first episode; call reset first"):
            env.render()
        env.reset(seed=1)
        env.step(0)
        env.close()
        env.close()
    with pytest.raises(OptionError, match="made without a render_mode; make it with"):
        make_env("breakout").render()
