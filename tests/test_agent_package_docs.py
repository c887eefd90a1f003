"""docs/agent-package.md describes every refusal, every setting and no others, and its example is a package."""

from __future__ import annotations

import re
from pathlib import Path

from agents.packages import MENDS
from agents.packages.settings import OnnxSettings, Settings, read_settings

PAGE = (Path(__file__).parent.parent / "docs" / "agent-package.md").read_text(encoding="utf-8")


def test_every_refusal_is_described() -> None:
    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", PAGE, re.MULTILINE)) - {"ale-native-84", "sb3-wrappers-84"} == set(
        MENDS
    )


def test_the_example_has_every_setting() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    as_onnx = read_settings(example.replace('kind = "sb3"', 'kind = "onnx"').encode())
    assert as_onnx.model_fields_set == Settings.model_fields.keys() - {"games"}
    assert as_onnx.onnx is not None
    assert as_onnx.onnx.model_fields_set == OnnxSettings.model_fields.keys()
