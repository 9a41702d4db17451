"""What ONNX's own definition of an operator allows: the version that has it, attributes, numbers and types of operands.

Handlers say what TorchLean makes of an operator, often for more than the standard admits. A model that breaks the
standard runs nowhere, and what its author meant is unknown: such nodes are refused, with what is wrong with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import torch

from torchlean.capture.onnx.emitter import Value
from torchlean.ops import ShapeError, dtype_name

if TYPE_CHECKING:
    from onnx import NodeProto
    from onnx.defs import OpSchema

TYPES = {
    torch.float32: "tensor(float)",
    torch.float64: "tensor(double)",
    torch.float16: "tensor(float16)",
    torch.bfloat16: "tensor(bfloat16)",
    torch.uint8: "tensor(uint8)",
    torch.int8: "tensor(int8)",
    torch.int16: "tensor(int16)",
    torch.int32: "tensor(int32)",
    torch.int64: "tensor(int64)",
    torch.bool: "tensor(bool)",
}
"""What the standard calls the dtypes that values have here."""

NAMES = {text: dtype_name(dtype) for dtype, text in TYPES.items()}


def check(node: NodeProto, opset: int, inputs: Sequence[Value | None]) -> None:
    """Refuse a node of ONNX's own domain that breaks the standard.

    Args:
        inputs: its operands, None for those that are left out.

    Raises:
        ShapeError: with what is wrong.
    """
    schema = _schema(node.op_type, opset)
    if schema is None:
        raise ShapeError(f"opset {opset} has no such operator")
    _check_attributes(node, schema, opset)
    _check_operands(schema, inputs)


@lru_cache(maxsize=1024)
def _schema(operator: str, opset: int) -> OpSchema | None:
    """None where this version of the operator set has no such operator, or no more."""
    from onnx import defs

    try:
        schema = defs.get_schema(operator, opset, "")
    except defs.SchemaError:
        return None
    return None if schema.deprecated else schema


def _check_attributes(node: NodeProto, schema: OpSchema, opset: int) -> None:
    given = {attribute.name for attribute in node.attribute}
    unknown = sorted(given - set(schema.attributes))
    if unknown:
        raise ShapeError(f"the operator has no attribute `{unknown[0]}` in opset {opset}")
    missing = sorted(
        name for name, about in schema.attributes.items() if about.required and name not in given
    )
    if missing:
        raise ShapeError(f"its attribute `{missing[0]}` is missing")


def _check_operands(schema: OpSchema, inputs: Sequence[Value | None]) -> None:
    least, most = schema.min_input, schema.max_input
    if not least <= len(inputs) <= most:
        expected = str(least) if least == most else f"{least} to {most}"
        raise ShapeError(f"it takes {expected} inputs, it is given {len(inputs)}")
    allowed = {about.type_param_str: about.allowed_type_strs for about in schema.type_constraints}
    bound: dict[str, torch.dtype] = {}
    for index, value in enumerate(inputs):
        formal = schema.inputs[min(index, len(schema.inputs) - 1)]
        if value is None:
            if formal.option == schema.FormalParameterOption.Single:
                raise ShapeError(f"its input {index} (`{formal.name}`) is missing")
            continue
        kinds = allowed.get(formal.type_str, [formal.type_str])
        if TYPES[value.dtype] not in kinds:
            possible = ", ".join(NAMES[kind] for kind in kinds if kind in NAMES)
            raise ShapeError(
                f"its input {index} (`{formal.name}`) is {dtype_name(value.dtype)}, the standard allows {possible}"
            )
        if formal.type_str in allowed and formal.is_homogeneous:
            first = bound.setdefault(formal.type_str, value.dtype)
            if value.dtype != first:
                raise ShapeError(
                    f"its input {index} (`{formal.name}`) is {dtype_name(value.dtype)}, and must be "
                    f"{dtype_name(first)} as another is"
                )
