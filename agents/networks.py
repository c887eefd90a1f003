"""The networks of SB3's `CnnPolicy`, built from the shapes of their weights, for playing.

`build_network(weights)` takes the tensors of an SB3 policy under SB3's own names (PPO, A2C, DQN, QR-DQN) and gives a
plain torch module. Nothing is unpickled and no class of SB3 is needed: shapes tell the architecture, and anything
unexpected is refused before a tensor is used.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from envs.errors import AgentError

STACK, SIDE = 4, 84
MAX_ACTIONS = 18
MAX_QUANTILES = 1000

_CONV = ((32, STACK, 8, 8), (64, 32, 4, 4), (64, 64, 3, 3))
_FLAT = 64 * 7 * 7
_HEADS = {"action_net": "", "q_net.q_net.0": "q_net.", "quantile_net.quantile_net.0": "quantile_net."}
"""Name of the last layer of PPO and A2C, of DQN and of QR-DQN, and where that policy keeps its features extractor."""


class Network(nn.Module):
    """NatureCNN with one linear head.

    `forward` takes uint8 (n, 4, 84, 84) and gives float32 (n, actions): logits of a policy, or expected returns of a
    Q-network (the mean over the quantiles of QR-DQN).
    """

    def __init__(self, actions: int, features: int = 512, quantiles: int = 1) -> None:
        super().__init__()
        self.actions = actions
        self.quantiles = quantiles
        self.cnn = nn.Sequential(
            nn.Conv2d(STACK, 32, 8, 4),
            nn.ReLU(),
            nn.Conv2d(32, 64, 4, 2),
            nn.ReLU(),
            nn.Conv2d(64, 64, 3, 1),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.linear = nn.Sequential(nn.Linear(_FLAT, features), nn.ReLU())
        self.head = nn.Linear(features, actions * quantiles)

    def forward(self, observations: Tensor) -> Tensor:
        out: Tensor = self.head(self.linear(self.cnn(observations.float() / 255.0)))
        return out.view(-1, self.quantiles, self.actions).mean(dim=1)


def build_network(weights: Mapping[str, Tensor], actions: int) -> Network:
    """Return the network of an SB3 `CnnPolicy` with these weights, in float32 and ready to play.

    Args:
        weights: tensors under the names of SB3's `policy.state_dict()`, any float type; more than is needed for playing
            (the value head, target networks) may be there.
        actions: how many actions the game has.

    Raises:
        AgentError: a tensor is missing or has the wrong shape or type, or holds a NaN or an infinity; or there are
            hidden layers behind NatureCNN.
    """
    head = _head_of(weights)
    extractor = f"{_HEADS[head]}features_extractor."
    first, last = weights.get(f"{extractor}linear.0.weight"), weights[f"{head}.weight"]
    features = first.shape[0] if first is not None and first.dim() == 2 else 0
    outputs = last.shape[0] if last.dim() == 2 else 0
    quantiles = outputs // actions if head.startswith("quantile") else 1
    if outputs != actions * quantiles:
        raise AgentError(f"This agent decides between {outputs} actions; the game has {actions}.")
    if not 1 <= actions <= MAX_ACTIONS or not 1 <= quantiles <= MAX_QUANTILES or not 1 <= features <= 4096:
        raise AgentError(
            f"These weights have {outputs} outputs and {features} features; the game has {actions} actions."
        )
    wanted: dict[str, tuple[str, tuple[int, ...]]] = {
        f"cnn.{2 * i}": (f"{extractor}cnn.{2 * i}", shape) for i, shape in enumerate(_CONV)
    }
    wanted["linear.0"] = (f"{extractor}linear.0", (features, _FLAT))
    wanted["head"] = (head, (actions * quantiles, features))
    state = {}
    for ours, (theirs, shape) in wanted.items():
        state[f"{ours}.weight"] = _checked(weights, f"{theirs}.weight", shape)
        state[f"{ours}.bias"] = _checked(weights, f"{theirs}.bias", shape[:1])
    network = Network(actions, features, quantiles)
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def _head_of(weights: Mapping[str, Tensor]) -> str:
    """Return which of `_HEADS` these weights have, directly behind NatureCNN."""
    head = next((h for h in _HEADS if f"{h}.weight" in weights), None)
    if head is None:
        raise AgentError(
            "These weights are not an SB3 CnnPolicy of PPO, A2C, DQN or QR-DQN: none of "
            f"{', '.join(f'{h}.weight' for h in _HEADS)} is there."
        )
    if any(name in weights for name in ("mlp_extractor.policy_net.0.weight", f"{head.removesuffix('.0')}.2.weight")):
        raise AgentError(
            "These weights have hidden layers behind NatureCNN; train with `net_arch` [], CnnPolicy's own."
        )
    return head


def _checked(weights: Mapping[str, Tensor], name: str, shape: tuple[int, ...]) -> Tensor:
    tensor = weights.get(name)
    if tensor is None:
        raise AgentError(f"The weights lack {name}, of shape {shape}.")
    if tuple(tensor.shape) != shape or not tensor.is_floating_point():
        raise AgentError(f"{name} must hold floats of shape {shape}; here it is {tensor.dtype} {tuple(tensor.shape)}.")
    if not torch.isfinite(tensor).all():
        raise AgentError(f"{name} holds values that are not finite.")
    return tensor.to(torch.float32).contiguous()


def playing_weights(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of an SB3 `policy.state_dict()` that playing needs, in half precision, under SB3's names.

    Raises:
        AgentError: it isn't that of a `CnnPolicy` that the arena can play.
    """
    head = _head_of(state)
    prefixes = (f"{_HEADS[head]}features_extractor.", f"{head}.")
    return {k: v.detach().to("cpu", torch.float16) for k, v in sorted(state.items()) if k.startswith(prefixes)}
