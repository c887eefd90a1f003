"""The games under the arena's rules.

`import envs` registers `Arena/Breakout-v1`, `Arena/MsPacman-v1` and so on with Gymnasium, one for each game that ale-py
ships for one player. `gymnasium.make("envs:Arena/Breakout-v1")` needs no import before it. The emulator itself is
imported only when an environment is made.
"""

import gymnasium

from envs.errors import ArenaError
from envs.games import GAMES, Game, Reference, find_game, other_games
from envs.step import End, Step

for _game in (*GAMES.values(), *other_games().values()):
    if _game.env_id not in gymnasium.registry:
        gymnasium.register(
            id=_game.env_id,
            entry_point="envs.environment:make_env",
            kwargs={"game": _game.name},
            disable_env_checker=True,
        )

__all__ = ["GAMES", "ArenaError", "End", "Game", "Reference", "Step", "find_game"]
