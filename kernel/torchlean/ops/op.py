"""What an op is: one object that holds every facet of one operation of the graph.

An op is added by writing a subclass in the file of its family and decorating it with `register`; the torch spellings
that reach it stand in the same file (`torchlean.ops.spelling`). The facets so far:

- `infer`: the result's shape and dtype, exactly torch's, or a `ShapeError` that says what was expected;
- `evaluate`: the operation itself on torch tensors, in whatever dtype they have;
- `interval`: outward-rounded interval bounds;
- `rounding`: how far an execution may be from the exact result, by a rule of its family (`torchlean.ops.noise`);
- `lanes`: the dimensions along which it does the same to every slice (`torchlean.ops.lanes`);
- `affine` or `relax`: how the op passes backward linear bounds (`torchlean.ops.linearization`);
- `lower`: a composite op in simpler ones, for the same purpose (`torchlean.ops.lowering`).

Facets take `(inputs, attributes)` rather than spread arguments, so that every op has one type and the engines need no
case distinction.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, Union

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.ops.lanes import Lane, Shapes
from torchlean.ops.linearization import Affine, Relaxation
from torchlean.ops.noise.rule import UNKNOWN, Rule

if TYPE_CHECKING:
    from torchlean.ops.lowering import Part, Steps

Attribute = Union[int, float, bool, str, None, torch.dtype, "tuple[Attribute, ...]"]
"""Plain immutable data: attributes are hashed by content, so nothing mutable may hide in them."""

Attributes = Mapping[str, Attribute]

Operands = Sequence[Any]
"""What is known of each operand, in order."""

SMALL = 2**14
"""Elements of an operand up to which running an op is as quick as asking the meta device."""


@dataclass(frozen=True, slots=True)
class TensorType:
    """Shape and dtype of a tensor: what is known of a value without knowing any number in it."""

    shape: tuple[int, ...]
    dtype: torch.dtype

    @property
    def numel(self) -> int:
        count = 1
        for size in self.shape:
            count *= size
        return count

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.shape))}{',' if len(self.shape) == 1 else ''}) {dtype_name(self.dtype)}"


def dtype_name(dtype: torch.dtype) -> str:
    """`float32` for `torch.float32`."""
    return str(dtype).removeprefix("torch.")


class ShapeError(Exception):
    """The operation is an error in torch too, whatever the numbers: shapes, dtypes or arguments do not fit.

    The message states what was expected and what came. The capture adds where each operand came from.
    """


class OutOfRangeError(ShapeError):
    """An index or a dimension that the tensor has not: an `IndexError` in torch."""


class UnsupportedError(Exception):
    """The operation may be right, but TorchLean does not follow it. The message is the reason, for people."""


class Infinities(enum.Enum):
    """What an op makes of operands that may be infinite as values. Intervals speak of real numbers otherwise."""

    UNDEFINED = enum.auto()  # NaN may come out: 0 * inf, inf - inf; the safe answer for most ops
    MOVED = enum.auto()  # they come out again, or become finite, but never NaN
    MOVED_FROM_ONE = enum.auto()  # the same, as long as only one operand has them: x + inf
    SETTLED = enum.auto()  # the result is finite: comparisons, softmax


class Op:
    """One operation. Subclasses set `name` and override the facets; instances carry no state."""

    name: ClassVar[str]

    never_grows: ClassVar[bool] = False
    """Whether the result needs no more memory than all operands together, whatever the attributes."""

    infinities: ClassVar[Infinities] = Infinities.UNDEFINED

    rounding: ClassVar[Rule] = UNKNOWN
    """How far an execution may be from the exact result."""

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        """Raise `ShapeError` with a message of our own where torch's would not help; default: nothing."""

    def raises(self, inputs: Sequence[Interval], attributes: Attributes) -> str:
        """Why an execution may raise an error for some of the operands' values; empty where none does. What bounds say
        holds for the executions that end."""
        return ""

    def infer(self, inputs: Sequence[TensorType], attributes: Attributes) -> TensorType:
        """Shape and dtype of the result.

        The default runs `evaluate` on operands of these types: on zeros where they are small and the result is no
        larger, on torch's meta device (tensors with a type and no data) otherwise. Broadcasting, type promotion and
        shape rules are then torch's own, not a copy of them. Zeros come first because the meta device imports a large
        part of torch's compiler on first use, which takes a second, and knows fewer mistakes than the kernels do.

        Raises:
            ShapeError: torch refuses these operands.
        """
        self.check(inputs, attributes)
        small = self.never_grows and all(t.numel <= SMALL for t in inputs)
        operands = [torch.zeros(t.shape, dtype=t.dtype, device="cpu" if small else "meta") for t in inputs]
        try:
            result = self.evaluate(operands, attributes)
        except (RuntimeError, ValueError, IndexError, TypeError, NotImplementedError) as error:
            raise ShapeError(str(error).splitlines()[0]) from error
        return TensorType(tuple(result.shape), result.dtype)

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        """The result on concrete tensors, as torch computes it in eager mode. Must also work on the meta device."""
        raise NotImplementedError(self.name)

    def told(self, operands: Operands) -> Operands:
        """The first operands, as many as say what the value is: others may say how it is executed. The interval rule
        gets these alone, and only where one of them is undefined or infinite may the result be."""
        return operands

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """Bounds that contain the exact result for every choice of inputs inside theirs.

        Every end is rounded outward. `undefined` of the inputs is propagated by the engine; a rule sets it only for
        what this op itself can make undefined. Integer results that leave their dtype's range are widened by the
        engine (they wrap around).

        Raises:
            UnsupportedError: no interval meaning for these operands; the value is then unbounded, with this reason.
        """
        raise UnsupportedError(f"`{self.name}` has no interval rule")

    def lanes(self, shapes: Shapes, attributes: Attributes) -> Sequence[Lane]:
        """Dimensions along which every slice is computed by itself and alike, for operands of these shapes.

        All facets must keep to it: the interval rule and the rule of rounding see one slice where the operands repeat.
        Default: none is known.
        """
        return ()

    def affine(
        self, inputs: Sequence[Interval | None], types: Sequence[TensorType], attributes: Attributes
    ) -> Sequence[Affine | None] | None:
        """The op as an affine map of its unknown operands, jointly, or None where it is not one.

        Args:
            inputs: the value of each operand that is known exactly (a point), None for the unknown ones.
            types: of the operands.

        Returns:
            The linear map from each unknown operand, None in the place of each known one. The constant part of the
            op (a bias) is found by the engine: its value where all unknown operands are zero.
        """
        return None

    def lower(self, steps: Steps, inputs: Sequence[Part], attributes: Attributes) -> Part | None:
        """The op written in simpler ones, or None where it is simple enough itself, or would need too much memory.

        The result has the same exact value wherever the op is defined, and the op's shape.
        """
        return None

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        """Two planes around the op, for operands inside the given bounded intervals.

        Args:
            inputs: bounded intervals of the operands, each of its operand's shape after one batch dimension.

        Raises:
            UnsupportedError: no planes for these operands; the engine then uses the interval alone.
        """
        raise UnsupportedError(f"`{self.name}` has no linear relaxation")

    def relax_with(self, inputs: Sequence[Interval], attributes: Attributes, alpha: Tensor) -> Relaxation:
        """Planes with a free choice, for an optimiser to make; sound for every `alpha` (`torchlean.ops.linearization`).

        Args:
            inputs: as for `relax`.
            alpha: in [0, 1], of the shape of the planes (or broadcasting to it).

        Raises:
            UnsupportedError: as `relax`.
        """
        return self.relax(inputs, attributes)


OPS: dict[str, Op] = {}
"""Every op by name. Filled by importing `torchlean.ops`."""

OpClass = TypeVar("OpClass", bound=type[Op])


def register(cls: OpClass) -> OpClass:
    """Class decorator: make one instance known under its name.

    Raises:
        ValueError: two ops claim the same name.
    """
    if cls.name in OPS:
        raise ValueError(f"op {cls.name!r} is registered twice")
    OPS[cls.name] = cls()
    return cls
