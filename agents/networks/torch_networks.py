"""The networks of SB3's `CnnPolicy`, built from the shapes of their weights, for playing.

`build_network(weights)` takes the tensors of an SB3 policy under SB3's own names (PPO, A2C, DQN, QR-DQN) and gives a
plain torch module. Nothing is unpickled and no class of SB3 is needed: shapes tell the layers
(`agents.packages.architecture`), settings the rest, and anything unexpected is refused before a tensor is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn

from agents.packages.architecture import (
    ACTIVATIONS,
    EXTRACTORS,
    HEADS,
    IMPALA_CHANNELS,
    Architecture,
    Shape,
    read_architecture,
)
from agents.packages.refusals import AgentRefused
from agents.packages.settings import Sb3Settings
from envs.errors import AgentError

STACK, SIDE = 4, 84
IMPALA_FLAT = IMPALA_CHANNELS[-1] * 11 * 11


class Network(nn.Module):
    """A features extractor, hidden layers if there are any, and a linear head.

    `forward` takes uint8 (n, stack, 84, 84) and gives float32 (n, actions): logits of a policy, or expected returns of
    a Q-network (the mean over the quantiles of QR-DQN).
    """

    def __init__(self, actions: int, architecture: Architecture, settings: Sb3Settings) -> None:
        super().__init__()
        self.actions = actions
        self.quantiles = architecture.quantiles(actions)
        self.scale = 255.0 if settings.pixels == "unit" else 1.0
        self.extractor = _EXTRACTORS[architecture.extractor](architecture)
        widths = (architecture.features, *architecture.hidden)
        self.hidden = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(widths))
        self.activation = _ACTIVATIONS[settings.activation or ("Tanh" if architecture.draws else "ReLU")]()
        self.head = nn.Linear(widths[-1], actions * self.quantiles)

    def forward(self, observations: Tensor) -> Tensor:
        features = self.extractor(observations.float() / self.scale)
        for layer in self.hidden:
            features = self.activation(layer(features))
        out: Tensor = self.head(features)
        return out.view(-1, self.quantiles, self.actions).mean(dim=1)


class _Nature(nn.Module):
    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.cnn = nn.Sequential(
            nn.Conv2d(architecture.stack, 32, 8, 4),
            nn.ReLU(),
            nn.Conv2d(32, 64, 4, 2),
            nn.ReLU(),
            nn.Conv2d(64, 64, 3, 1),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.linear = nn.Sequential(nn.Linear(64 * 7 * 7, architecture.features), nn.ReLU())

    def forward(self, pixels: Tensor) -> Tensor:
        out: Tensor = self.linear(self.cnn(pixels))
        return out


class _Residual(nn.Sequential):
    """Two convolutions beside a shortcut: (n, c, h, w) to (n, c, h, w)."""

    def __init__(self, channels: int) -> None:
        super().__init__(nn.Conv2d(channels, channels, 3, padding=1), nn.Conv2d(channels, channels, 3, padding=1))

    def forward(self, pixels: Tensor) -> Tensor:
        first, second = self
        out: Tensor = pixels + second(first(pixels.relu()).relu())
        return out


class _Block(nn.Module):
    """A convolution that halves the picture and two residual parts: (n, before, h, w) to (n, after, h / 2, w / 2)."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3, padding=1)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.first = _Residual(after)
        self.second = _Residual(after)

    def forward(self, pixels: Tensor) -> Tensor:
        out: Tensor = self.second(self.first(self.pool(self.conv(pixels))))
        return out


def impala_blocks(stack: int) -> nn.Sequential:
    """Return the blocks for pictures (n, stack, 84, 84); they give (n, 32, 11, 11)."""
    channels = (stack, *IMPALA_CHANNELS)
    return nn.Sequential(*(_Block(before, after) for before, after in pairwise(channels)))


class _Impala(nn.Module):
    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.blocks = impala_blocks(architecture.stack)
        self.linear = nn.Sequential(nn.Linear(IMPALA_FLAT, architecture.features), nn.ReLU())

    def forward(self, pixels: Tensor) -> Tensor:
        out: Tensor = self.linear(self.blocks(pixels).relu().flatten(1))
        return out


_EXTRACTORS = {"nature": _Nature, "impala": _Impala}
assert _EXTRACTORS.keys() == EXTRACTORS.keys()
_ACTIVATIONS: dict[str, type[nn.Module]] = {name: getattr(nn, name) for name in ACTIVATIONS}
_SB3S = Sb3Settings()


def build_network(weights: Mapping[str, Tensor], actions: int, settings: Sb3Settings = _SB3S) -> Network:
    """Return the network of an SB3 `CnnPolicy` with these weights, in float32 and ready to play.

    Args:
        weights: tensors under the names of SB3's `policy.state_dict()`, any float type; more than is needed for playing
            (the value head, target networks) may be there.
        actions: how many actions the game has.
        settings: what the weights don't tell.

    Raises:
        AgentError: a tensor is missing or unknown or has the wrong shape or type, or holds a NaN or an infinity.
    """
    architecture = read_architecture(_shapes(weights))
    network = Network(actions, architecture, settings)
    state = {}
    for ours, theirs in architecture.layers.items():
        for part in ("weight", "bias"):
            place = ours if ours.startswith(("head", "hidden.")) else f"extractor.{ours}"
            state[f"{place}.{part}"] = _checked(f"{theirs}.{part}", weights[f"{theirs}.{part}"])
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def _shapes(weights: Mapping[str, Tensor]) -> dict[str, Shape]:
    return {name: tuple(tensor.shape) for name, tensor in weights.items()}


def _checked(name: str, tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        raise AgentError(f"{name} must hold floats; here it holds {tensor.dtype}.")
    if not torch.isfinite(tensor).all():
        raise AgentError(f"{name} holds values that are not finite.")
    return tensor.to(torch.float32).contiguous()


def playing_weights(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of an SB3 `policy.state_dict()` that playing needs, in half precision, under SB3's names.

    Raises:
        AgentError: it isn't that of a `CnnPolicy` that the arena can play, or has hidden layers, whose activation it
            doesn't tell.
    """
    architecture = read_architecture(_shapes(state))
    if architecture.hidden:
        raise AgentRefused(
            "layer-unknown",
            "the network has hidden layers behind its extractor, and its weights don't tell their activation",
            hint="save it with model.save(FILE), which does, and pack that: arena agent pack FILE",
        )
    prefixes = (f"{HEADS[architecture.head]}features_extractor.", f"{architecture.layers['head']}.")
    return {k: v.detach().to("cpu", torch.float16) for k, v in sorted(state.items()) if k.startswith(prefixes)}
