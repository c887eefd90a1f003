"""The script players: they keep the contract on every game, and `basic` really plays."""

from __future__ import annotations

from statistics import mean

import numpy as np
import pytest

from agents.player import Kind, Player
from agents.scripts import SCRIPTS, make_script
from agents.scripts.breakout import BALL_LEFT, BALL_RIGHT, fold
from agents.scripts.maze import MS_PACMAN, PACMAN, Look
from agents.scripts.maze_graph import FAR, read_graph
from agents.scripts.simple import legal_codes
from envs.environment import ArenaEnv
from envs.errors import AgentError
from envs.games import ACTION_NAMES, FIRE, GAMES, find_game
from envs.rules import Rules, named_rules
from tests.contracts.player import PlayerContract, environment, play

ALL_CODES = tuple(range(len(ACTION_NAMES)))


@pytest.fixture(params=GAMES)
def game(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class ScriptContract(PlayerContract):
    script = ""

    @pytest.fixture
    def rules(self, game: str) -> Rules:
        return named_rules(game).varied(max_frames=self.frames)

    def make_player(self, rules: Rules) -> Player:
        return make_script(self.script, find_game(rules.game))

    def test_is_called_after_its_script(self, player: Player) -> None:
        assert player.info.name == f"script:{self.script}"
        assert player.info.kind is Kind.SCRIPT

    @pytest.mark.parametrize("action_set", [(2,), (1, 3, 4), ALL_CODES], ids=str)
    def test_makes_do_with_any_action_set(self, rules: Rules, player: Player, action_set: tuple[int, ...]) -> None:
        env = environment(rules.varied(action_set=ALL_CODES))
        step = env.start(1)
        player.reset(seed=1, action_set=action_set)
        while step.end is None:
            action = player.act(step)
            assert action in action_set
            step = env.advance(action)


class TestNoop(ScriptContract):
    script = "noop"
    frames = 100

    @pytest.fixture
    def game(self) -> str:
        return "pacman"  # one will do: it doesn't look at any

    def test_does_nothing(self, player: Player, env: ArenaEnv) -> None:
        assert set(play(player, env, seed=1)) == {0}


class TestRandom(ScriptContract):
    script = "random"
    frames = 200

    def test_another_seed_gives_other_actions(self, player: Player, env: ArenaEnv) -> None:
        assert play(player, env, seed=1) != play(player, env, seed=2)

    def test_draws_everything_and_holds_it_for_four_frames(self, player: Player, env: ArenaEnv) -> None:
        actions = play(player, env, seed=1)
        assert set(actions) == set(env.rules.action_set)
        assert all(len(set(actions[k : k + 4])) == 1 for k in range(0, len(actions), 4))


class TestBasic(ScriptContract):
    script = "basic"
    frames = 400  # in the maze games nobody moves for the first 260


class TestSteady(ScriptContract):
    script = "steady"

    @pytest.fixture(params=["breakout", "space_invaders", "pacman"])
    def game(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)


def test_steady_decides_as_often_as_agents_do_and_holds_its_action(game: str) -> None:
    skip = GAMES[game].frame_skip
    env = environment(named_rules(game).varied(max_frames=400))
    actions = play(make_script("steady", GAMES[game]), env, seed=1)
    assert len(set(actions)) > 1
    assert all(len(set(actions[k : k + skip])) == 1 for k in range(0, len(actions), skip))


STRENGTH = {
    # Game: frames, times the mean of `random`, points that every one of the three games must have.
    "breakout": (6_000, 40, 100),
    "pacman": (2_500, 8, 100),
    "ms_pacman": (2_500, 4, 1_000),
    "space_invaders": (2_500, 3, 500),
}
"""All games here are deterministic. The bars are far below what was reached, so that another version of the emulator
doesn't break them, and far above what a script that has lost sight of the game reaches."""


def score(script: str, rules: Rules, seed: int) -> float:
    env = environment(rules)
    player = make_script(script, find_game(rules.game))
    player.reset(seed=seed, action_set=rules.action_set)
    step = env.start(seed)
    total = 0.0
    while step.end is None:
        step = env.advance(player.act(step))
        total += step.reward
    return total


def test_basic_plays_far_better_than_chance(game: str) -> None:
    frames, times, least = STRENGTH[game]
    rules = named_rules(game).varied(max_frames=frames)
    seeds = (1, 2, 3)
    basic = [score("basic", rules, seed) for seed in seeds]
    chance = [score("random", rules, seed) for seed in seeds]
    assert mean(basic) >= times * mean(chance), (basic, chance)
    assert min(basic) >= least, basic


def test_basic_dodges_bombs() -> None:
    rules = named_rules("space_invaders").varied(max_frames=2_000)
    env = ArenaEnv(rules)
    player = make_script("basic", GAMES["space_invaders"])
    player.reset(seed=0, action_set=rules.action_set)
    step = env.start(4)
    lives = step.lives
    while step.end is None:
        step = env.advance(player.act(step))
        assert step.lives == lives, step


def test_basic_asks_for_a_new_ball() -> None:
    env = ArenaEnv(named_rules("breakout").varied(max_frames=60))
    assert FIRE in play(make_script("basic", GAMES["breakout"]), env, seed=0)[:4]


def test_unknown_script_names_those_that_are_there() -> None:
    with pytest.raises(AgentError, match="basic, steady, random, noop") as caught:
        make_script("expert", GAMES["breakout"])
    assert "'expert'" in str(caught.value)


def test_basic_says_which_games_it_plays() -> None:
    pong = find_game("pong")
    with pytest.raises(AgentError, match=r"breakout, pacman, ms_pacman, space_invaders.*Pong.*script:random"):
        make_script("basic", pong)
    rules = named_rules(pong).varied(max_frames=50)
    for name in set(SCRIPTS) - {"basic", "steady"}:
        assert len(play(make_script(name, pong), ArenaEnv(rules), seed=0)) == 50


def test_nearest_legal_action() -> None:
    rightfire, upleft = ACTION_NAMES.index("RIGHTFIRE"), ACTION_NAMES.index("UPLEFT")
    assert legal_codes(ALL_CODES) == list(ALL_CODES)
    assert legal_codes((0, 1, 3, 4))[rightfire] == 3
    assert legal_codes((0, 1))[rightfire] == 1
    assert legal_codes((0, 4))[upleft] == 4
    assert set(legal_codes((7,))) == {7}


@pytest.mark.parametrize(
    ("x", "there"),
    [(BALL_LEFT, BALL_LEFT), (70, 70), (BALL_RIGHT, BALL_RIGHT), (BALL_LEFT - 5, BALL_LEFT + 5), (155, 145), (300, 16)],
)
def test_ball_comes_back_from_the_walls(x: float, there: float) -> None:
    assert fold(x) == there


@pytest.mark.parametrize(("game", "look"), [("ms_pacman", MS_PACMAN), ("pacman", PACMAN)])
def test_maze_is_read_from_the_screen(game: str, look: Look) -> None:
    grey = environment(named_rules(game)).start(0).grayscale()
    wall = int(grey[look.wall_at])
    graph = read_graph(grey, wall, look.layout)
    assert graph is not None
    assert (graph.distance == graph.distance.T).all()
    for way in range(4):
        there = graph.next[:, way]
        (has,) = (there >= 0).nonzero()
        assert (graph.next[there[has], (way + 2) % 4] == has).all()
        assert (graph.distance[has, there[has]] == 1).all()

    # Every dot of the picture is at a node, and can be reached. A wall shows below the dots' rows too, a dot doesn't.
    rows = look.layout.top + look.layout.middle - 1 + look.layout.pitch * np.arange(look.layout.rows)
    blocks = np.arange(1, 160, 4)
    drawn = (grey[np.ix_(rows, blocks)] == wall) & (grey[np.ix_(rows + 4, blocks)] != wall)
    pixels = grey[graph.y[graph.corridor] - 1, graph.x[graph.corridor] + look.dot_right]
    dotted = graph.corridor[pixels == wall]
    assert len(dotted) == drawn.sum() > 100
    assert (graph.distance[dotted[0], dotted] < FAR).all()
    assert read_graph(grey, wall, look.layout) is graph, "the same maze isn't worked out twice"


def test_no_maze_on_an_empty_screen() -> None:
    assert read_graph(np.zeros((210, 160), np.uint8), 1, MS_PACMAN.layout) is None
    assert read_graph(np.ones((210, 160), np.uint8), 1, MS_PACMAN.layout) is None
