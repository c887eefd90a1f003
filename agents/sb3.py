"""Agents trained with Stable-Baselines3 (PPO, A2C, DQN, QR-DQN with `CnnPolicy`), as players.

The network is built here from the shapes of the weights; see `agents.weights` for what is read of the file. The bot
sees what it saw in training (`agents.preprocessing`), decides every fourth frame and holds its action in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from agents.networks import Network, build_network
from agents.player import Kind, PlayerInfo
from agents.preprocessing import FRAME_SKIP, NAME, STACK, Eye
from agents.weights import read_weights
from envs.errors import AgentError, shown
from envs.games import FIRE, Game
from envs.names import check_name
from envs.rules import named_rules
from envs.step import Step

BLOCK = 8
"""Observations per pass of the network, always: the last bits of a result depend on the batch's size, and a bot must
decide the same whether it plays one game or many. What is missing is filled with zeros."""


class Sb3Bot:
    """The network of one agent, shared by all games that it plays.

    Args:
        network: gives scores for observations.
        draws: whether the scores are logits to draw from (PPO, A2C), or values of which the best counts (DQN, QR-DQN).
        fires: whether the game's rounds start only with FIRE.
    """

    def __init__(self, network: Network, *, draws: bool, fires: bool) -> None:
        self.network = network
        self.draws = draws
        self.fires = fires

    def scores(self, observations: Sequence[np.ndarray]) -> np.ndarray:
        """Return the network's output, float32 (n, actions): logits or values, for n uint8 (4, 84, 84) observations."""
        blocks = []
        for start in range(0, len(observations), BLOCK):
            block = np.zeros((BLOCK, *observations[0].shape), np.uint8)
            chunk = observations[start : start + BLOCK]
            for row, observation in enumerate(chunk):
                block[row] = observation
            with torch.inference_mode():
                blocks.append(self.network(torch.from_numpy(block)).numpy()[: len(chunk)])
        return np.concatenate(blocks)


class Sb3Player:
    """One game of an `Sb3Bot`. A policy with logits draws from them, one with values takes the best.

    FIRE is pressed for the first two decisions of a game and after a lost life, where a round starts only with FIRE.
    """

    def __init__(self, info: PlayerInfo, bot: Sb3Bot) -> None:
        self.info = info
        self._bot = bot
        self._eye = Eye()
        self._action = 0
        self._action_set: tuple[int, ...] = ()
        self._rng = np.random.default_rng(0)

    @property
    def bot(self) -> Sb3Bot:
        """What players of the same agent share."""
        return self._bot

    def reset(self, *, seed: int, action_set: tuple[int, ...]) -> None:
        actions = self._bot.network.actions
        if actions != len(action_set):
            raise AgentError(f"{self.info.name} has {actions} actions; these rules have {len(action_set)}.")
        self._action_set = action_set
        self._rng = np.random.default_rng(seed)
        self._eye.reset()

    def act(self, step: Step) -> int:
        return self.act_many([self], [step])[0]

    def another(self) -> Sb3Player:
        return Sb3Player(self.info, self._bot)

    def act_many(self, players: Sequence[Sb3Player], steps: Sequence[Step]) -> list[int]:
        due = [player for player, step in zip(players, steps, strict=True) if player._eye.see(step)]
        if due:
            scores = self._bot.scores([player._eye.observation for player in due])
            for player, row in zip(due, scores, strict=True):
                player._choose(row)
        return [player._action for player in players]

    def close(self) -> None:
        pass

    def _choose(self, scores: np.ndarray) -> None:
        draw = self._rng.random()
        if self._bot.fires and self._eye.starting:
            self._action = FIRE
        elif self._bot.draws:
            shares = np.exp(scores - scores.max(), dtype=np.float64).cumsum()
            self._action = self._action_set[int(np.searchsorted(shares, draw * shares[-1], side="right"))]
        else:
            self._action = self._action_set[int(scores.argmax())]


def load_sb3_player(path: Path, game: Game) -> Sb3Player:
    """Return a player of the agent in `path`: a package or a plain SB3 zip.

    Raises:
        AgentError: the file is not such an agent, or was trained for another game or to see or act otherwise.
    """
    weights = read_weights(path)
    try:
        _check_settings(weights.settings, game)
        network = build_network(weights.tensors, len(named_rules(game).action_set))
        name = check_name(weights.settings.get("name") or path.stem[:32])
    except AgentError as error:
        raise AgentError(f"{path}: {error}") from None
    bot = Sb3Bot(network, draws="action_net.weight" in weights.tensors, fires=game.fires)
    return Sb3Player(PlayerInfo(name, Kind.BOT, weights.sha256), bot)


def _check_settings(settings: dict[str, Any], game: Game) -> None:
    made_for = settings.get("game", game.name)
    if made_for != game.name:
        raise AgentError(f"this agent was trained for {shown(made_for)}, not for {game.name}.")
    ours = {
        "preprocessing": NAME,
        "frame_skip": FRAME_SKIP,
        "stack": STACK,
        "action_set": list(named_rules(game).action_set),
    }
    for name, value in ours.items():
        if settings.get(name, value) != value:
            raise AgentError(f"this agent was trained with {name} {shown(settings[name])}; the arena has {value!r}.")
