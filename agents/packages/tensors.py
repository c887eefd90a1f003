"""Named tensors as plain numpy arrays: reading of safetensors, and what is checked of tensors from any source."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import safetensors

from agents.packages.limits import MAX_DIMENSIONS, MAX_ELEMENTS, MAX_HEADER_BYTES, MAX_NAME, MAX_TENSORS
from agents.packages.refusals import AgentRefused

FLOATS = {"F32": "<f4", "F16": "<f2", "F64": "<f8", "BF16": "<u2"}
"""Safetensors' names of the floating-point types and how numpy reads them; bfloat16 is unknown to numpy."""

Tensors = dict[str, np.ndarray]
"""Float32 by name, in C order."""


def read_safetensors(content: bytes) -> Tensors:
    """Return the tensors of a safetensors file.

    Raises:
        Refused: the file is damaged or too large, or holds anything but finite floating-point numbers.
    """
    # The file begins with the length of its header, and every tensor named there becomes an object.
    if int.from_bytes(content[:8], "little") > MAX_HEADER_BYTES:
        raise AgentRefused(
            "weights-too-large", f"the header of weights.safetensors has more than {MAX_HEADER_BYTES:,} bytes"
        )
    try:
        table = safetensors.deserialize(content)  # type: ignore[no-untyped-call]
    except Exception as error:
        raise AgentRefused("weights-unreadable", f"weights.safetensors is damaged ({type(error).__name__})") from None
    check_sizes((name, tensor["shape"]) for name, tensor in table)
    tensors = {}
    for name, tensor in table:
        if tensor["dtype"] not in FLOATS:
            raise wrong_type(name, str(tensor["dtype"]))
        numbers = np.frombuffer(tensor["data"], FLOATS[tensor["dtype"]]).reshape(tensor["shape"])
        tensors[name] = as_float32(name, numbers)
    return tensors


def check_sizes(shapes: Iterable[tuple[str, Iterable[int]]]) -> None:
    """Check names and shapes before a number is touched.

    Raises:
        Refused: there is no tensor, or they are too many or too large.
    """
    count = total = 0
    for name, shape in shapes:
        dimensions = tuple(shape)
        count += 1
        if len(name) > MAX_NAME or not name.isprintable():
            raise AgentRefused("weights-unreadable", f"a tensor has an impossible name, {name[:40]!a}")
        total += math.prod(dimensions)
        if len(dimensions) > MAX_DIMENSIONS or count > MAX_TENSORS or total > MAX_ELEMENTS:
            raise AgentRefused(
                "weights-too-large",
                f"the network has more than {MAX_ELEMENTS:,} numbers in {MAX_TENSORS} tensors of {MAX_DIMENSIONS} "
                "dimensions",
            )
    if not count:
        raise AgentRefused("weights-unreadable", "there is no tensor in it")


def as_float32(name: str, numbers: np.ndarray) -> np.ndarray:
    """Return `numbers` in float32 and C order; uint16 stands for bfloat16.

    Raises:
        Refused: one of them is NaN or infinite, or too large for float32.
    """
    if numbers.dtype == np.uint16:
        array = (numbers.astype(np.uint32) << 16).view(np.float32)
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            array = np.array(numbers, np.float32, order="C")  # a copy: what it came from can't be written to
    if not np.isfinite(array).all():
        raise AgentRefused("weights-not-finite", f"{name!r} holds NaN or infinity")
    return array


def wrong_type(name: str, kind: str) -> AgentRefused:
    if name.endswith("num_batches_tracked"):
        return AgentRefused(
            "layer-unknown", f"the network has batch normalisation ({name[:60]!r}), which CnnPolicy hasn't"
        )
    return AgentRefused("weights-type", f"{name[:60]!r} must hold floating-point numbers, not {kind[:40]}")
