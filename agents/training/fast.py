"""Faster learning inside SB3's own extension points: a features extractor, a policy class, and two process settings.

The numbers learned are those of SB3's `CnnPolicy`: same layers, same names, same initialisation. Only the arithmetic
differs: the convolutions and the large linear layer run in bfloat16, the channels of a pixel lie side by side, and the
division of the pixels by 255 is done on the first layer's weights instead of on every picture. `save_plain` writes what
plain SB3 can load.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import ActorCriticCnnPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, NatureCNN
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear, relu

from agents.training.impala import FEATURES, ImpalaCNN


class FastNatureCNN(NatureCNN):
    """`NatureCNN` on unscaled pixels (uint8 or float, 0 to 255), in bfloat16 where `half` is set; returns float32."""

    def __init__(
        self, observation_space: spaces.Box, features_dim: int = 512, normalized_image: bool = True, half: bool = True
    ) -> None:
        super().__init__(observation_space, features_dim, normalized_image)
        self._dtype = torch.bfloat16 if half else torch.float32
        self._held: list[tuple[Tensor, Tensor]] | None = None

    def hold(self, on: bool) -> None:
        """Until further notice, work without gradients with the weights as they are now (`on`), or with the current
        ones again. Converting them to bfloat16 takes a quarter of the time of a decision on eight pictures.

        Loading or moving weights lets go of what was held; any other change has to do so itself. That is why the policy
        says when, and not `train()`: DQN's target network never changes its mode, but its weights.
        """
        with torch.no_grad():
            self._held = self._weights() if on and self._dtype is torch.bfloat16 else None

    def _load_from_state_dict(self, *args: Any, **settings: Any) -> None:
        self._held = None
        super()._load_from_state_dict(*args, **settings)

    def _apply(self, *args: Any, **settings: Any) -> Any:
        self._held = None
        return super()._apply(*args, **settings)  # type: ignore[no-untyped-call]

    def forward(self, observations: Tensor) -> Tensor:
        held = None if torch.is_grad_enabled() else self._held
        *convolutions, (weight, bias) = held or self._weights()
        hidden = _channels_last(observations, self._dtype)  # 0 to 255 are exact in bfloat16, too
        for layer, (kernel, offset) in zip(self._convolutions(), convolutions, strict=True):
            hidden = relu(conv2d(hidden, kernel, offset, layer.stride), inplace=True)
        return relu(linear(hidden.flatten(1), weight, bias)).float()

    def _convolutions(self) -> list[nn.Conv2d]:
        return [layer for layer in self.cnn if isinstance(layer, nn.Conv2d)]

    def _weights(self) -> list[tuple[Tensor, Tensor]]:
        """Weight and bias of every layer in the dtype and the memory layout that the arithmetic wants."""
        kernels = [layer.weight for layer in self._convolutions()]
        kernels[0] = kernels[0] * (1 / 255)
        last: Any = self.linear[0]
        weights = [kernel.to(self._dtype, memory_format=torch.channels_last) for kernel in kernels]
        biases = [layer.bias.to(self._dtype) for layer in (*self._convolutions(), last)]
        return list(zip([*weights, last.weight.to(self._dtype)], biases, strict=True))


class FastImpalaCNN(ImpalaCNN):
    """`ImpalaCNN` on unscaled pixels (uint8 or float, 0 to 255), in bfloat16 where `half` is set; returns float32."""

    def __init__(self, observation_space: spaces.Box, features_dim: int = FEATURES, half: bool = True) -> None:
        super().__init__(observation_space, features_dim)
        self._half = half

    def forward(self, observations: Tensor) -> Tensor:
        with torch.autocast(observations.device.type, torch.bfloat16, enabled=self._half):
            pixels = _channels_last(observations, torch.bfloat16 if self._half else torch.float32) * (1 / 255)
            return super().forward(pixels).float()


def _channels_last(pictures: Tensor, dtype: torch.dtype) -> Tensor:
    """`pictures`, (n, c, h, w), as `dtype` with the channels of a pixel side by side: then none of the convolutions,
    forward or backward, has to rearrange anything. Channel by channel, since torch's own ways take up to three times
    as long."""
    n, channels, height, width = pictures.shape
    out = torch.empty((n, height, width, channels), dtype=dtype, device=pictures.device).permute(0, 3, 1, 2)
    for channel in range(channels):
        out[:, channel] = pictures[:, channel]
    return out


class FastActorCriticPolicy(ActorCriticCnnPolicy):
    """`CnnPolicy` for PPO and A2C that hands the uint8 pictures to `FastNatureCNN` as they are."""

    def extract_features(self, obs: Any, features_extractor: BaseFeaturesExtractor | None = None) -> Any:
        extractor = self.features_extractor if features_extractor is None else features_extractor
        return extractor(obs)

    def set_training_mode(self, mode: bool) -> None:
        """SB3 calls this before it collects steps or predicts (False) and before it learns (True)."""
        super().set_training_mode(mode)
        extractor = self.features_extractor
        if isinstance(extractor, FastNatureCNN):
            extractor.hold(not mode)


def bfloat16_pays(device: torch.device) -> bool:
    """Whether this device multiplies bfloat16 numbers in hardware."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())


def fast_policy_kwargs(
    extractor: type[FastNatureCNN] | type[FastImpalaCNN] = FastNatureCNN, *, half: bool
) -> dict[str, Any]:
    """`policy_kwargs` that make SB3 use the fast extractor, for any of its algorithms with `CnnPolicy`."""
    return {
        "features_extractor_class": extractor,
        "features_extractor_kwargs": {"half": half},
        "normalize_images": False,
        "net_arch": [],  # SB3's own choice behind NatureCNN itself, but not behind a class derived from it
    }


def tune_process(threads: int) -> None:
    """Use `threads` threads for torch, and keep freed memory in the process.

    Every minibatch allocates and frees some tens of megabytes. glibc returns blocks of that size to the system at once
    and has to fault every page in again the next time, which costs up to half of the training time on one core.
    """
    torch.set_num_threads(threads)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):
            m_trim_threshold, m_mmap_threshold = -1, -3
            libc.mallopt(m_mmap_threshold, 1 << 30)
            libc.mallopt(m_trim_threshold, (1 << 31) - 1)


@contextmanager
def _as_plain(model: BaseAlgorithm) -> Iterator[None]:
    """While this lasts, a `model` with the fast extractor says that it has SB3's own policy class and settings."""
    kept = model.policy_class, model.policy_kwargs
    extractor = kept[1].get("features_extractor_class")
    if extractor not in (FastNatureCNN, FastImpalaCNN):
        yield
        return
    model.policy_class = model.policy_aliases["CnnPolicy"]
    mine = ("features_extractor_class", "features_extractor_kwargs", "normalize_images", "net_arch")
    model.policy_kwargs = {k: v for k, v in kept[1].items() if k not in mine}
    features = kept[1]["features_extractor_kwargs"].get("features_dim")
    if extractor is FastImpalaCNN:
        model.policy_kwargs |= {
            "features_extractor_class": ImpalaCNN,
            "features_extractor_kwargs": {"features_dim": features or FEATURES},
            "net_arch": [],
        }
    elif features:
        model.policy_kwargs["features_extractor_kwargs"] = {"features_dim": features}
    try:
        yield
    finally:
        model.policy_class, model.policy_kwargs = kept


def save_plain(model: BaseAlgorithm, path: Path) -> None:
    """Save `model` as a zip that plain SB3 loads (`PPO.load(path)`), without this module."""
    with _as_plain(model):
        model.save(path)
