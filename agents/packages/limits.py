"""How large the parts of an agent's file may be. All of them are checked before the part is parsed or unpacked."""

MAX_FILE_BYTES = 128 * 2**20
"""SB3's largest plain zip (DQN, with its optimizer and its target network) has 41 MB."""
MAX_MEMBERS = 32
"""Of a package or an SB3 zip, which has six."""
MAX_TENSOR_MEMBERS = 1000
"""Of the zip that torch makes: one for each tensor and eight more."""
MAX_WEIGHTS_BYTES = 72 * 2**20
"""The member with the weights: `MAX_ELEMENTS` in float32, and its directory."""
MAX_DATA_BYTES = 32 * 2**20
"""SB3's `data`, which grows with the number of environments."""
MAX_PLAIN_DATA_BYTES = 2**20
"""What of it is no pickle, and is read; SB3 writes 10,000 bytes."""
MAX_HEADER_BYTES = 256 * 1024
"""The names and shapes of the tensors."""
MAX_SETTINGS_BYTES = 64 * 1024
MAX_TEXT_BYTES = 256 * 1024
"""README.md and LICENSE."""
MAX_DOTS = 1000
"""Dots in `agent.toml`: reading a key of thirty thousand parts (`a.a.a...`) takes gigabytes."""
MAX_BRACKETS = 1000
"""Opening brackets and braces in `agent.toml`: each level of nesting costs a level of the reader's stack."""
MAX_TENSORS = 400
MAX_DIMENSIONS = 8
MAX_ELEMENTS = 16_000_000
"""Numbers in all tensors together: ten times SB3's NatureCNN."""
MAX_NAME = 200
"""Characters of a tensor's or a member's name."""
MAX_NODES = 2000
"""Operators of an ONNX graph."""
MAX_FIELDS = 30_000
"""Fields of an ONNX file's messages altogether: each becomes an object."""
MAX_BATCH = 64
"""Of an ONNX network with a fixed batch."""
