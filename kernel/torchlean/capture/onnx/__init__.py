"""ONNX files as graphs: the same op-tagged SSA graph that Python files become.

`load_onnx` is the entry. `file` reads bytes into a message and checks what can be checked without knowing operators;
`tensors` makes torch tensors of stored numbers; `walk` takes the nodes in order and asks the table in `operators` for
each; a handler gets a `Call` and appends to the graph through an `OnnxEmitter`, which also computes what depends on
constants only. The package `onnx` is imported when the first file is loaded, not before.
"""

from torchlean.capture.onnx.load import load_onnx
from torchlean.capture.onnx.messages import OnnxError, Problem
from torchlean.capture.onnx.model import OnnxModel, OnnxValue

__all__ = ["OnnxError", "OnnxModel", "OnnxValue", "Problem", "load_onnx"]
