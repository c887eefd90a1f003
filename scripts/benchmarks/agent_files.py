"""Sound agents' files, made up: for benchmarks and tests, and for `benchmarks.attack_files` to break."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

Members = Mapping[str, bytes]
TOML = """\
name = "Tester"
game = "breakout"
kind = "sb3"
action_set = [0, 1, 3, 4]
"""


def tensors(features: int = 8, actions: int = 4, stack: int = 4) -> dict[str, np.ndarray]:
    """The tensors of a small PPO policy, by SB3's names."""
    rng = np.random.default_rng(0)
    shapes = {
        "features_extractor.cnn.0": (32, stack, 8, 8),
        "features_extractor.cnn.2": (64, 32, 4, 4),
        "features_extractor.cnn.4": (64, 64, 3, 3),
        "features_extractor.linear.0": (features, 3136),
        "action_net": (actions, features),
        "value_net": (1, features),
    }
    made = {}
    for name, shape in shapes.items():
        made[f"{name}.weight"] = rng.standard_normal(shape).astype(np.float32) / 100
        made[f"{name}.bias"] = np.zeros(shape[0], np.float32)
    return made


def zip_of(members: Members, method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()


def package(toml: str = TOML, numbers: Mapping[str, np.ndarray] | None = None, **more: bytes) -> Members:
    """The members of a sound package; `more` by member name with `_dot_` for a dot."""
    weights = safetensors.numpy.save(dict(tensors() if numbers is None else numbers))
    return {"agent.toml": toml.encode(), "weights.safetensors": weights} | {
        name.replace("_dot_", "."): content for name, content in more.items()
    }


def torch_file(state: Any) -> bytes:
    import torch

    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def state_dict(numbers: Mapping[str, np.ndarray] | None = None) -> dict[str, Any]:
    import torch

    return {name: torch.from_numpy(n) for name, n in (tensors() if numbers is None else numbers).items()}


def sb3_zip(policy: bytes | None = None, data: bytes = b'{"n_steps": 8}', **more: bytes) -> Members:
    """The members of a sound SB3 zip."""
    return {"data": data, "policy.pth": torch_file(state_dict()) if policy is None else policy} | more


def onnx_model(
    *,
    actions: int = 4,
    shape: tuple[Any, ...] = ("batch", 4, 84, 84),
    kind: int | None = None,
    weights: np.ndarray | None = None,
    opset: int = 17,
) -> Any:
    """A small ONNX network: averages of 12x12 pixels, and one linear layer."""
    import onnx
    from onnx import TensorProto as T
    from onnx import helper

    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((196, actions)).astype(np.float32) / 100 if weights is None else weights
    nodes = [
        helper.make_node("Cast", ["pictures"], ["floats"], to=T.FLOAT),
        helper.make_node("AveragePool", ["floats"], ["means"], kernel_shape=[12, 12], strides=[12, 12]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("pictures", T.UINT8 if kind is None else kind, shape)],
        [helper.make_tensor_value_info("logits", T.FLOAT, (shape[0], actions))],
        [onnx.numpy_helper.from_array(matrix, "matrix")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def onnx_package(model: Any, toml: str = "") -> Members:
    text = TOML.replace('"sb3"', '"onnx"') + f'[onnx]\npixels = "uint8"\noutput = "logits"\n{toml}'
    return {"agent.toml": text.encode(), "model.onnx": model if type(model) is bytes else model.SerializeToString()}


def model_of_20_mb(path: Path) -> None:
    """Write an agent package with 20 MB of weights."""
    path.write_bytes(zip_of(package(numbers=tensors(features=1560))))
