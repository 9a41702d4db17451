"""What is imported when."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["torchlean", "torchlean.capture.onnx", "torchlean.capture.onnx.walk"])
def test_onnx_is_imported_only_when_a_file_is_loaded(module: str) -> None:
    program = f"import sys, {module}; sys.exit(bool({{'onnx', 'google.protobuf', 'onnxruntime'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
