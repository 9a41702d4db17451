"""What all element-by-element ops have in common: their torch function, the dtypes it takes, and their
spellings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
from torch import Tensor

from torchlean.intervals.broadcasting import broadcast_shapes
from torchlean.ops.lanes import Lane, Shapes, together
from torchlean.ops.op import Attributes, Op, ShapeError, TensorType, UnsupportedError, dtype_name
from torchlean.ops.spelling import Emitter, Operand, TensorValue, spelled

_results: dict[tuple[str, tuple[TensorType, ...], str], torch.dtype | str] = {}
"""The result's dtype, or torch's complaint, by op, operand types and attributes."""


_MODULAR = frozenset({"add", "sub", "mul", "bitwise_and", "bitwise_or", "bitwise_xor"})
"""Operands that wrap round change results by multiples of the same power of two: within the dtype they stay right."""


class Elementwise(Op):
    """An op whose `evaluate` is one torch function of its inputs, with the attributes as keywords."""

    function: ClassVar[Callable[..., Tensor]]
    broadcasts: ClassVar[bool] = True  # all operands together, as torch broadcasts

    def infer(self, inputs: Sequence[TensorType], attributes: Attributes) -> TensorType:
        """The operands' shapes broadcast together, and the dtype that torch gives for single elements.

        Raises:
            ShapeError: shapes do not broadcast, or torch's kernel refuses the dtypes.
        """
        self.check(inputs, attributes)
        # Numbers without dimensions take less part in type promotion than tensors do.
        single = tuple(TensorType((1,) if operand.shape else (), operand.dtype) for operand in inputs)
        key = (self.name, single, repr(sorted(attributes.items())))
        if key not in _results:
            _results[key] = self._single(single, attributes)
        result = _results[key]
        if self.name not in _MODULAR:
            _check_range(inputs)
        if isinstance(result, str):
            given = ", ".join(dtype_name(operand.dtype) for operand in inputs)
            raise ShapeError(f"`{self.name}` is not defined for {given} tensors (torch: {result})")
        if not self.broadcasts:
            return super().infer(inputs, attributes)
        try:
            shape = broadcast_shapes(*(operand.shape for operand in inputs))
        except ValueError as error:
            given = " and ".join(str(operand.shape) for operand in inputs)
            raise ShapeError(
                f"`{self.name}`: shapes {given} do not broadcast: counted from the right, sizes must be equal or 1"
            ) from error
        return TensorType(shape, result)

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        return self.function(*inputs, **attributes)

    def lanes(self, shapes: Shapes, attributes: Attributes) -> Sequence[Lane]:
        return together(shapes) if self.broadcasts else ()

    def _single(self, types: Sequence[TensorType], attributes: Attributes) -> torch.dtype | str:
        """The result's dtype, or torch's error, for single ones: they are in the domain of every op."""
        try:
            return self.evaluate([torch.ones(t.shape, dtype=t.dtype) for t in types], attributes).dtype
        except (RuntimeError, TypeError) as error:
            return str(error).splitlines()[0]


def _check_range(inputs: Sequence[TensorType]) -> None:
    """Refuse integers that torch may wrap round before it computes with them.

    Raises:
        UnsupportedError: a tensor without dimensions has a wider dtype than the other, which decides.
    """
    numbers = [t for t in inputs if t.dtype != torch.bool]
    if len(numbers) != 2 or any(t.dtype.is_floating_point or t.dtype.is_complex for t in numbers):
        return
    left, right = (torch.empty((1,) if t.shape else (), dtype=t.dtype) for t in numbers)
    read = torch.result_type(left, right)
    for dtype in (left.dtype, right.dtype):
        own, common = torch.iinfo(dtype), torch.iinfo(read)
        if own.min < common.min or common.max < own.max:
            raise UnsupportedError(
                f"integers of {dtype_name(dtype)} are read as {dtype_name(read)}, where large ones wrap round: "
                f"convert one side, `.to({read})`"
            )


def computed(value: float, dtype: torch.dtype) -> float:
    """The number that torch computes with when an argument `value` meets tensors of `dtype`.

    A Python float is rounded to the dtype of the computation first: `leaky_relu(x, 0.01)` on float32 has the
    slope 0.00999999977648258. Half-precision kernels compute in float32. Integers and exact numbers stay what
    they are.
    """
    if not dtype.is_floating_point or isinstance(value, bool):
        return value
    wide = dtype if dtype == torch.float64 else torch.float32
    rounded = float(torch.tensor(value, dtype=wide))
    return value if rounded == value else rounded


def number(attributes: Attributes, name: str) -> float:
    """A numeric attribute."""
    value = attributes[name]
    assert isinstance(value, int | float)
    return float(value)


def no_out(out: object) -> None:
    """Refuse `out=`, which writes into another tensor.

    Raises:
        UnsupportedError: a tensor was given.
    """
    if out is not None:
        raise UnsupportedError(
            "`out=` writes into another tensor, which is not followed; assign the result instead"
        )


def spell_unary(op: str, *aliases: str, also: Sequence[str] = ()) -> None:
    """Spellings of an op of one tensor without further arguments.

    For the op's name and each alias: `torch.NAME`, `torch.Tensor.NAME` and their in-place forms `NAME_`, as
    far as this version of torch has them; `also` are full names of further pure functions.
    """
    functions, methods = _homes((op, *aliases))
    in_place_functions, in_place_methods = _homes([f"{name}_" for name in (op, *aliases)])

    @spelled(*functions, *also)
    def function(emitter: Emitter, input: TensorValue, *, out: object = None) -> TensorValue:
        no_out(out)
        return emitter.emit(op, input)

    @spelled(*methods)
    def method(emitter: Emitter, input: TensorValue) -> TensorValue:
        return emitter.emit(op, input)

    @spelled(*in_place_functions, *in_place_methods)
    def overwriting(emitter: Emitter, input: TensorValue) -> TensorValue:
        return emitter.overwrite(input, emitter.emit(op, input))


Applied = Callable[[Emitter, str, Operand, Operand], TensorValue]
"""Appends an op of two operands to the graph, or refuses them."""


def applied(emitter: Emitter, op: str, input: Operand, other: Operand) -> TensorValue:
    """Append the op, whatever the operands."""
    return emitter.emit(op, input, other)


def spell_binary(op: str, *aliases: str, also: Sequence[str] = (), apply: Applied = applied) -> None:
    """Spellings of an op of two operands without further arguments, under the same names as `spell_unary`."""
    functions, methods = _homes((op, *aliases))
    _, in_place_methods = _homes([f"{name}_" for name in (op, *aliases)])

    @spelled(*functions, *methods, *also)
    def function(emitter: Emitter, input: Operand, other: Operand, *, out: object = None) -> TensorValue:
        no_out(out)
        return apply(emitter, op, input, other)

    @spelled(*in_place_methods)
    def overwriting(emitter: Emitter, input: TensorValue, other: Operand) -> TensorValue:
        return emitter.overwrite(input, apply(emitter, op, input, other))


def _homes(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Which of the names are functions of `torch`, and which are methods of its tensors."""
    functions = [f"torch.{name}" for name in names if hasattr(torch, name)]
    return functions, [f"torch.Tensor.{name}" for name in names if hasattr(Tensor, name)]


def spell_operator(
    op: str, symbol: str, *, reflected: bool = True, in_place: bool = True, apply: Applied = applied
) -> None:
    """Python's `__SYMBOL__`, `__rSYMBOL__` and `__iSYMBOL__` for an op of two operands."""

    @spelled(f"torch.Tensor.__{symbol}__")
    def forward(emitter: Emitter, input: TensorValue, other: Operand) -> TensorValue:
        return apply(emitter, op, input, other)

    if reflected:

        @spelled(f"torch.Tensor.__r{symbol}__")
        def backward(emitter: Emitter, input: TensorValue, other: Operand) -> TensorValue:
            return apply(emitter, op, other, input)

    if in_place:

        @spelled(f"torch.Tensor.__i{symbol}__")
        def overwriting(emitter: Emitter, input: TensorValue, other: Operand) -> TensorValue:
            return emitter.overwrite(input, apply(emitter, op, input, other))


def activate(
    emitter: Emitter, op: str, input: TensorValue, inplace: bool = False, **numbers: float
) -> TensorValue:
    """Emit an activation, with its numbers as torch computes with them, and overwrite its input if asked to."""
    rounded = {name: computed(value, input.dtype) for name, value in numbers.items()}
    result = emitter.emit(op, input, **rounded)
    return emitter.overwrite(input, result) if inplace else result
