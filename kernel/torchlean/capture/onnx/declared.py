"""What a file declares of the results of its nodes (`value_info`, outputs), beside what they are.

onnxruntime refuses a model whose nodes give another type than it declares. Of another shape it only warns, and computes
with the shape that follows from the operands: so does this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchlean.capture.onnx.emitter import Value
from torchlean.capture.onnx.tensors import DTYPES
from torchlean.ops import ShapeError, dtype_name

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto, TypeProto

NAMED = 5
"""Results that are noted before the others are counted."""


class Declared:
    """The declarations of one graph; `notes` says which of the shapes in it are not those of the results."""

    def __init__(self, graph: GraphProto) -> None:
        self._inner: dict[str, TypeProto] = {value.name: value.type for value in graph.value_info}
        self._outputs: dict[str, TypeProto] = {value.name: value.type for value in graph.output}
        self._wrong: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        more = len(self._wrong) - NAMED
        rest = [f"{more:,} more declared shapes are not those of the results"] if more > 0 else []
        return (*self._wrong[:NAMED], *rest)

    def compare(self, node: NodeProto, name: str, value: Value) -> None:
        """A result of a node with what is declared of it.

        Raises:
            ShapeError: its type is another one.
        """
        inner = self._inner.get(name)
        if inner is not None and inner.HasField("tensor_type") and inner.tensor_type.elem_type:
            self._check_type(name, inner.tensor_type.elem_type, value)
        for declared in (inner, self._outputs.get(name)):
            if declared is not None and declared.HasField("tensor_type") and not _fits(declared, value.shape):
                called = f"{node.op_type} `{node.name}`" if node.name else node.op_type
                self._wrong.append(
                    f"the file declares the shape {_text(declared)} for `{name}`, but {called} makes {value.shape} of "
                    "its operands, which is what counts"
                )
                return

    def _check_type(self, name: str, number: int, value: Value) -> None:
        if DTYPES.get(number) != value.dtype:
            from onnx import TensorProto

            declared = DTYPES.get(number)
            names = {value: key for key, value in TensorProto.DataType.items()}
            text = names.get(number, str(number)) if declared is None else dtype_name(declared)
            raise ShapeError(
                f"its result `{name}` is {dtype_name(value.dtype)}, but the file declares it as {text}"
            )


def _fits(declared: TypeProto, shape: tuple[int, ...]) -> bool:
    """Open sizes fit any number; some exporters write -1 for them."""
    if not declared.tensor_type.HasField("shape"):
        return True
    sizes = declared.tensor_type.shape.dim
    return len(sizes) == len(shape) and all(
        not d.HasField("dim_value") or d.dim_value < 0 or d.dim_value == size
        for d, size in zip(sizes, shape, strict=True)
    )


def _text(declared: TypeProto) -> str:
    sizes = [
        str(d.dim_value) if d.HasField("dim_value") else d.dim_param or "?"
        for d in declared.tensor_type.shape.dim
    ]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"
