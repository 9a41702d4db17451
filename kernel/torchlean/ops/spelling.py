"""Torch spellings: which names in a user's file reach which op, and how their arguments are read.

A spelling is a Python function with torch's own signature, decorated with every dotted name it answers to:

    @spelled("torch.relu", "torch.nn.functional.relu", "torch.Tensor.relu")
    def relu(emitter: Emitter, input: TensorValue, inplace: bool = False) -> TensorValue:
        return emitter.emit("relu", input)

The first parameter is always the emitter; the rest is bound like a call in Python, so a wrong or missing argument is
reported as torch would. `torch.Tensor.NAME` is the method `x.NAME(...)`, whose first argument is the tensor;
operators use the method names of Python's data model (`torch.Tensor.__add__`).

Anything that is itself a composition (`softmax` cross entropy, `nn.MultiheadAttention`) is not written here but in
`torchlean/capture/stubs/`, in the same Python that users write, and interpreted like it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar, Union

import torch

from torchlean.ops.op import Attribute, TensorType


class TensorValue(Protocol):
    """A tensor that the capture follows: it has a type, and stands for one node of the graph."""

    @property
    def type(self) -> TensorType: ...

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> torch.dtype: ...


Operand = Union[TensorValue, int, float, bool]
"""What ops take: tensors, or Python numbers, which join in with torch's promotion rules for plain numbers."""


class Emitter(Protocol):
    """What a spelling may do: append nodes to the graph at the place in the source that is being interpreted."""

    def emit(self, op: str, *inputs: Operand, **attributes: Attribute) -> TensorValue:
        """Append one node.

        A Python number among the inputs becomes a 0-d constant with the dtype that torch would compute in
        (`torch.result_type` with the tensors among the inputs).

        Raises:
            ShapeError: torch would refuse the operands.
        """
        ...

    def constant(self, data: torch.Tensor) -> TensorValue:
        """A tensor whose numbers are known."""
        ...

    def random(
        self,
        type: TensorType,
        lower: float,
        upper: float,
        description: str,
        *,
        likely: tuple[float, float] | None = None,
    ) -> TensorValue:
        """A tensor whose numbers are drawn when the program runs: anything in `[lower, upper]`.

        `likely` is a smaller range that draws leave with negligible probability.
        Every call is a draw of its own: two are never taken for the same value.
        """
        ...

    def value_of(self, tensor: TensorValue) -> torch.Tensor | None:
        """The numbers, where the tensor depends on nothing but small known constants, else None."""
        ...

    def overwrite(self, target: TensorValue, result: TensorValue) -> TensorValue:
        """In-place: every name that holds `target` from now on sees `result`. Returns `target`.

        Raises:
            UnsupportedError: `target` shares memory with another tensor, so others would change too.
            ShapeError: the result does not fit into `target`.
        """
        ...


Spelling = Callable[..., Any]
"""`(emitter, *torch arguments) -> TensorValue`, or a tuple or number built of such. May raise ShapeError (the user's
mistake) or UnsupportedError (ours)."""

SPELLINGS: dict[str, Spelling] = {}
"""Every known torch name, fully qualified."""

SpellingType = TypeVar("SpellingType", bound=Spelling)


def spelled(*names: str) -> Callable[[SpellingType], SpellingType]:
    """Decorator: the function answers to these fully qualified torch names.

    Raises:
        ValueError: a name is taken.
    """

    def decorate(function: SpellingType) -> SpellingType:
        for name in names:
            if name in SPELLINGS:
                raise ValueError(f"{name} is spelled twice")
            SPELLINGS[name] = function
        return function

    return decorate
