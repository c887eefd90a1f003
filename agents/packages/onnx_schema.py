"""The messages of an ONNX file as far as players need them.

Numbers of fields: onnx/onnx.proto in github.com/onnx/onnx, IR version 14.
"""

from __future__ import annotations

from agents.packages.protobuf import Field, Schema

_OPSET: Schema = {1: Field("domain", "text"), 2: Field("version", "int")}

TENSOR: Schema = {
    1: Field("dims", "int", repeated=True),
    2: Field("data_type", "int"),
    3: Field("segment", "refuse"),
    4: Field("float_data", "bytes", repeated=True),
    5: Field("int32_data", "int", repeated=True),
    6: Field("string_data", "refuse"),
    7: Field("int64_data", "int", repeated=True),
    8: Field("name", "text"),
    9: Field("raw_data", "bytes"),
    10: Field("double_data", "bytes", repeated=True),
    11: Field("uint64_data", "refuse"),
    12: Field("doc_string", "skip"),
    13: Field("external_data", "bytes", repeated=True),
    14: Field("data_location", "int"),
    16: Field("metadata_props", "skip"),
}

_ATTRIBUTE: Schema = {
    1: Field("name", "text"),
    2: Field("f", "float"),
    3: Field("i", "int"),
    4: Field("s", "bytes"),
    5: Field("t", TENSOR),
    6: Field("g", "bytes"),
    7: Field("floats", "float", repeated=True),
    8: Field("ints", "int", repeated=True),
    9: Field("strings", "bytes", repeated=True),
    10: Field("tensors", "refuse"),
    11: Field("graphs", "bytes", repeated=True),
    13: Field("doc_string", "skip"),
    14: Field("tp", "refuse"),
    15: Field("type_protos", "refuse"),
    20: Field("type", "int"),
    21: Field("ref_attr_name", "refuse"),
    22: Field("sparse_tensor", "refuse"),
    23: Field("sparse_tensors", "refuse"),
}

_NODE: Schema = {
    1: Field("input", "text", repeated=True),
    2: Field("output", "text", repeated=True),
    3: Field("name", "text"),
    4: Field("op_type", "text"),
    5: Field("attribute", _ATTRIBUTE, repeated=True),
    6: Field("doc_string", "skip"),
    7: Field("domain", "text"),
    8: Field("overload", "text"),
    9: Field("metadata_props", "skip"),
    10: Field("device_configurations", "refuse"),
}

_DIMENSION: Schema = {1: Field("value", "int"), 2: Field("param", "text"), 3: Field("denotation", "skip")}
_SHAPE: Schema = {1: Field("dim", _DIMENSION, repeated=True)}
_TENSOR_TYPE: Schema = {1: Field("elem_type", "int"), 2: Field("shape", _SHAPE)}
_TYPE: Schema = {
    1: Field("tensor_type", _TENSOR_TYPE),
    4: Field("sequence_type", "refuse"),
    5: Field("map_type", "refuse"),
    6: Field("denotation", "skip"),
    7: Field("opaque_type", "refuse"),
    8: Field("sparse_tensor_type", "refuse"),
    9: Field("optional_type", "refuse"),
}
_VALUE: Schema = {
    1: Field("name", "text"),
    2: Field("type", _TYPE),
    3: Field("doc_string", "skip"),
    4: Field("metadata_props", "skip"),
}

_GRAPH: Schema = {
    1: Field("node", _NODE, repeated=True),
    2: Field("name", "text"),
    5: Field("initializer", TENSOR, repeated=True),
    10: Field("doc_string", "skip"),
    11: Field("input", _VALUE, repeated=True),
    12: Field("output", _VALUE, repeated=True),
    13: Field("value_info", "skip"),
    14: Field("quantization_annotation", "refuse"),
    15: Field("sparse_initializer", "refuse"),
    16: Field("metadata_props", "skip"),
}

MODEL: Schema = {
    1: Field("ir_version", "int"),
    2: Field("producer_name", "skip"),
    3: Field("producer_version", "skip"),
    4: Field("domain", "skip"),
    5: Field("model_version", "skip"),
    6: Field("doc_string", "skip"),
    7: Field("graph", _GRAPH),
    8: Field("opset_import", _OPSET, repeated=True),
    14: Field("metadata_props", "skip"),
    20: Field("training_info", "refuse"),
    25: Field("functions", "bytes", repeated=True),
    26: Field("configuration", "refuse"),
}
