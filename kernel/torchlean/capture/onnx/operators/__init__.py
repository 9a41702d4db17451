"""ONNX's operators, one file per family; importing this package fills the table."""

from torchlean.capture.onnx.operators import (
    arithmetic,
    choosing,
    constants,
    convolutions,
    joining,
    layout,
    products,
    reductions,
)

__all__ = [
    "arithmetic",
    "choosing",
    "constants",
    "convolutions",
    "joining",
    "layout",
    "products",
    "reductions",
]
