"""Faster learning inside SB3's own extension points: a features extractor, a policy class, and two process settings.

The numbers learned are those of SB3's `CnnPolicy`: same layers, same names, same initialisation. Only the arithmetic
differs: the convolutions and the large linear layer run under bfloat16 autocast, and the division of the pixels by 255
is done on the first layer's weights instead of on every picture. `save_plain` writes what plain SB3 can load.
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
from torch.nn.functional import conv2d


class FastNatureCNN(NatureCNN):
    """`NatureCNN` on unscaled pixels (uint8 or float, 0 to 255), in bfloat16 where `half` is set; returns float32."""

    def __init__(
        self, observation_space: spaces.Box, features_dim: int = 512, normalized_image: bool = True, half: bool = True
    ) -> None:
        super().__init__(observation_space, features_dim, normalized_image)
        self._half = half

    def forward(self, observations: Tensor) -> Tensor:
        first = self.cnn[0]
        assert isinstance(first, nn.Conv2d)
        with torch.autocast(observations.device.type, torch.bfloat16, enabled=self._half):
            pixels = observations.to(torch.bfloat16 if self._half else torch.float32)  # 0 to 255 are exact in both
            if not self._half:  # worth a third in float32; in bfloat16 oneDNN's own layouts are as fast
                pixels = pixels.contiguous(memory_format=torch.channels_last)
            hidden = conv2d(pixels, first.weight * (1 / 255), first.bias, first.stride)
            out: Tensor = self.linear(self.cnn[1:](hidden))
        return out.float()


class FastActorCriticPolicy(ActorCriticCnnPolicy):
    """`CnnPolicy` for PPO and A2C that hands the uint8 pictures to `FastNatureCNN` as they are."""

    def extract_features(self, obs: Any, features_extractor: BaseFeaturesExtractor | None = None) -> Any:
        extractor = self.features_extractor if features_extractor is None else features_extractor
        return extractor(obs)


def bfloat16_pays(device: torch.device) -> bool:
    """Whether this device multiplies bfloat16 numbers in hardware."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())


def fast_policy_kwargs(*, half: bool) -> dict[str, Any]:
    """`policy_kwargs` that make SB3 use the fast extractor, for any of its algorithms with `CnnPolicy`."""
    return {
        "features_extractor_class": FastNatureCNN,
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
    """While this lasts, `model` says that it has SB3's own policy class and settings."""
    kept = model.policy_class, model.policy_kwargs
    model.policy_class = model.policy_aliases["CnnPolicy"]
    mine = ("features_extractor_class", "features_extractor_kwargs", "normalize_images", "net_arch")
    model.policy_kwargs = {k: v for k, v in kept[1].items() if k not in mine}
    try:
        yield
    finally:
        model.policy_class, model.policy_kwargs = kept


def save_plain(model: BaseAlgorithm, path: Path) -> None:
    """Save `model` as a zip that plain SB3 loads (`PPO.load(path)`), without this module."""
    with _as_plain(model):
        model.save(path)
