"""The op set, one file per family; importing this package registers all of them.

A file holds everything about its ops: shape rule, evaluation, interval rule, and the torch spellings that reach them.
"""

from torchlean.ops import activation
from torchlean.ops.op import OPS, Attribute, Attributes, Op, ShapeError, TensorType, UnsupportedError, dtype_name
from torchlean.ops.spelling import SPELLINGS, Emitter, Spelling

__all__ = [
    "OPS",
    "SPELLINGS",
    "Attribute",
    "Attributes",
    "Emitter",
    "Op",
    "ShapeError",
    "Spelling",
    "TensorType",
    "UnsupportedError",
    "activation",
    "dtype_name",
]
