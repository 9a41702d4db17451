"""One node of the graph: an op applied to earlier nodes, or a leaf."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from torchlean.ops.op import Attribute, TensorType
from torchlean.source import Span

LEAVES = frozenset({"input", "parameter", "constant", "random"})
"""Ops without operands, known to the graph itself.

input: the value a claim quantifies over, or a module is called with; attribute `name`.
parameter: a weight or buffer of a module whose numbers are in `data`.
constant: a tensor whose numbers stand in the program.
random: numbers drawn at run time, between the attributes `lower` and `upper`; `serial` keeps draws apart. Weights
    that were never loaded are such draws, from their initialiser. Optional attributes (`graph/origin.py`): `source`,
    why that range is known; `likely_lower` and `likely_upper`, a range that runs leave with negligible probability.
"""


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    """An SSA value.

    Attributes:
        id: its index in the graph; every input has a smaller one.
        op: name of the op, a key of `torchlean.ops.OPS`, or one of `LEAVES`.
        inputs: ids of the operands, in the op's order.
        attributes: everything else the op depends on; plain immutable data.
        type: shape and dtype.
        spans: where it comes from, innermost first: the expression, then the calls that led there.
        data: the numbers of a parameter or constant; not to be modified.
        label: a name for people (`fc1.weight`); no meaning, not hashed.
        digest: content hash over op, attributes, type, data and the digests of the inputs. Spans and labels are
            left out, so that comments, white space and renamings cost nothing.
    """

    id: int
    op: str
    inputs: tuple[int, ...]
    attributes: Mapping[str, Attribute]
    type: TensorType
    digest: bytes
    spans: tuple[Span, ...] = ()
    data: Tensor | None = field(default=None, repr=False)
    label: str | None = None

    @property
    def span(self) -> Span | None:
        """The innermost place, where there is one."""
        return self.spans[0] if self.spans else None
