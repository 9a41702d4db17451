"""One call of an op on operands that repeat along its lanes, folded to a call on one slice of each.

The slice's result holds for all of them: the op makes each by the same function of equal operands. Sums of products may
be added up in another order than in the whole call, and rules that depend on the number of elements (writing down every
single product) may take the tighter way; both bounds hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from torchlean.intervals.repetition import repeats
from torchlean.ops.op import Attributes, Op, TensorType

WORTHWHILE = 2**7
"""Elements of an operand or a result from which on calls are folded. Fewer take as long as one; but the bias of a wide
layer must stay one number, or nothing repeats after it."""


@dataclass(frozen=True, slots=True)
class Folding:
    """Where a call folds.

    Attributes:
        operands: of each, the dimensions of which one slice is enough.
        out: the type of the result's slice; 1 along each dimension that is folded.
    """

    operands: tuple[tuple[int, ...], ...]
    out: TensorType

    @staticmethod
    def of(
        op: Op,
        operands: Sequence[Sequence[Tensor]],
        attributes: Attributes,
        out: TensorType,
        result: Sequence[Tensor] = (),
    ) -> Folding | None:
        """Where the call folds; None where it does not, or is too small.

        Args:
            operands: of each, all tensors that its value is described by, of one shape.
            result: what is known of the result and must repeat too.
        """
        shapes = [tuple(tensors[0].shape) for tensors in operands]
        largest = max((tensors[0].numel() for tensors in operands), default=0)
        if max(largest, out.numel) < WORTHWHILE or out.numel == 0 or largest == 0:
            return None
        dims: list[set[int]] = [set() for _ in operands]
        sizes = list(out.shape)
        for place, along in op.lanes(shapes, attributes):
            alike = all(
                repeats(tensor, dim)
                for tensors, dim in zip(operands, along, strict=True)
                if dim is not None
                for tensor in tensors
            )
            if sizes[place] > 1 and alike and all(repeats(tensor, place) for tensor in result):
                sizes[place] = 1
                for found, dim in zip(dims, along, strict=True):
                    if dim is not None:
                        found.add(dim)
        if tuple(sizes) == out.shape:
            return None
        return Folding(tuple(tuple(sorted(found)) for found in dims), TensorType(tuple(sizes), out.dtype))


__all__ = ["Folding"]
