"""The player that all trained networks share: it looks, asks the network every few frames, and holds its action.

The network is somebody's bot (`agents.networks.sb3.Sb3Bot`, `agents.networks.onnx.OnnxBot`); here is what is the same
for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from agents.networks.preprocessing import SB3_WRAPPERS, PreprocessingSpec, Preprocessor
from agents.player import PlayerFailed, PlayerInfo
from agents.scripts.simple import legal_codes
from envs.errors import AgentError
from envs.games import FIRE, FULL_ACTION_SET
from envs.step import Step

BLOCK = 8
"""Observations per pass of a network, always: the last bits of a result depend on the batch's size, and a bot must
decide the same whether it plays one game or many. What is missing is filled with zeros."""


class NetworkBot(Protocol):
    """A network with what is needed to play with it; shared by all games that it plays."""

    actions: int
    """How many it decides between."""
    action_set: tuple[int, ...] | None
    """ALE's codes of them; None for those of the rules, in their order."""
    draws: bool
    """Whether its scores are logits to draw from (PPO, A2C), or values of which the best counts (DQN, QR-DQN)."""
    fires: bool
    """Whether the game's rounds start only with FIRE."""
    spec: PreprocessingSpec

    def scores(self, observations: Sequence[np.ndarray]) -> np.ndarray:
        """Return float32 (n, actions) for n observations, uint8 (stack, 84, 84)."""


class NetworkPlayer:
    """One game of a `NetworkBot`. A policy with logits draws from them, one with values takes the best.

    FIRE is pressed for the first two decisions of a game and after a lost life, where a round starts only with FIRE;
    an agent of SB3's wrappers has its games begun as they do it (`Preprocessor.reset`). One that was trained on all of
    ALE's actions plays the nearest of the game's own: RIGHT for RIGHTFIRE, where a game doesn't have it.
    """

    def __init__(self, info: PlayerInfo, bot: NetworkBot) -> None:
        self.info = info
        self._bot = bot
        self._preprocessor = Preprocessor(bot.spec)
        self._action = 0
        self._action_set: tuple[int, ...] = ()
        self._rng = np.random.default_rng(0)

    @property
    def bot(self) -> NetworkBot:
        """What players of the same agent share."""
        return self._bot

    def reset(self, *, seed: int, action_set: tuple[int, ...]) -> None:
        codes = self._bot.action_set or action_set
        if self._bot.actions != len(codes) or not (codes == FULL_ACTION_SET or set(codes) <= set(action_set)):
            raise AgentError(
                f"{self.info.name} has {self._bot.actions} actions, these rules have {len(action_set)}, and they don't "
                "go together."
            )
        legal = legal_codes(action_set)
        self._action_set = tuple(legal[code] for code in codes)
        self._rng = np.random.default_rng(seed)
        self._preprocessor.reset(self._opening())

    def _opening(self) -> tuple[int, ...]:
        """What SB3's `FireResetEnv` presses: the outputs 1 and 2 of a game that has FIRE as its output 1."""
        if self._bot.spec.preprocessing != SB3_WRAPPERS:
            return ()
        if self._action_set[1:2] == (FIRE,):
            return self._action_set[1:3]
        return (FIRE, FIRE) if self._bot.fires else ()

    def act(self, step: Step) -> int:
        return self.act_many([self], [step])[0]

    def another(self) -> NetworkPlayer:
        return NetworkPlayer(self.info, self._bot)

    def act_many(self, players: Sequence[NetworkPlayer], steps: Sequence[Step]) -> list[int]:
        due = [(player, step) for player, step in zip(players, steps, strict=True) if player._preprocessor.feed(step)]
        if due:
            self.decide(due)
        return [player._action for player in players]

    def decide(self, due: Sequence[tuple[NetworkPlayer, Step]]) -> None:
        """Ask the network once for all of these players.

        Raises:
            PlayerFailed: its answer is of no use.
        """
        scores = self._bot.scores([player._preprocessor.observation for player, _ in due])
        if not np.isfinite(scores).all():
            raise PlayerFailed(f"The network of {self.info.name} answered with NaN or infinity.")
        for (player, _), row in zip(due, scores, strict=True):
            player._choose(row)

    def close(self) -> None:
        pass

    def _choose(self, scores: np.ndarray) -> None:
        draw = self._rng.random()
        if self._preprocessor.pressed is not None:
            self._action = self._preprocessor.pressed
        elif self._bot.fires and self._preprocessor.starting:
            self._action = FIRE
        elif self._bot.draws:
            shares = np.exp(scores - scores.max(), dtype=np.float64).cumsum()
            self._action = self._action_set[int(np.searchsorted(shares, draw * shares[-1], side="right"))]
        else:
            self._action = self._action_set[int(scores.argmax())]


def blocks_of(observations: Sequence[np.ndarray], size: int) -> list[tuple[np.ndarray, int]]:
    """Return the observations in arrays of `size`, uint8 (size, stack, 84, 84), each with how many of its rows are
    meant; the rest are zeros."""
    blocks = []
    for start in range(0, len(observations), size):
        chunk = observations[start : start + size]
        block = np.zeros((size, *observations[0].shape), np.uint8)
        for row, observation in enumerate(chunk):
            block[row] = observation
        blocks.append((block, len(chunk)))
    return blocks
