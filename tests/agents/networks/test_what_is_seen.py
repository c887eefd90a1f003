"""With the frame skip of its game, an agent gets to see everything that moves; with others, some things never."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from agents.load import load_player
from agents.networks.preprocessing import PreprocessingSpec, Preprocessor, preprocessing_for
from envs.environment import ArenaEnv
from envs.games import GAMES, find_game
from envs.rules import named_rules

DECISIONS = 100


def has(grey: np.ndarray, luminances: tuple[int, ...], rows: slice = slice(None)) -> bool:
    return bool(np.isin(grey[rows], luminances).any())


def in_breakout(t: int, grey: np.ndarray) -> dict[str, bool]:
    return {"ball": has(grey, (110,), slice(93, 186)), "paddle": has(grey[:, 8:152], (110,), slice(189, 192))}


def in_pacman(t: int, grey: np.ndarray) -> dict[str, bool]:
    """Its ghosts have one colour, and each has its own frame of four."""
    return {"player": has(grey, (223,)), f"ghost {t % 4}": has(grey[:198], (183, 124))}


def in_ms_pacman(t: int, grey: np.ndarray) -> dict[str, bool]:
    return {"player": has(grey[:170], (167,))} | {
        f"ghost {lum}": has(grey[:170], (lum,)) for lum in (110, 131, 132, 151)
    }


def in_space_invaders(t: int, grey: np.ndarray) -> dict[str, bool]:
    """The player's shot and the bombs have one colour, and turns."""
    things = {"cannon": has(grey[:, 20:140], (98,), slice(185, 195)), "invaders": has(grey, (122,))}
    return things | {f"shots {t % 2}": has(grey, (142,), slice(95, 185))}


THINGS: dict[str, Callable[[int, np.ndarray], dict[str, bool]]] = {
    "breakout": in_breakout,
    "pacman": in_pacman,
    "ms_pacman": in_ms_pacman,
    "space_invaders": in_space_invaders,
}


def watched(game: str, spec: PreprocessingSpec) -> tuple[set[str], set[str]]:
    """Return what moved in the frames of 100 consecutive decisions, and what of it was in the observations."""
    rules = named_rules(game)
    env, preprocessor, player = ArenaEnv(rules), Preprocessor(spec), load_player("script:steady", find_game(game))
    step = env.start(1_000)
    player.reset(seed=0, action_set=rules.action_set)
    there: set[str] = set()
    seen: set[str] = set()
    before: tuple[np.ndarray, set[str]] | None = None
    decisions = 0
    while decisions < DECISIONS and step.end is None:
        grey = step.grayscale().copy()
        things = {name for name, visible in THINGS[game](step.t, grey).items() if visible}
        due = preprocessor.feed(step)
        begun = step.t >= 1_400  # by then, all ghosts have left their house
        if begun:
            there |= things
        if begun and due:
            decisions += 1
            frames = [(grey, things)] + [before] * (before is not None and spec.frame_skip > 1)
            picture = cv2.resize(
                np.maximum.reduce([frame for frame, _ in frames]), (84, 84), interpolation=cv2.INTER_AREA
            )
            np.testing.assert_array_equal(preprocessor.observation[-1], picture)
            seen |= set().union(*(names for _, names in frames))
        before = grey, things
        step = env.advance(player.act(step))
    return there, seen


@pytest.mark.parametrize("game", GAMES)
def test_everything_that_moves_is_seen(game: str) -> None:
    there, seen = watched(game, preprocessing_for(find_game(game)))
    assert len(there) == {"breakout": 2, "space_invaders": 4}.get(game, 5)
    assert seen == there
    assert find_game(game).hides(find_game(game).frame_skip) == ""


@pytest.mark.parametrize(
    ("game", "frame_skip", "hidden"),
    [
        ("pacman", 4, {"ghost 1", "ghost 2"}),
        ("pacman", 8, {"ghost 1", "ghost 2"}),
        ("pacman", 2, set()),
        ("ms_pacman", 3, set()),
        ("space_invaders", 1, set()),
    ],
)
def test_what_another_frame_skip_hides_is_known(game: str, frame_skip: int, hidden: set[str]) -> None:
    there, seen = watched(game, PreprocessingSpec(frame_skip=frame_skip))
    assert there - seen == hidden
    assert find_game(game).hidden(frame_skip) == len(hidden)
    assert (f"with frame skip {frame_skip}, what" in find_game(game).hides(frame_skip)) == bool(hidden)
