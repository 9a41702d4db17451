"""Which errors of a module on guessed inputs are errors on every input.

An error is only reported when it does not depend on what was guessed. The guesses take the number of features or
channels from the layer that is used first and choose the other sizes; so a shape error is certain when the layer that
refuses complains about features or channels, every guess leads there, and nothing between the input and that layer
can turn another size into features or channels (no reshape, no transposition, no sum over a dimension).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torchlean.capture.input_shapes import Candidates
from torchlean.capture.tables import words
from torchlean.diagnostics import Diagnostic
from torchlean.graph import LEAVES, Node
from torchlean.ops import TensorType

KEEPS_FEATURES = frozenset({"linear"})
"""Ops that work on the last dimension alone, and so keep what the others mean."""

KEEPS_CHANNELS = words(
    "conv conv_transpose max_pool avg_pool adaptive_avg_pool adaptive_max_pool batch_norm group_norm "
    "instance_norm interpolate"
)
"""Ops that work on channels and spatial dimensions each by themselves."""


@dataclass(eq=False, slots=True)
class Trial:
    """What came of one guess of the input types.

    Attributes:
        nodes: how far it went.
        complete: no error, and a result that is known.
        steady: the input went straight into the layer that it was guessed from, and every op after that kept the
            meaning of the dimensions.
    """

    types: tuple[TensorType, ...]
    nodes: int
    errors: list[Diagnostic]
    complete: bool
    steady: bool


def passes_through(nodes: Sequence[Node], made: Sequence[Node], anchor: int | None) -> bool:
    """Whether the layer with the weight `anchor` gets the input first, and nothing moves sizes between dimensions."""
    ops = [node for node in made if node.op not in LEAVES]
    if (
        not ops
        or len(ops[0].inputs) < 2
        or ops[0].inputs[1] != anchor
        or nodes[ops[0].inputs[0]].op != "input"
    ):
        return False
    return all(_keeps(nodes, node) for node in ops)


def _keeps(nodes: Sequence[Node], node: Node) -> bool:
    if node.op in KEEPS_FEATURES or node.op in KEEPS_CHANNELS:
        return True
    first = nodes[node.inputs[0]].type.shape
    moves = node.op in (
        "permute",
        "reshape",
        "slice",
        "index",
        "flip",
        "roll",
        "sort",
        "gather",
        "matmul",
        "einsum",
    )
    return node.type.shape == first and not moves


VALUES = (
    "this assertion",
    "this raises",
    "index ",
    "there is no key",
    "a value of type None",
    "an exception",
)
"""How messages begin that other arguments of a constructor may avoid, unlike a misspelt name."""


def depends_on_values(error: Diagnostic) -> bool:
    """Whether an error may be one for the defaults of a constructor only, which a program need never use."""
    return error.code in ("TL101", "TL103") and error.message.startswith(VALUES)


def certain_errors(guesses: Candidates, trials: list[Trial]) -> set[Diagnostic]:
    """The errors that every input leads to.

    Names, attributes and arguments: those that all guesses (of different ranks) have in common.
    """
    if not trials or trials[-1].complete:
        return set()
    common = {error for error in trials[0].errors if error.code == "TL103"}
    for trial in trials[1:]:
        common &= set(trial.errors)
    core = trials[: guesses.exact]
    first = [next((error for error in trial.errors if error.code == "TL101"), None) for trial in core]
    shapes = {error for error in first if error is not None}
    word = "channels" if guesses.spatial else "features"
    one_place = None not in first and len({error.span for error in shapes}) == 1
    if one_place and all(trial.steady for trial in core) and all(word in error.message for error in shapes):
        common |= shapes
    return common
