"""One node of an ONNX file, as its handler sees it: operands, attributes that are checked as they are read, ops.

Every attribute must be read: one that a handler does not know changes what the operator means, so the node is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from torchlean.capture.onnx.emitter import OnnxEmitter, Value
from torchlean.capture.onnx.messages import FileFault
from torchlean.capture.onnx.tensors import tensor
from torchlean.ops import SPELLINGS, Attribute, ShapeError, UnsupportedError
from torchlean.ops.arguments import torch_errors
from torchlean.ops.spelling import Operand

if TYPE_CHECKING:
    from onnx import AttributeProto, NodeProto

FLOAT, INT, STRING, TENSOR, FLOATS, INTS = 1, 2, 3, 4, 6, 7
"""Of `AttributeProto.AttributeType`."""

TYPE_NAMES = {FLOAT: "a number", INT: "an integer", STRING: "a string", TENSOR: "a tensor"}
TYPE_NAMES |= {FLOATS: "numbers", INTS: "integers", 5: "a graph", 8: "strings"}

FIELDS = {FLOAT: "f", INT: "i", STRING: "s", TENSOR: "t", FLOATS: "floats", INTS: "ints"}
"""Where an attribute of each type has its value."""

DATA = {*FIELDS.values(), "g", "strings", "tensors", "graphs", "sparse_tensor", "tp"}
"""Fields of an attribute that are values; a default of its type may be left out."""


def single(number: float) -> float:
    """The binary32 number that is meant by a default such as 0.01: attributes are stored in that format."""
    return float(np.float32(number))


class Call:
    """A node, with the values of its operands.

    Attributes:
        operator: its name.
        opset: the version of the operator set, which says what the operator means.
        inputs: a value per operand, None for an optional one that is left out; those at the end may be absent.
        outputs: the names of its results, empty for those that nobody wants.
    """

    def __init__(
        self, node: NodeProto, opset: int, inputs: Sequence[Value | None], emitter: OnnxEmitter
    ) -> None:
        self.operator = node.op_type
        self.opset = opset
        self.inputs = inputs
        self.outputs = tuple(node.output)
        self.emitter = emitter
        self._attributes = {attribute.name: attribute for attribute in node.attribute}
        self._read: set[str] = set()
        if len(self._attributes) < len(node.attribute):
            raise ShapeError("an attribute is given twice")

    # Operands

    def input(self, index: int) -> Value:
        """An operand that must be there."""
        value = self.optional(index)
        if value is None:
            raise ShapeError(f"its input {index} is missing")
        return value

    def optional(self, index: int) -> Value | None:
        return self.inputs[index] if index < len(self.inputs) else None

    def takes(self, least: int, most: int) -> None:
        """Refuse a wrong number of operands."""
        if not least <= len(self.inputs) <= most:
            expected = str(least) if least == most else f"{least} to {most}"
            raise ShapeError(f"it takes {expected} inputs, it is given {len(self.inputs)}")

    def known(self, index: int, what: str) -> Tensor:
        """The numbers of an operand that decides a shape.

        Raises:
            UnsupportedError: they depend on the model's inputs.
        """
        data = self.input(index).data
        if data is None:
            raise UnsupportedError(f"{what} depends on the model's inputs, or on much arithmetic")
        return data

    def known_integers(self, index: int, what: str) -> tuple[int, ...]:
        """A known tensor of integers with at most one dimension."""
        data = self.known(index, what)
        if data.is_floating_point() or data.dtype == torch.bool or data.dim() > 1:
            raise ShapeError(f"{what} must be a list of integers, it is a tensor {self.input(index).type}")
        return tuple(int(number) for number in data.reshape(-1))

    def listed(self, name: str, index: int, since: int, what: str) -> tuple[int, ...] | None:
        """Integers that are an attribute in old versions and an operand `since` a newer one; None where absent."""
        if self.opset < since:
            return self.integers(name)
        return None if self.optional(index) is None else self.known_integers(index, what)

    # Attributes

    def has(self, name: str) -> bool:
        return name in self._attributes

    def integer(self, name: str, default: int) -> int:
        attribute = self._attribute(name, INT)
        return default if attribute is None else int(attribute.i)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.integer(name, int(default))
        if value not in (0, 1):
            raise ShapeError(f"its attribute `{name}` must be 0 or 1, it is {value}")
        return bool(value)

    def number(self, name: str, default: float) -> float:
        """Defaults are rounded to binary32, as the attributes themselves are."""
        attribute = self._attribute(name, FLOAT)
        value = single(default) if attribute is None else float(attribute.f)
        if value != value:
            raise ShapeError(f"its attribute `{name}` is not a number (NaN)")
        return value

    def text(self, name: str, default: str) -> str:
        attribute = self._attribute(name, STRING)
        return default if attribute is None else attribute.s.decode("utf-8", "replace")

    def integers(self, name: str) -> tuple[int, ...] | None:
        attribute = self._attribute(name, INTS)
        return None if attribute is None else tuple(attribute.ints)

    def numbers(self, name: str) -> tuple[float, ...] | None:
        attribute = self._attribute(name, FLOATS)
        return None if attribute is None else tuple(attribute.floats)

    def tensor(self, name: str) -> Tensor | None:
        attribute = self._attribute(name, TENSOR)
        if attribute is None:
            return None
        try:
            return tensor(attribute.t, None)
        except FileFault as fault:
            raise ShapeError(f"its attribute `{name}`: {fault}") from fault

    def any_of(self, *names: str) -> AttributeProto | None:
        """Whichever of some attributes is there, unread."""
        return next((self._attributes[name] for name in names if name in self._attributes), None)

    def ignore(self, *names: str) -> None:
        """Attributes without influence on the result."""
        self._read.update(names)

    def _attribute(self, name: str, type: int) -> AttributeProto | None:
        self._read.add(name)
        attribute: AttributeProto | None = self._attributes.get(name)
        if attribute is None:
            return None
        if attribute.ref_attr_name:
            raise UnsupportedError(f"its attribute `{name}` refers to one of a function")
        if attribute.type != type:
            got = TYPE_NAMES.get(attribute.type, f"of type {attribute.type}")
            raise ShapeError(f"its attribute `{name}` must be {TYPE_NAMES[type]}, it is {got}")
        stored = {field.name for field, _ in attribute.ListFields()} & DATA
        if not stored <= {FIELDS[type]}:
            raise ShapeError(f"its attribute `{name}` is {TYPE_NAMES[type]}, and something else as well")
        return attribute

    def check_all_read(self) -> None:
        """Raises UnsupportedError: an attribute was not looked at."""
        unread = sorted(set(self._attributes) - self._read)
        if unread:
            names = ", ".join(f"`{name}`" for name in unread)
            raise UnsupportedError(f"the attribute {names} is not supported")

    # Results

    def emit(self, op: str, *inputs: Operand, **attributes: Attribute) -> Value:
        """See `OnnxEmitter.emit`."""
        return self.emitter.emit(op, *inputs, **attributes)

    def torch(self, name: str, *arguments: object, **keywords: object) -> Value:
        """What the torch function of that name makes of these operands.

        Raises:
            ShapeError: torch would refuse them.
            UnsupportedError: TorchLean does not follow it.
        """
        with torch_errors():
            result = SPELLINGS[name](self.emitter, *arguments, **keywords)
        assert isinstance(result, Value)
        return result

    def constant(self, data: Tensor) -> Value:
        return self.emitter.constant(data)

    def reshape(self, x: Value, shape: Sequence[int]) -> Value:
        return self.emit("reshape", x, shape=tuple(shape))

    def permute(self, x: Value, dims: Sequence[int]) -> Value:
        return x if list(dims) == list(range(len(x.shape))) else self.emit("permute", x, dims=tuple(dims))

    def axis(self, axis: int, rank: int, what: str = "axis") -> int:
        """A possibly negative axis as one in `[0, rank)`."""
        if not -rank <= axis < rank:
            raise ShapeError(f"{what} {axis} is out of range for a tensor of {rank} dimensions")
        return axis % rank

    def axes(self, axes: Sequence[int], rank: int) -> tuple[int, ...]:
        """The same for several different ones, sorted."""
        found = sorted(self.axis(axis, rank) for axis in axes)
        if len(set(found)) < len(found):
            raise ShapeError(f"the axes {tuple(axes)} name a dimension twice")
        return tuple(found)
