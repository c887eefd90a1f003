"""ONNX networks of strangers: one file, standard operators, finite weights, and an input and an output that fit.

onnxruntime gets the bytes only after this. It is written in C++, reads files that a model names and can be given
operators in shared libraries; so a model that has any of that is refused here, by a reader that can do none of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from agents.packages.architecture import MAX_ACTIONS, RECURRENT, STATELESS
from agents.packages.limits import MAX_BATCH, MAX_DIMENSIONS, MAX_ELEMENTS, MAX_NODES, MAX_TENSORS
from agents.packages.onnx_schema import MODEL
from agents.packages.protobuf import Budget, Malformed, Message, read_message
from agents.packages.refusals import AgentRefused
from agents.packages.settings import OnnxSettings

SIDE = 84

_NAMES = """
    Abs Add And ArgMax AveragePool BatchNormalization Cast CastLike Ceil Celu Clip Concat Constant ConstantOfShape Conv
    DequantizeLinear Div Dropout Elu Equal Erf Exp Expand Flatten Floor Gather GatherElements Gelu Gemm
    GlobalAveragePool GlobalMaxPool Greater GroupNormalization HardSigmoid HardSwish Identity InstanceNormalization
    LayerNormalization LeakyRelu Less Log LogSoftmax MatMul Max MaxPool Mean Min Mish Mul Neg Not Or PRelu Pow
    QuantizeLinear Reciprocal ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceSum Relu Reshape Round Selu
    Shape Sigmoid Sign Slice Softmax Softplus Softsign Split Sqrt Squeeze Sub Sum Tanh Transpose Unsqueeze Where
"""
OPERATORS = frozenset(_NAMES.split())
"""Of the standard operators those that networks on pictures use. None of them reads a file, draws a random number, runs
a loop or has a state."""

_DRAWS = {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
_RECURRENT = {"GRU", "LSTM", "RNN"}

_ACTIONS = 'take its actions with output = "actions" (--output actions), or export its logits'

OPSETS = range(9, 29)
"""Versions of the standard operators that may be asked for."""
IR_VERSIONS = range(4, 15)
_STANDARD = ("", "ai.onnx")
_MAX_ATTRIBUTE = 4096
"""Largest whole number in `_SIZES`."""
_SIZES = {"kernel_shape", "strides", "pads", "dilations", "group", "num_groups", "output_padding"}

_FLOAT, _UINT8, _INT64 = 1, 2, 7
_TYPES = {1: "<f4", 2: "u1", 3: "i1", 6: "<i4", 7: "<i8", 9: "?", 10: "<f2", 11: "<f8"}
"""Numbers of the tensor types that may occur, and how numpy reads their raw data."""


_PLACES = ("raw_data", "float_data", "double_data", "int32_data", "int64_data")
_PLACE_OF = {_FLOAT: "float_data", _INT64: "int64_data", 11: "double_data"}
"""Where a tensor's numbers may lie besides in `raw_data`; whole numbers of other types lie in `int32_data`."""


@dataclass(frozen=True, slots=True)
class OnnxNetwork:
    """A network that has been looked through."""

    content: bytes
    input_name: str
    output_name: str
    batch: int | None
    """Pictures that it takes at once; None for any number."""
    stack: int
    actions: int | None
    """None for `output = "actions"`, where only the game can say."""


def read_onnx(content: bytes, settings: OnnxSettings) -> OnnxNetwork:
    """Check an ONNX file.

    Raises:
        Refused: it isn't one, or has what no player needs, or other inputs and outputs than `settings` say.
    """
    try:
        model = read_message(memoryview(content), MODEL, Budget())
    except Malformed as error:
        raise AgentRefused("onnx-unreadable", f"the ONNX file can't be used: {error}") from None
    graph = model.get("graph")
    if graph is None:
        raise AgentRefused("onnx-unreadable", "the ONNX file holds no graph")
    if model["functions"]:
        raise AgentRefused("onnx-subgraph", "the ONNX file defines functions of its own")
    _check_nodes(graph["node"])
    _check_versions(model)
    _check_tensors(graph)
    weights = {tensor.get("name", "") for tensor in graph["initializer"]}
    inputs = [value for value in graph["input"] if value.get("name") not in weights]
    if len(inputs) != 1:
        raise AgentRefused("onnx-input", f"the network has {len(inputs)} inputs; it must have one")
    batch, stack = _input(inputs[0], settings)
    output_name, actions = _output(graph["output"], settings)
    return OnnxNetwork(content, inputs[0].get("name", ""), output_name, batch, stack, actions)


def _check_versions(model: Message) -> None:
    if model.get("ir_version", 0) not in IR_VERSIONS:
        raise AgentRefused(
            "onnx-version",
            f"the file has IR version {model.get('ir_version', 0)}; {IR_VERSIONS[0]} to {IR_VERSIONS[-1]} are read",
        )
    standard = [o.get("version", 0) for o in model["opset_import"] if o.get("domain", "") in _STANDARD]
    if len(standard) != 1 or standard[0] not in OPSETS:
        raise AgentRefused(
            "onnx-version",
            f"the network asks for version {', '.join(map(str, standard)) or 'none'} of the standard operators; "
            f"{OPSETS[0]} to {OPSETS[-1]} are there",
        )


def _check_nodes(nodes: list[Message]) -> None:
    if not 0 < len(nodes) <= MAX_NODES:
        raise AgentRefused(
            "onnx-too-large", f"the network has {len(nodes):,} operators; 1 to {MAX_NODES:,} are allowed"
        )
    for node in nodes:
        kind, domain = node.get("op_type", ""), node.get("domain", "")
        if domain not in _STANDARD or node.get("overload"):
            raise AgentRefused(
                "onnx-custom-operator", f"the operator {domain[:60]!a} {kind[:60]!a} is not one of the standard ones"
            )
        for attribute in node["attribute"]:
            _check_attribute(kind, attribute)
        if kind in _DRAWS:
            raise AgentRefused(
                "onnx-operator",
                f"the operator {kind!a} draws random numbers; the arena draws the actions itself, so that a game can "
                "be repeated",
                hint="export it with deterministic=True, or better its logits; docs/agent-package.md shows how",
            )
        if kind in _RECURRENT:
            raise AgentRefused("onnx-operator", RECURRENT, hint=STATELESS)
        if kind not in OPERATORS:
            raise AgentRefused("onnx-operator", f"the operator {kind[:60]!a} is not among those that a player needs")


def _check_attribute(kind: str, attribute: Message) -> None:
    if "g" in attribute or attribute["graphs"]:
        raise AgentRefused("onnx-subgraph", f"the operator {kind[:60]!a} has a graph of its own")
    numbers = [*attribute["ints"], *([attribute["i"]] if "i" in attribute else [])]
    if attribute.get("name") in _SIZES and not all(0 <= number <= _MAX_ATTRIBUTE for number in numbers):
        raise AgentRefused(
            "onnx-too-large", f"{attribute['name']} of the operator {kind[:60]!a} is too large or negative"
        )


def _check_tensors(graph: Message) -> None:
    constants = [a["t"] for node in graph["node"] for a in node["attribute"] if "t" in a]
    tensors = [*graph["initializer"], *constants]
    if len(tensors) > MAX_TENSORS + MAX_NODES:
        raise AgentRefused("onnx-too-large", f"the network has {len(tensors):,} tensors")
    total = 0
    for tensor in tensors:
        name = tensor.get("name", "")[:60]
        if tensor["external_data"] or tensor.get("data_location", 0):
            raise AgentRefused("onnx-external-data", f"the weights {name!a} lie in another file")
        if tensor.get("data_type") not in _TYPES:
            raise AgentRefused("weights-type", f"{name!a} has a type that no player needs ({tensor.get('data_type')})")
        shape = tensor["dims"]
        if len(shape) > MAX_DIMENSIONS or any(not 0 <= size <= MAX_ELEMENTS for size in shape):
            raise AgentRefused("onnx-too-large", f"{name!a} has an impossible shape")
        total += math.prod(shape)
        if total > MAX_ELEMENTS:
            raise AgentRefused("onnx-too-large", f"the network has more than {MAX_ELEMENTS:,} numbers")
        _check_numbers(name, tensor, math.prod(shape))


def _check_numbers(name: str, tensor: Message, count: int) -> None:
    """The numbers lie in one of several places; there must be as many as the shape says, and floats must be finite."""
    number = tensor["data_type"]
    kind = np.dtype(_TYPES[number])
    places = [place for place in _PLACES if tensor.get(place)]
    own = _PLACE_OF.get(number, "int32_data" if kind.kind != "f" else "raw_data")
    if len(places) > 1 or not set(places) <= {"raw_data", own}:
        raise AgentRefused("onnx-unreadable", f"the weights {name!a} are stored in an unusual way")
    if own in places and own.startswith("int"):
        size = len(tensor[own])
    else:
        views = [tensor["raw_data"]] if places == ["raw_data"] else tensor[own] if places else []
        if any(len(view) % kind.itemsize for view in views):
            raise AgentRefused("onnx-unreadable", f"the weights {name!a} are cut short")
        numbers = [np.frombuffer(view, kind) for view in views]
        size = sum(len(some) for some in numbers)
        if kind.kind == "f" and not all(np.isfinite(some).all() for some in numbers):
            raise AgentRefused("weights-not-finite", f"{name!a} holds NaN or infinity")
    if size != count:
        raise AgentRefused("onnx-unreadable", f"the weights {name!a} have not the size that their shape says")


def _shape(value: Message) -> tuple[int, list[int | None]]:
    """Type and shape of an input or output; None for a dimension of any size."""
    tensor = value.get("type", {}).get("tensor_type", {})
    dimensions = tensor.get("shape", {"dim": []})["dim"]
    return tensor.get("elem_type", 0), [d.get("value") for d in dimensions]


def _input(value: Message, settings: OnnxSettings) -> tuple[int | None, int]:
    """Return the batch (None: any) and the stack of a fitting input."""
    kind, shape = _shape(value)
    wanted = _UINT8 if settings.pixels == "uint8" else _FLOAT
    if kind != wanted:
        raise AgentRefused(
            "onnx-input",
            f'pixels = "{settings.pixels}" means an input of type {"uint8" if wanted == _UINT8 else "float32"}; the '
            f"network's has another one (type {kind} of ONNX)",
        )
    stack_at = 1 if settings.layout == "nchw" else 3
    told = ", ".join("any" if size is None else str(size) for size in shape)
    if len(shape) != 4 or [s for i, s in enumerate(shape) if i not in (0, stack_at)] != [SIDE, SIDE]:
        raise AgentRefused(
            "onnx-input", f"the network's input has the shape ({told}), which isn't layout = \"{settings.layout}\""
        )
    batch, stack = shape[0], shape[stack_at]
    if stack is None or not 1 <= stack <= 8 or (batch is not None and not 1 <= batch <= MAX_BATCH):
        raise AgentRefused(
            "onnx-input",
            f"the network's input has the shape ({told}); 1 to 8 pictures and a batch of 1 to {MAX_BATCH} fit",
        )
    return batch, stack


def _output(outputs: list[Message], settings: OnnxSettings) -> tuple[str, int | None]:
    """Return name and number of actions of the output that is meant: the one named, or the only one that fits."""
    named = {value.get("name", ""): _shape(value) for value in outputs}
    told = ", ".join(f"{name[:40]!a} {_type(*shape)}" for name, shape in list(named.items())[:10]) or "it has none"
    name = settings.output_name
    if name is None:
        fitting = [n for n, (kind, shape) in named.items() if _fits(kind, shape, settings) and shape[1:] != [1]]
        name = next(iter(named)) if len(named) == 1 else fitting[0] if len(fitting) == 1 else None
    if name is None or name not in named:
        decided = not settings.output_name and any(kind == _INT64 and len(shape) == 1 for kind, shape in named.values())
        raise AgentRefused(
            "onnx-output",
            f"`output_name` must say which of the network's outputs is meant: {told}",
            hint=_ACTIONS if decided and settings.output != "actions" else "",
        )
    kind, shape = named[name]
    if _fits(kind, shape, settings):
        return name, None if settings.output == "actions" else shape[1]
    if settings.output == "actions":
        wanted = "whole numbers (int64) of shape (batch,)"
    else:
        wanted = f"float32 of shape (batch, actions), with 1 to {MAX_ACTIONS} actions"
    sentence = f'output = "{settings.output}" means {wanted}; {name[:40]!a} is {_type(kind, shape)}'
    if kind == _INT64 and len(shape) == 1:
        raise AgentRefused("onnx-output", sentence, hint=_ACTIONS)
    if kind == _FLOAT and (len(shape) == 3 or (len(shape) == 2 and (shape[1] or 0) > MAX_ACTIONS)):
        raise AgentRefused(
            "actions-wrong" if len(shape) == 2 else "onnx-output",
            sentence,
            hint="if it answers with a distribution for each action (C51, QR-DQN), export their means, as values",
        )
    raise AgentRefused("onnx-output", sentence)


def _fits(kind: int, shape: list[int | None], settings: OnnxSettings) -> bool:
    if settings.output == "actions":
        return kind == _INT64 and len(shape) == 1
    return kind == _FLOAT and len(shape) == 2 and shape[1] is not None and 1 <= shape[1] <= MAX_ACTIONS


def _type(kind: int, shape: list[int | None]) -> str:
    name = {_FLOAT: "float32", _UINT8: "uint8", _INT64: "int64"}.get(kind, f"type {kind} of ONNX")
    return f"{name} ({', '.join('any' if size is None else str(size) for size in shape)})"
