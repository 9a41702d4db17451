"""The op set, one file per family; importing this package registers all of them.

A file holds everything about its ops: shape rule, evaluation, interval rule, and the torch spellings that reach them.
"""

from torchlean.ops import (
    activation,
    arithmetic,
    cast,
    clamp,
    compare,
    creation,
    cutting,
    indexing,
    joining,
    layout,
    logic,
    properties,
)
from torchlean.ops.op import (
    OPS,
    Attribute,
    Attributes,
    Op,
    ShapeError,
    TensorType,
    UnsupportedError,
    dtype_name,
)
from torchlean.ops.properties import PROPERTIES
from torchlean.ops.rearrangement import VIEW_OPS
from torchlean.ops.spelling import SPELLINGS, Emitter, Spelling

__all__ = [
    "OPS",
    "PROPERTIES",
    "SPELLINGS",
    "VIEW_OPS",
    "Attribute",
    "Attributes",
    "Emitter",
    "Op",
    "ShapeError",
    "Spelling",
    "TensorType",
    "UnsupportedError",
    "activation",
    "arithmetic",
    "cast",
    "clamp",
    "compare",
    "creation",
    "cutting",
    "dtype_name",
    "indexing",
    "joining",
    "layout",
    "logic",
    "properties",
]
