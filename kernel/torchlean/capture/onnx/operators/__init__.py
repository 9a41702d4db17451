"""ONNX's operators, one file per family; importing this package fills the table."""

from torchlean.capture.onnx.operators import (
    activations,
    arithmetic,
    choosing,
    constants,
    convolutions,
    gathering,
    joining,
    layout,
    normalization,
    padding,
    pooling,
    products,
    reductions,
    resizing,
)

__all__ = [
    "activations",
    "arithmetic",
    "choosing",
    "constants",
    "convolutions",
    "gathering",
    "joining",
    "layout",
    "normalization",
    "padding",
    "pooling",
    "products",
    "reductions",
    "resizing",
]
