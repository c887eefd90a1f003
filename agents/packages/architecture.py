"""Which network a set of named tensors belongs to, told from names and shapes alone.

Known are the policies that SB3 calls `CnnPolicy`, of PPO, A2C, DQN and QR-DQN: a features extractor on pictures, hidden
layers behind it if there are any (`net_arch`), and a last linear layer (the head). The extractor is SB3's own
NatureCNN, or `agents.training.impala.ImpalaCNN`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agents.packages.refusals import AgentRefused

Shape = tuple[int, ...]

MAX_ACTIONS = 18
MAX_QUANTILES = 1000
MAX_FEATURES = 4096
MAX_STACK = 8
MAX_HIDDEN = 8
SIDE = 84

HEADS = {"action_net": "", "q_net.q_net": "q_net.", "quantile_net.quantile_net": "quantile_net."}
"""What PPO and A2C, DQN and QR-DQN call their last layer, and where that policy keeps its features extractor."""
_HIDDEN = {"action_net": "mlp_extractor.policy_net"} | {head: head for head in HEADS if head != "action_net"}
"""Where the hidden layers are: each second place of it from 0 on; the others are activations, which have no weights."""
_BESIDES = {
    "action_net": ("pi_features_extractor.", "vf_features_extractor.", "value_net.", "mlp_extractor.value_net."),
    "q_net.q_net": ("q_net_target.",),
    "quantile_net.quantile_net": ("quantile_net_target.",),
}
"""What else these policies save, which playing doesn't need."""

ACTIVATIONS = (
    "ReLU", "LeakyReLU", "Tanh", "ELU", "SELU", "CELU", "GELU", "SiLU", "Mish", "Sigmoid", "Softplus", "Hardswish",
    "ReLU6", "Identity",
)  # fmt: skip
"""Classes of `torch.nn` that may stand between hidden layers, each as it is without arguments."""

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
    hidden: tuple[int, ...] = ()
    """Widths of the hidden layers between extractor and head."""

    @property
    def draws(self) -> bool:
        """Whether the outputs are logits to draw from (PPO, A2C), not values of which the best counts."""
        return self.head == "action_net"

    @property
    def layers(self) -> dict[str, str]:
        """Our name of each layer that playing needs, and the file's."""
        where = f"{HEADS[self.head]}features_extractor."
        layers = {name: where + name for name in EXTRACTORS[self.extractor]}
        layers |= {f"hidden.{i}": f"{_HIDDEN[self.head]}.{2 * i}" for i in range(len(self.hidden))}
        return layers | {"head": self.head + ("" if self.draws else f".{2 * len(self.hidden)}")}

    @property
    def shapes(self) -> dict[str, Shape]:
        """Shapes of the weights of `layers`, by our names."""
        shapes = {
            name: tuple(size or (self.features if name == "linear.0" else self.stack) for size in shape)
            for name, shape in EXTRACTORS[self.extractor].items()
        }
        widths = (self.features, *self.hidden, self.outputs)
        after = [*(f"hidden.{i}" for i in range(len(self.hidden))), "head"]
        return shapes | {name: (widths[i + 1], widths[i]) for i, name in enumerate(after)}

    def quantiles(self, actions: int, whose: str = "the game") -> int:
        """Return how many numbers there are for each of so many actions; `whose` they are is said where it fails.

        Raises:
            Refused: the network has been made for another number of actions.
        """
        quantiles = self.outputs // actions if self.head.startswith("quantile") and actions else 1
        if self.outputs != actions * quantiles or not 1 <= quantiles <= MAX_QUANTILES:
            raise AgentRefused(
                "actions-wrong", f"the network decides between {self.outputs} actions; {whose} has {actions}"
            )
        return quantiles


def read_architecture(shapes: Mapping[str, Shape]) -> Architecture:
    """Return what network tensors of these names and shapes make.

    Raises:
        Refused: a layer is missing, unknown or of the wrong shape.
    """
    head = _head_of(shapes)
    hidden: list[str] = []
    while len(hidden) <= MAX_HIDDEN and f"{_HIDDEN[head]}.{2 * len(hidden)}.weight" in shapes:
        hidden.append(f"{_HIDDEN[head]}.{2 * len(hidden)}")
    last = head if head == "action_net" else hidden.pop()
    where = f"{HEADS[head]}features_extractor."
    extractor = "impala" if any(name.startswith(f"{where}blocks.") for name in shapes) else "nature"
    pictures = shapes.get(f"{where}{next(iter(EXTRACTORS[extractor]))}.weight", ())
    features = shapes.get(f"{where}linear.0.weight", ())
    found = Architecture(
        extractor,
        head,
        stack=pictures[1] if len(pictures) == 4 else 4,
        features=features[0] if features else 0,
        outputs=_width(last, shapes),
        hidden=tuple(_width(layer, shapes) for layer in hidden),
    )
    _check_layers(found, shapes)
    widths = (found.features, *found.hidden)
    if not 1 <= found.stack <= MAX_STACK or not 1 <= min(widths) <= max(widths) <= MAX_FEATURES:
        raise AgentRefused(
            "layer-shape",
            f"the network takes {found.stack} pictures and has {max(widths)} features; at most {MAX_STACK} and "
            f"{MAX_FEATURES} are allowed",
        )
    if len(hidden) > MAX_HIDDEN:
        raise AgentRefused(
            "layer-unknown", f"the network has more than {MAX_HIDDEN} hidden layers behind its extractor"
        )
    if not 1 <= found.outputs <= MAX_ACTIONS * (MAX_QUANTILES if head.startswith("quantile") else 1):
        raise AgentRefused(
            "actions-wrong", f"the network decides between {found.outputs} actions; a game has at most 18"
        )
    return found


def _width(layer: str, shapes: Mapping[str, Shape]) -> int:
    shape = shapes[f"{layer}.weight"]
    if len(shape) != 2:
        raise AgentRefused("layer-shape", f"{layer}.weight must have two dimensions; here it has {len(shape)}")
    return shape[0]


def _head_of(names: Mapping[str, object]) -> str:
    """Return which of `HEADS` is there.

    Raises:
        Refused: none is, or it is that of a policy which the arena can't play.
    """
    if any(name.startswith("lstm_actor.") for name in names):
        raise AgentRefused("network-unknown", RECURRENT, hint=STATELESS)
    if "log_std" in names:
        raise AgentRefused("network-unknown", "the network has continuous actions; Atari games have discrete ones")
    for head in HEADS:
        if f"{head}.weight" in names or (head != "action_net" and f"{head}.0.weight" in names):
            return head
    raise AgentRefused(
        "network-unknown",
        "the weights are not an SB3 CnnPolicy of PPO, A2C, DQN or QR-DQN: none of action_net, q_net.q_net and "
        "quantile_net.quantile_net is there",
    )


RECURRENT = "the network is recurrent (an LSTM): it keeps a state from one decision to the next, and the arena doesn't"
STATELESS = "train one without a state, for example PPO with CnnPolicy on a stack of 4 pictures"


def _check_layers(found: Architecture, shapes: Mapping[str, Shape]) -> None:
    names = {name for name in shapes if not name.startswith(_BESIDES[found.head])}
    if any("running_mean" in name for name in names):
        raise AgentRefused("layer-unknown", "the network has batch normalisation, which CnnPolicy hasn't")
    wanted = {}
    for name, shape in found.shapes.items():
        theirs = found.layers[name]
        wanted[f"{theirs}.weight"] = shape
        wanted[f"{theirs}.bias"] = shape[:1]
    for name, shape in wanted.items():
        if name not in shapes:
            raise AgentRefused("layer-missing", f"the weights lack {name}, of shape {shape}")
        if shapes[name] == shape:
            continue
        if name.endswith("linear.0.weight") and len(shapes[name]) == 2:
            raise AgentRefused(
                "layer-shape",
                f"the network was made for pictures of another size than {SIDE}x{SIDE}: {name} must have the shape "
                f"{shape}; here it has {shapes[name]}",
            )
        raise AgentRefused("layer-shape", f"{name} must have the shape {shape}; here it has {shapes[name]}")
    for name in sorted(names - wanted.keys()):
        raise AgentRefused("layer-unknown", f"the weights have a layer that the arena doesn't know, {name[:60]!r}")
