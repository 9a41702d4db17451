"""What all element-by-element ops have in common: their torch function, the dtypes it takes, and their
spellings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
from torch import Tensor

from torchlean.ops.op import Attributes, Op, ShapeError, TensorType, UnsupportedError, dtype_name
from torchlean.ops.spelling import Emitter, Operand, TensorValue, spelled

_accepted: dict[tuple[str, tuple[torch.dtype, ...]], str | None] = {}
"""Torch's complaint about these operand dtypes, or None; by op. Torch tells only when it runs on real data.
"""


class Elementwise(Op):
    """An op whose `evaluate` is one torch function of its inputs, with the attributes as keywords."""

    function: ClassVar[Callable[..., Tensor]]

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        """Raise `ShapeError` for dtypes that only the CPU kernel refuses; the meta device takes them."""
        dtypes = tuple(operand.dtype for operand in inputs)
        key = (self.name, dtypes)
        if key not in _accepted:
            _accepted[key] = self._refusal(dtypes, attributes)
        refusal = _accepted[key]
        if refusal is not None:
            given = ", ".join(map(dtype_name, dtypes))
            raise ShapeError(f"`{self.name}` is not defined for {given} tensors (torch: {refusal})")

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        return self.function(*inputs, **attributes)

    def _refusal(self, dtypes: Sequence[torch.dtype], attributes: Attributes) -> str | None:
        """Torch's error for single elements of these dtypes; ones are in the domain of every op."""
        try:
            self.evaluate([torch.ones(1, dtype=dtype) for dtype in dtypes], attributes)
        except (RuntimeError, TypeError) as error:
            return str(error).splitlines()[0]
        return None


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


def no_out(out: object) -> None:
    """Refuse `out=`, which writes into another tensor.

    Raises:
        UnsupportedError: a tensor was given.
    """
    if out is not None:
        raise UnsupportedError(
            "`out=` writes into another tensor, which is not followed; assign the result instead"
        )


def spell_unary(
    op: str, *more: str, function: bool = True, method: bool = True, in_place: bool = True
) -> None:
    """Spellings of an op of one tensor without further arguments.

    `torch.NAME` and `torch.NAME_` (with `function`), `torch.Tensor.NAME` and `torch.Tensor.NAME_` (with
    `method`), the ones that write in place only with `in_place`; `more` are further names of the pure
    function.
    """
    homes = [home for home, wanted in (("torch", function), ("torch.Tensor", method)) if wanted]

    @spelled(*(f"{home}.{op}" for home in homes), *more)
    def pure(emitter: Emitter, input: TensorValue, *, out: object = None) -> TensorValue:
        no_out(out)
        return emitter.emit(op, input)

    if in_place:
        names = [f"{home}.{op}_" for home in homes if hasattr(torch if home == "torch" else Tensor, f"{op}_")]

        @spelled(*names)
        def overwriting(emitter: Emitter, input: TensorValue) -> TensorValue:
            return emitter.overwrite(input, emitter.emit(op, input))


def spell_operator(op: str, symbol: str, *, reflected: bool = True, in_place: bool = True) -> None:
    """Python's `__SYMBOL__`, `__rSYMBOL__` and `__iSYMBOL__` for an op of two operands."""

    @spelled(f"torch.Tensor.__{symbol}__")
    def forward(emitter: Emitter, input: TensorValue, other: Operand) -> TensorValue:
        return emitter.emit(op, input, other)

    if reflected:

        @spelled(f"torch.Tensor.__r{symbol}__")
        def backward(emitter: Emitter, input: TensorValue, other: Operand) -> TensorValue:
            return emitter.emit(op, other, input)

    if in_place:

        @spelled(f"torch.Tensor.__i{symbol}__")
        def overwriting(emitter: Emitter, input: TensorValue, other: Operand) -> TensorValue:
            return emitter.overwrite(input, emitter.emit(op, input, other))


def spell_binary(op: str, *names: str) -> None:
    """`torch.NAME(input, other)` and the method `torch.Tensor.NAME`, with its in-place form where torch has
    one.
    """
    for name in names or (op,):
        homes = [f"torch.{name}"] if hasattr(torch, name) else []

        @spelled(*homes, *([f"torch.Tensor.{name}"] if hasattr(Tensor, name) else []))
        def pure(emitter: Emitter, input: TensorValue, other: Operand, *, out: object = None) -> TensorValue:
            no_out(out)
            return emitter.emit(op, input, other)

        if hasattr(Tensor, f"{name}_"):

            @spelled(f"torch.Tensor.{name}_")
            def overwriting(emitter: Emitter, input: TensorValue, other: Operand) -> TensorValue:
                return emitter.overwrite(input, emitter.emit(op, input, other))
