"""Which tensors a program wants gradients of, beside weights that initialisers draw: those have a leaf of their own.

`nn.Parameter(torch.zeros(3))` is the node that the zeros are, and `requires_grad=True` changes no number; so they are
remembered beside the graph. Of a function that is not followed only its result is there: gradients pass it where they
pass what it was given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING

from torchlean.capture.values import TensorValue, Value
from torchlean.graph.origin import Source, source_of

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

SEARCHED = 1000
"""Nodes looked at below a function that is not followed."""

_LEAVES = "leaves of gradients"


def wants_gradient(run: Interpreter, value: Value) -> None:
    """The program asks for gradients of this tensor."""
    if isinstance(value, TensorValue) and value.dtype.is_floating_point:
        # Trials of loops and of input shapes are taken back, and others get their numbers: the digest tells them apart.
        leaves: dict[int, bytes] = run.state.setdefault(_LEAVES, {})
        leaves[value.node] = run.builder.nodes[value.node].digest


def note_wanted(
    run: Interpreter, name: str, arguments: Sequence[Value], keywords: Mapping[str, Value], result: Value
) -> None:
    """`torch.randn(3, requires_grad=True)` and `x.requires_grad_()`, of what a call of torch's function gave."""
    if keywords.get("requires_grad") is True and type(result) is TensorValue:
        result.attributes = {**(result.attributes or {}), "requires_grad": True}
        wants_gradient(run, result)
    elif name == "torch.Tensor.requires_grad_" and False not in (*arguments[1:], *keywords.values()):
        wants_gradient(run, result)


def gradient_leaves(run: Interpreter) -> frozenset[int]:
    """Their nodes."""
    nodes = run.builder.nodes
    leaves: dict[int, bytes] = run.state.get(_LEAVES, {})
    return frozenset(id for id, digest in leaves.items() if id < len(nodes) and nodes[id].digest == digest)


def hands_gradients_on(run: Interpreter, result: Value, given: Iterable[Value]) -> None:
    """A function that is not followed made `result` of these: gradients pass it where they pass one of them."""
    tensors, leaves = [value for value in given if isinstance(value, TensorValue)], gradient_leaves(run)
    if any(_is_trained(run, tensor.node, leaves) for tensor in tensors):
        for part in result if isinstance(result, (tuple, list)) else (result,):
            wants_gradient(run, part)


def _is_trained(run: Interpreter, id: int, leaves: Set[int]) -> bool:
    stack, seen = [id], set[int]()
    while stack and len(seen) < SEARCHED:
        current = stack.pop()
        if current in seen:
            continue
        seen.add(current)
        node = run.builder.nodes[current]
        if current in leaves or node.op in ("input", "parameter"):
            return True
        if node.op == "random" and source_of(node.attributes) in (Source.INITIALISER, Source.TRAINED):
            return True
        if node.type.dtype.is_floating_point:
            stack += node.inputs
    return False
