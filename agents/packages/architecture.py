"""Which network a set of named tensors belongs to, told from names and shapes alone.

Known are the policies that SB3 calls `CnnPolicy`, of PPO, A2C, DQN and QR-DQN: a features extractor on pictures, and
one linear layer (the head) behind it. The extractor is SB3's own NatureCNN, or `agents.impala.ImpalaCNN`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agents.packages.refusals import Refused

Shape = tuple[int, ...]

MAX_ACTIONS = 18
MAX_QUANTILES = 1000
MAX_FEATURES = 4096
MAX_STACK = 8

HEADS = {"action_net": "", "q_net.q_net.0": "q_net.", "quantile_net.quantile_net.0": "quantile_net."}
"""Name of the last layer of PPO and A2C, of DQN and of QR-DQN, and where that policy keeps its features extractor."""
_BESIDES = {
    "action_net": ("pi_features_extractor.", "vf_features_extractor.", "value_net."),
    "q_net.q_net.0": ("q_net_target.features_extractor.", "q_net_target.q_net.0."),
    "quantile_net.quantile_net.0": ("quantile_net_target.features_extractor.", "quantile_net_target.quantile_net.0."),
}
"""What else these policies save, which playing doesn't need."""

IMPALA_CHANNELS = (16, 32, 32)


def _impala() -> dict[str, Shape]:
    layers: dict[str, Shape] = {}
    before = 0  # the stack
    for i, channels in enumerate(IMPALA_CHANNELS):
        layers[f"blocks.{i}.conv"] = (channels, before, 3, 3)
        for part in ("first", "second"):
            for conv in (0, 1):
                layers[f"blocks.{i}.{part}.{conv}"] = (channels, channels, 3, 3)
        before = channels
    return layers | {"linear.0": (0, 32 * 11 * 11)}


EXTRACTORS: dict[str, dict[str, Shape]] = {
    "nature": {
        "cnn.0": (32, 0, 8, 8),
        "cnn.2": (64, 32, 4, 4),
        "cnn.4": (64, 64, 3, 3),
        "linear.0": (0, 64 * 7 * 7),
    },
    "impala": _impala(),
}
"""Layers of each extractor with the shapes of their weights; 0 stands for what differs: pictures in, features out."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """What the shapes say."""

    extractor: str
    """One of `EXTRACTORS`."""
    head: str
    """One of `HEADS`."""
    stack: int
    """Pictures that it looks at."""
    features: int
    """Numbers between extractor and head."""
    outputs: int
    """Numbers that it answers with: actions, or actions times quantiles."""

    @property
    def draws(self) -> bool:
        """Whether the outputs are logits to draw from (PPO, A2C), not values of which the best counts."""
        return self.head == "action_net"

    @property
    def layers(self) -> dict[str, str]:
        """Our name of each layer that playing needs, and the file's."""
        where = f"{HEADS[self.head]}features_extractor."
        return {name: where + name for name in EXTRACTORS[self.extractor]} | {"head": self.head}

    @property
    def shapes(self) -> dict[str, Shape]:
        """Shapes of the weights of `layers`, by our names."""
        shapes = {
            name: tuple(size or (self.features if name == "linear.0" else self.stack) for size in shape)
            for name, shape in EXTRACTORS[self.extractor].items()
        }
        return shapes | {"head": (self.outputs, self.features)}

    def quantiles(self, actions: int, whose: str = "the game") -> int:
        """Return how many numbers there are for each of so many actions; `whose` they are is said where it fails.

        Raises:
            Refused: the network has been made for another number of actions.
        """
        quantiles = self.outputs // actions if self.head.startswith("quantile") and actions else 1
        if self.outputs != actions * quantiles or not 1 <= quantiles <= MAX_QUANTILES:
            raise Refused("actions-wrong", f"the network decides between {self.outputs} actions; {whose} has {actions}")
        return quantiles


def read_architecture(shapes: Mapping[str, Shape]) -> Architecture:
    """Return what network tensors of these names and shapes make.

    Raises:
        Refused: a layer is missing, unknown or of the wrong shape.
    """
    head = head_of(shapes)
    where = f"{HEADS[head]}features_extractor."
    extractor = "impala" if any(name.startswith(f"{where}blocks.") for name in shapes) else "nature"
    last = shapes[f"{head}.weight"]
    if len(last) != 2:
        raise Refused("layer-shape", f"{head}.weight must have two dimensions; here it has {len(last)}")
    first_conv = next(iter(EXTRACTORS[extractor]))
    pictures = shapes.get(f"{where}{first_conv}.weight", ())
    found = Architecture(extractor, head, pictures[1] if len(pictures) == 4 else 4, last[1], last[0])
    _check_layers(found, shapes)
    if not 1 <= found.stack <= MAX_STACK or not 1 <= found.features <= MAX_FEATURES:
        raise Refused(
            "layer-shape",
            f"the network takes {found.stack} pictures and has {found.features} features; at most {MAX_STACK} and "
            f"{MAX_FEATURES} are allowed",
        )
    if not 1 <= found.outputs <= MAX_ACTIONS * (MAX_QUANTILES if head.startswith("quantile") else 1):
        raise Refused("actions-wrong", f"the network decides between {found.outputs} actions; a game has at most 18")
    return found


def head_of(names: Mapping[str, object]) -> str:
    """Return which of `HEADS` is there, directly behind an extractor.

    Raises:
        Refused: none is, or there are hidden layers.
    """
    head = next((h for h in HEADS if f"{h}.weight" in names), None)
    if head is None:
        raise Refused(
            "network-unknown",
            "the weights are not an SB3 CnnPolicy of PPO, A2C, DQN or QR-DQN: none of "
            f"{', '.join(f'{h}.weight' for h in HEADS)} is there",
        )
    if "log_std" in names:
        raise Refused("network-unknown", "the network has continuous actions; Atari games have discrete ones")
    if any(name.startswith("mlp_extractor.") for name in names) or f"{head.removesuffix('.0')}.2.weight" in names:
        raise Refused(
            "layer-unknown",
            "the network has hidden layers behind its extractor; train with net_arch=[], CnnPolicy's own",
        )
    return head


def _check_layers(found: Architecture, shapes: Mapping[str, Shape]) -> None:
    wanted = {}
    for name, shape in found.shapes.items():
        theirs = found.layers[name]
        wanted[f"{theirs}.weight"] = shape
        wanted[f"{theirs}.bias"] = shape[:1]
    for name, shape in wanted.items():
        if name not in shapes:
            raise Refused("layer-missing", f"the weights lack {name}, of shape {shape}")
        if shapes[name] != shape:
            raise Refused("layer-shape", f"{name} must have the shape {shape}; here it has {shapes[name]}")
    for name in shapes:
        if name not in wanted and not name.startswith(_BESIDES[found.head]):
            raise Refused("layer-unknown", f"the weights have a layer that the arena doesn't know, {name[:60]!r}")
