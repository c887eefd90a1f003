"""The residual network of IMPALA (Espeholt et al. 2018, figure 3, the deep one without its LSTM) as a features
extractor of SB3: three times as deep as NatureCNN and, on a CPU, about five times as slow. Use it with

    PPO("CnnPolicy", env, policy_kwargs={"features_extractor_class": ImpalaCNN, "net_arch": []})

and what `model.save` writes plays in the arena as it is.
"""

from __future__ import annotations

from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from agents.networks.torch_networks import IMPALA_FLAT, impala_blocks

FEATURES = 256
"""Numbers between network and heads that its authors chose."""


class ImpalaCNN(BaseFeaturesExtractor):
    """Float (n, stack, 84, 84), from 0 to 1, to float (n, features_dim)."""

    def __init__(self, observation_space: spaces.Box, features_dim: int = FEATURES) -> None:
        super().__init__(observation_space, features_dim)
        self.blocks = impala_blocks(observation_space.shape[0])
        self.linear = nn.Sequential(nn.Linear(IMPALA_FLAT, features_dim), nn.ReLU())

    def forward(self, observations: Tensor) -> Tensor:
        out: Tensor = self.linear(self.blocks(observations).relu().flatten(1))
        return out
