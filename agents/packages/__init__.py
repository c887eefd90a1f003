"""Agents that somebody else made: what their files may hold, and how they are read without executing any of it.

`admit(path)` checks a file from the outside in (its size, its container, its settings, its numbers) and gives an
`AgentPackage`, or raises `AgentRefused` with a code, a sentence and a way to mend it. Neither torch nor onnxruntime
sees a byte of a file before all of that has passed. docs/agent-package.md describes the format and every code.
"""

from agents.packages.package import AgentPackage, admit, admit_bytes
from agents.packages.refusals import HINTS, AgentRefused

__all__ = ["HINTS", "AgentPackage", "AgentRefused", "admit", "admit_bytes"]
