"""Appending nodes to the file's graph on behalf of torch spellings (`torchlean.ops.spelling.Emitter`)."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from torchlean.capture.budgets import NODE_STEPS, TENSOR_ELEMENTS
from torchlean.capture.values import TensorValue, Unknown
from torchlean.capture.views import Views
from torchlean.graph import Node, Source
from torchlean.ops import OPS, VIEW_OPS, Attribute, ShapeError, TensorType, UnsupportedError

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

KNOWN_ELEMENTS = 1 << 16
"""Tensors up to this size are computed when the program asks for their numbers (`if`, `.item()`, an index): a few
pictures as an agent sees them, whose bounds it looks at."""


_PRECISE = frozenset({"mul", "div", "floor_divide", "trunc_divide"})
"""Ops whose kernels for 16 bits read a number as float32 where it is the second operand."""

Draws = dict[tuple[TensorType, float, float], int]
"""How many random tensors of a type and range were drawn so far."""

Mark = tuple[int, Draws]
"""A place to return to: the length of the graph, and the draws."""


class TensorTooLarge(UnsupportedError):
    """More elements than can be analysed."""


class CaptureEmitter:
    """An emitter at the place that the interpreter is following.

    Equal Python numbers share one constant node per dtype: they are leaves without a place of their own.
    """

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter
        self._builder = interpreter.builder
        self._numbers: dict[tuple[bytes, torch.dtype], int] = {}
        self._known: dict[int, Tensor | None] = {}
        self._inputs: dict[tuple[str, int, TensorType], int] = {}
        self._draws: Draws = {}

    def emit(
        self, op: str, *inputs: TensorValue | int | float | bool, **attributes: Attribute
    ) -> TensorValue:
        """Append one op; see `Emitter.emit`.

        Raises:
            ShapeError: torch would refuse the operands.
            TensorTooLarge: the result has too many elements to analyse.
        """
        tensors = [item for item in inputs if isinstance(item, TensorValue)]
        if op in _PRECISE and not all(isinstance(item, TensorValue) for item in inputs):
            precise = self._precise(op, inputs, attributes)
            if precise is not None:
                return precise
        ids = [
            item.node
            if isinstance(item, TensorValue)
            else self._number(item, _number_dtype(item, tensors, op, attributes))
            for item in inputs
        ]
        length = len(self._builder.nodes)
        self._interpreter.fuel.slice -= NODE_STEPS
        node = self._builder.op(op, ids, attributes, self._interpreter.spans())
        if node.type.numel > TENSOR_ELEMENTS:
            self._builder.truncate(length)
            raise TensorTooLarge(too_large(node.type.shape))
        return TensorValue(node.id, node.type, tensors[0].storage if op in VIEW_OPS and tensors else None)

    def _precise(
        self, op: str, inputs: Sequence[TensorValue | int | float | bool], attributes: dict[str, Attribute]
    ) -> TensorValue | None:
        """The op of a tensor of 16 bits and a number that has more digits: torch's kernels keep these.

        A number without dimensions would then decide the dtype together with the other, so it gets a dimension.
        """
        (x,) = (item for item in inputs if isinstance(item, TensorValue))
        numbers = [item for item in inputs if not isinstance(item, TensorValue)]
        if x.dtype not in (torch.float16, torch.bfloat16) or (op != "mul" and inputs[0] is not x):
            return None
        number = float(numbers[0])
        if float(torch.tensor(number, dtype=x.dtype)) == number or not math.isfinite(number):
            return None
        kept = TensorValue(self._number(number, torch.float32), TensorType((), torch.float32))
        wide = x if x.shape else self.emit("reshape", x, shape=(1,))
        result = self.emit(op, *(wide if item is x else kept for item in inputs), **attributes)
        return result if x.shape else self.emit("reshape", result, shape=())

    def constant(self, data: Tensor) -> TensorValue:
        self._pay(tuple(data.shape))
        self._interpreter.fuel.elements -= data.numel()
        return self._value(self._builder.constant(data, self._interpreter.spans()))

    def parameter(self, data: Tensor, label: str) -> TensorValue:
        """A weight whose numbers are known."""
        self._pay(tuple(data.shape))
        return self._value(self._builder.parameter(data, label, self._interpreter.spans()))

    def random(
        self,
        type: TensorType,
        lower: float,
        upper: float,
        description: str,
        *,
        likely: tuple[float, float] | None = None,
        source: Source | None = None,
        serial: int | None = None,
    ) -> TensorValue:
        """A random leaf; see `Emitter.random`. Without a `source`, numbers of which nothing is said are unknown.

        Leaves of the same `serial`, type and range are the same numbers; by default each leaf has its own.
        """
        self._pay(type.shape)
        if source is None:
            source = Source.NORMAL if likely is not None else _source(lower, upper)
        if serial is None:
            # Counted among its like: a new layer leaves the draws of layers of other sizes what they were.
            like = (type, lower, upper)
            self._draws[like] = serial = self._draws.get(like, 0) + 1
        spans = self._interpreter.spans()
        return self._value(
            self._builder.random(type, lower, upper, serial, spans, description, source, likely)
        )

    def input(self, name: str, type: TensorType, position: int) -> TensorValue:
        """What a unit quantifies over: units share the node of an input of the same name, position and type.

        So the nodes of one unit do not depend on which other units the file has.
        """
        self._pay(type.shape)
        key = (name, position, type)
        id = self._inputs.get(key)
        if id is None:
            id = self._inputs[key] = self._builder.input(name, type, position=position).id
        return TensorValue(id, type)

    def value_of(self, tensor: TensorValue) -> Tensor | None:
        return self._known_node(tensor.node)

    def overwrite(self, target: TensorValue, result: TensorValue) -> TensorValue:
        """See `Emitter.overwrite`. Writing into a view writes into its tensor, and all its other views see it.

        Raises:
            UnsupportedError: another live name shares the memory, and how it lies there is not known.
            ShapeError: shape or dtype do not fit.
        """
        views = Views(self, target)
        if target.storage is not result.storage and not views.followed(result):
            raise UnsupportedError(
                "it is changed in place while another tensor shares its memory (a view); "
                "use the out-of-place operation instead"
            )
        if result.shape != target.shape:
            raise ShapeError(
                f"the result has shape {result.shape}, but the tensor changed in place {target.shape}"
            )
        if not torch.can_cast(result.dtype, target.dtype):
            raise ShapeError(
                f"the result is {result.dtype}, which cannot be stored in a {target.dtype} tensor"
            )
        if result.dtype != target.dtype:
            result = self._converted(result, target.dtype)
        views.write(result)
        self._forget_shared(target)
        return target

    def _forget_shared(self, target: TensorValue) -> None:
        """Tensors that may lie in the memory that was written, as a condition that is not known has it."""
        for storage in list(target.storage.perhaps or ()):
            for handle in list(storage.handles):
                reason = "it may share the memory of a tensor that is changed in place: that depends on a condition"
                self._interpreter.taint(handle, Unknown(reason, self._interpreter.place()))

    def step(self, op: str, inputs: list[int], **attributes: Attribute) -> int:
        """Append one op on nodes, by their ids."""
        self._interpreter.fuel.slice -= NODE_STEPS
        return self._builder.op(op, inputs, attributes, self._interpreter.spans()).id

    def node(self, id: int) -> Node:
        return self._builder.nodes[id]

    def changes(self, tensor: TensorValue) -> None:
        """The tensor is about to get another node."""
        self._interpreter.changes(tensor)

    def mark(self) -> Mark:
        """Where the graph stands, for `forget_from`."""
        return len(self._builder.nodes), dict(self._draws)

    def forget_from(self, mark: Mark) -> None:
        """Drop the nodes that were appended since, and what is remembered of them."""
        length, draws = mark
        self._draws = dict(draws)
        self._builder.truncate(length)
        self._numbers = {key: id for key, id in self._numbers.items() if id < length}
        self._inputs = {key: id for key, id in self._inputs.items() if id < length}
        self._known = {id: value for id, value in self._known.items() if id < length}

    def same(self, left: int, right: int) -> bool:
        """Whether two nodes compute the same thing."""
        nodes = self._builder.nodes
        return left == right or nodes[left].digest == nodes[right].digest

    def _converted(self, result: TensorValue, dtype: torch.dtype) -> TensorValue:
        from torchlean.ops import SPELLINGS

        converted = SPELLINGS["torch.Tensor.to"](self, result, dtype)
        if not isinstance(converted, TensorValue):
            raise UnsupportedError(f"an in-place result is converted to {dtype}")
        return converted

    def _pay(self, shape: tuple[int, ...]) -> None:
        count = 1
        for size in shape:
            count *= size
        if count > TENSOR_ELEMENTS:
            raise TensorTooLarge(too_large(shape))

    def _value(self, node: Node) -> TensorValue:
        return TensorValue(node.id, node.type)

    def _number(self, number: float, dtype: torch.dtype) -> int:
        key = (
            f"{type(number).__name__}{number}".encode()
            if isinstance(number, int)
            else struct.pack("<d", number),
            dtype,
        )
        id = self._numbers.get(key)
        if id is None:
            try:
                # Converted afterwards, as torch does where tensors meet a number: 200 is -56 in int8.
                data = torch.tensor(number) if isinstance(number, int) else torch.tensor(number, dtype=dtype)
            except (RuntimeError, OverflowError, TypeError) as error:
                raise ShapeError(f"the number {number} does not fit into {dtype}") from error
            data = data.to(dtype)
            id = self._numbers[key] = self._builder.constant(data, label=repr(number)).id
        return id

    def _known_node(self, id: int) -> Tensor | None:
        """The numbers of a node that depends on small constants only; remembered."""
        stack = [id]
        while stack:
            node = self._builder.nodes[stack[-1]]
            missing = [operand for operand in node.inputs if operand not in self._known]
            if node.id in self._known or (
                missing and any(self._known.get(i, node) is None for i in node.inputs)
            ):
                self._known.setdefault(node.id, None)
                stack.pop()
            elif missing:
                stack += missing
            else:
                self._known[node.id] = self._computed(node)
                stack.pop()
        return self._known[id]

    def _computed(self, node: Node) -> Tensor | None:
        if node.type.numel > KNOWN_ELEMENTS:
            return None
        if node.op == "constant":
            return node.data
        if node.op not in OPS:
            return None
        operands = [self._known[operand] for operand in node.inputs]
        known = [operand for operand in operands if operand is not None]
        if len(known) != len(operands):
            return None
        try:
            with torch.no_grad():
                return OPS[node.op].evaluate(known, node.attributes)
        except (RuntimeError, IndexError, ValueError):
            return None  # an error that depends on the numbers (an index out of range): the run will show it


def _source(lower: float, upper: float) -> Source:
    return Source.UNKNOWN if math.isinf(lower) and math.isinf(upper) else Source.DRAWN


def too_large(shape: tuple[int, ...]) -> str:
    return f"a tensor of shape {tuple(shape)} has more than the {TENSOR_ELEMENTS:,} elements that TorchLean analyses"


def _number_dtype(
    number: float, tensors: list[TensorValue], op: str, attributes: dict[str, Attribute]
) -> torch.dtype:
    """The dtype torch computes in when a plain number meets these tensors."""
    if isinstance(number, complex):
        raise UnsupportedError(f"the complex number {number} is not followed")
    if not tensors:
        return torch.tensor(number).dtype
    common = torch.empty(tensors[0].shape, dtype=tensors[0].dtype, device="meta")
    for tensor in tensors[1:]:
        other = torch.empty(tensor.shape, dtype=tensor.dtype, device="meta")
        common = common.to(torch.result_type(common, other))
    dtype = torch.result_type(common, number)
    wraps = _fits(number, dtype) or len(tensors) > 1 or not _divides(op, dtype, attributes)
    return dtype if wraps else torch.get_default_dtype()


def _fits(number: float, dtype: torch.dtype) -> bool:
    if dtype.is_floating_point or dtype.is_complex or dtype == torch.bool:
        return True
    return bool(torch.iinfo(dtype).min <= number <= torch.iinfo(dtype).max)


def _divides(op: str, dtype: torch.dtype, attributes: dict[str, Attribute]) -> bool:
    """Whether an op of two integers computes in floating point, so that its operands do not wrap round first."""
    one = torch.ones(1, dtype=dtype)
    return bool(OPS[op].evaluate([one, one], attributes).dtype.is_floating_point)
