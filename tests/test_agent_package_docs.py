"""docs/agent-package.md describes every refusal, every setting and no others, and its example is a package."""

from __future__ import annotations

import re
from pathlib import Path

from agents.packages import HINTS
from agents.packages.settings import OnnxSettings, PackageSettings, Sb3Settings, read_settings

PAGE = (Path(__file__).parent.parent / "docs" / "agent-package.md").read_text(encoding="utf-8")


def test_every_refusal_is_described() -> None:
    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", PAGE, re.MULTILINE)) - {"ale-native-84", "sb3-wrappers-84"} == set(
        HINTS
    )


def test_the_example_has_every_setting() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    sb3, onnx = re.findall(r"(?ms)^\[(?:sb3|onnx)\].*?(?=^\[|\Z)", example)
    as_sb3 = read_settings(example.replace(onnx, "").encode())
    as_onnx = read_settings(example.replace(sb3, "").replace('kind = "sb3"', 'kind = "onnx"').encode())
    assert as_sb3.model_fields_set | as_onnx.model_fields_set == PackageSettings.model_fields.keys() - {"games"}
    assert as_sb3.sb3 is not None
    assert as_onnx.onnx is not None
    assert as_sb3.sb3.model_fields_set == Sb3Settings.model_fields.keys()
    assert as_onnx.onnx.model_fields_set == OnnxSettings.model_fields.keys()
