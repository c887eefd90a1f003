"""Agents trained with Stable-Baselines3 (PPO, A2C, DQN, QR-DQN with `CnnPolicy`), as players.

The network is built here from the shapes of the weights and from what the file says of them; see `agents.packages` for
what is read. The bot sees what it saw in training (`agents.networks.preprocessing`), decides every fourth frame and
holds its action in between.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from agents.networks.player import BLOCK, NetworkPlayer, blocks_of
from agents.networks.preprocessing import ARENAS, PreprocessingSpec
from agents.networks.torch_networks import Network, build_network
from agents.packages.package import AgentPackage, Sb3Network
from envs.games import Game
from envs.rules import named_rules


class Sb3Bot:
    """The network of one agent, shared by all games that it plays.

    Args:
        network: gives scores for observations.
        draws: whether the scores are logits to draw from (PPO, A2C), or values of which the best counts (DQN, QR-DQN).
        fires: whether the game's rounds start only with FIRE.
        sight: how it was trained to see.
        action_set: ALE's codes of its outputs; None for those of the rules.
    """

    def __init__(
        self,
        network: Network,
        *,
        draws: bool,
        fires: bool,
        spec: PreprocessingSpec = ARENAS,
        action_set: tuple[int, ...] | None = None,
    ) -> None:
        self.network = network
        self.actions = network.actions
        self.draws = draws
        self.fires = fires
        self.spec = spec
        self.action_set = action_set

    def scores(self, observations: Sequence[np.ndarray]) -> np.ndarray:
        """Return the network's output, float32 (n, actions): logits or values, for n uint8 (stack, 84, 84)
        observations."""
        with torch.inference_mode():
            rows = [self.network(torch.from_numpy(b)).numpy()[:count] for b, count in blocks_of(observations, BLOCK)]
        return np.concatenate(rows)


def sb3_player(package: AgentPackage, game: Game) -> NetworkPlayer:
    """Return a player of `package`, which fits `game` and holds an SB3 network."""
    assert isinstance(package.network, Sb3Network)
    architecture = package.network.architecture
    actions = len(package.action_set or named_rules(game).action_set)
    wanted = {f"{layer}.{part}" for layer in architecture.layers.values() for part in ("weight", "bias")}
    tensors = {name: torch.from_numpy(numbers) for name, numbers in package.network.tensors.items() if name in wanted}
    bot = Sb3Bot(
        build_network(tensors, actions, package.network.settings),
        draws=package.draws,
        fires=game.fires,
        spec=PreprocessingSpec(package.preprocessing, package.frame_skip_in(game), package.stack),
        action_set=package.action_set,
    )
    return NetworkPlayer(package.info, bot)
