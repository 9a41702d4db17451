"""Appending nodes to the graph on behalf of ONNX operators (`torchlean.ops.spelling.Emitter`).

Values whose numbers are known are not appended until something unknown reads them. What depends on known numbers only
is computed by the ops themselves: a shape computed by ten nodes is a tuple by the time a Reshape asks. If the result
is exact (elements moved, integers added), it replaces the computation, so that a transposed weight is a weight.
Otherwise the computation stays in the graph: bounds then hold for the real value, too, not only for this rounding.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.capture.onnx.tensors import LARGEST_TENSOR
from torchlean.graph import GraphBuilder, Node
from torchlean.ops import OPS, Attribute, ShapeError, TensorType, UnsupportedError
from torchlean.ops.arguments import torch_errors
from torchlean.ops.rearrangement import Rearrangement
from torchlean.ops.spelling import Operand, TensorValue

KNOWN_ELEMENTS = 4096
"""Results of rounded arithmetic on constants are computed up to this size: shapes and scales, not weights."""

SELECTING = frozenset(
    [
        *("abs", "neg", "sign", "relu", "floor", "ceil", "round", "trunc", "clamp", "minimum", "maximum"),
        *("eq", "ne", "lt", "le", "gt", "ge", "isfinite", "isinf", "isnan", "where", "index", "gather"),
        *("logical_and", "logical_or", "logical_xor", "logical_not", "amax", "amin", "argmax", "argmin"),
    ]
)
"""Ops besides rearrangements that round nothing, whatever the dtype."""


@dataclass(eq=False, slots=True)
class Value:
    """A tensor of the model.

    Attributes:
        data: its numbers, where they depend on constants only.
        node: its node, once it has one.
        name: for people.
        weight: it is an initialiser, or one whose elements were moved; otherwise a constant.
        readers: how often the file reads it under any of its names.
    """

    type: TensorType
    data: Tensor | None = None
    node: int | None = None
    name: str = ""
    weight: bool = False
    readers: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        return self.type.shape

    @property
    def dtype(self) -> torch.dtype:
        return self.type.dtype


Key = tuple[str, tuple[int, ...], tuple[tuple[str, str], ...]]


class OnnxEmitter:
    """Appends to one graph. `label` is the name of the value that is being made."""

    def __init__(self) -> None:
        self.builder = GraphBuilder()
        self.label = ""
        self._numbers: dict[tuple[bytes, torch.dtype], Value] = {}
        self._computed: dict[Key, tuple[tuple[Value, ...], Value]] = {}

    def input(self, name: str, type: TensorType, position: int) -> Value:
        node = self.builder.input(name, type, position=position)
        return Value(type, node=node.id, name=name)

    def constant(self, data: Tensor) -> Value:
        return Value(TensorType(tuple(data.shape), data.dtype), data, name=self.label)

    def weight(self, data: Tensor, name: str) -> Value:
        """An initialiser: whoever reads it reads the same node."""
        return Value(TensorType(tuple(data.shape), data.dtype), data, name=name, weight=True)

    def random(
        self,
        type: TensorType,
        lower: float,
        upper: float,
        description: str,
        *,
        likely: tuple[float, float] | None = None,
    ) -> TensorValue:
        raise UnsupportedError("random numbers in a model are not supported")

    def overwrite(self, target: TensorValue, result: TensorValue) -> TensorValue:
        raise UnsupportedError("ONNX has no values that change")

    def value_of(self, tensor: TensorValue) -> Tensor | None:
        assert isinstance(tensor, Value)
        return tensor.data

    def node(self, value: Value) -> int:
        """The value's node, appended now if it has none yet."""
        if value.node is None:
            assert value.data is not None
            append = self.builder.parameter if value.weight else self.builder.constant
            value.node = append(value.data, label=value.name).id
        return value.node

    def emit(self, op: str, *inputs: Operand, **attributes: Attribute) -> Value:
        """Append one op, or compute it.

        Raises:
            ShapeError: torch would refuse the operands.
            UnsupportedError: the result has too many elements.
        """
        tensors = [item for item in inputs if isinstance(item, Value)]
        operands = tuple(
            item if isinstance(item, Value) else self._number(item, tensors)  # type: ignore[arg-type] # a number
            for item in inputs
        )
        if op == "reshape":
            operands = (self._before_reshapes(operands[0]),)
            if operands[0].shape == attributes["shape"]:
                return operands[0]
        if all(value.data is not None for value in operands):
            return self._on_constants(op, operands, attributes)
        return self._append(op, operands, attributes)

    def again(self, node: Node, *more: Value) -> Value:
        """A node once more, with further operands. The first one goes when the graph is cut to what is needed."""
        operands = [Value(self.builder.nodes[id].type, node=id) for id in node.inputs]
        return self._append(node.op, [*operands, *more], dict(node.attributes))

    def fitting(self, type: TensorType) -> None:
        """Refuse what would not fit into memory.

        Raises:
            UnsupportedError: the tensor has more than `LARGEST_TENSOR` elements.
        """
        if type.numel > LARGEST_TENSOR:
            raise UnsupportedError(
                f"a result of shape {type.shape} has more than the {LARGEST_TENSOR:,} elements that are analysed"
            )

    def _append(self, op: str, operands: Sequence[Value], attributes: dict[str, Attribute]) -> Value:
        ids = [self.node(value) for value in operands]
        length = len(self.builder.nodes)
        node = self.builder.op(op, ids, attributes, label=self.label or None)
        if node.type.numel > LARGEST_TENSOR:
            self.builder.truncate(length)
        self.fitting(node.type)
        return Value(node.type, node=node.id, name=self.label)

    def _on_constants(self, op: str, operands: tuple[Value, ...], attributes: dict[str, Attribute]) -> Value:
        key = (op, tuple(map(id, operands)), tuple((k, repr(v)) for k, v in sorted(attributes.items())))
        if key in self._computed:
            return self._computed[key][1]
        type = OPS[op].infer([value.type for value in operands], attributes)
        self.fitting(type)
        exact = _exact(op, type, operands) and all(self._is_leaf(value) for value in operands)
        result = None
        if exact or type.numel <= KNOWN_ELEMENTS:
            with torch_errors():
                data = OPS[op].evaluate([v.data for v in operands if v.data is not None], attributes)
            if exact or _lossless(op, operands, data):
                # A weight in another order is still that weight, for people.
                weight = len(operands) == 1 and operands[0].weight
                result = Value(
                    type, data.contiguous(), None, operands[0].name if weight else self.label, weight
                )
        if result is None:
            result = self._append(op, operands, attributes)
            result.data = data if type.numel <= KNOWN_ELEMENTS else None
        # The operands are kept with the result, so that their identities stay theirs.
        self._computed[key] = (operands, result)
        return result

    def _is_leaf(self, value: Value) -> bool:
        return value.node is None or not self.builder.nodes[value.node].inputs

    def _before_reshapes(self, value: Value) -> Value:
        """The operand of the reshapes that made a value: a chain of them is one."""
        nodes = self.builder.nodes
        while value.data is None and value.node is not None and nodes[value.node].op == "reshape":
            node = nodes[nodes[value.node].inputs[0]]
            value = Value(node.type, node=node.id, name=node.label or "")
        return value

    def _number(self, number: float, tensors: Sequence[Value]) -> Value:
        """A plain number, in the dtype that torch computes in when it meets these tensors."""
        dtype = _number_dtype(number, tensors)
        key = (struct.pack("<d", number) if isinstance(number, float) else repr(number).encode(), dtype)
        if key not in self._numbers:
            with torch_errors():
                data = torch.tensor(number, dtype=dtype)
            self._numbers[key] = Value(TensorType((), dtype), data, name=repr(number))
        return self._numbers[key]


def _exact(op: str, type: TensorType, operands: Sequence[Value]) -> bool:
    if op in SELECTING or isinstance(OPS[op], Rearrangement):
        return True
    if type.dtype.is_floating_point:
        return False
    return op == "cast" or not any(value.dtype.is_floating_point for value in operands)


def _lossless(op: str, operands: Sequence[Value], data: Tensor) -> bool:
    """A conversion of stored numbers that changed none of them. Others stay in the graph."""
    before = operands[0].data
    return (
        op == "cast"
        and before is not None
        and operands[0].node is None
        and torch.equal(data.to(before.dtype), before)
    )


def _number_dtype(number: float, tensors: Sequence[Value]) -> torch.dtype:
    """The rules tell tensors without dimensions from others; how many there are makes no difference."""
    if not tensors:
        raise ShapeError("an op needs a tensor among its operands")
    stand_ins = [torch.empty((1,) if value.shape else (), dtype=value.dtype) for value in tensors]
    common = stand_ins[0]
    for other in stand_ins[1:]:
        common = common.to(torch.result_type(common, other))
    return torch.result_type(common, number)
