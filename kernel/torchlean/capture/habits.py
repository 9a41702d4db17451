"""What makes a claim speak of another program than the one that is used: training mode, draws, rounded weights.

Such a claim is followed as it stands, and its verdict is right; but it is seldom the claim that was meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from torchlean.graph.origin import Source, source_of
from torchlean.ops import dtype_name
from torchlean.source import Span

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

IN_TRAINING = "layers in training mode"
"""In the interpreter's state: names of layers that computed as in training, in order."""

TOLD = "weights of another dtype"
"""In the interpreter's state: places where it was said that weights are rounded."""


def begun(run: Interpreter) -> int:
    """To be called before a claim is followed; the result is for `tell_habits`."""
    run.state.pop(IN_TRAINING, None)
    return len(run.builder.nodes)


def tell_habits(run: Interpreter, name: str, span: Span, start: int, below: set[int]) -> None:
    """Say at the claim's name that it is about training mode, and where it draws random numbers.

    Args:
        start: see `begun`.
        below: the nodes that the claim depends on.
    """
    layers = list(run.state.pop(IN_TRAINING, {}))
    if layers:
        run.report(
            "TL312",
            f"{name} runs its network in training mode ({' and '.join(layers)}), where results depend on draws or on "
            "the other samples of a batch: call `.eval()` on the network before, and pass `training=self.training` to "
            "functions such as `F.dropout`",
            span=span,
        )
        return
    for id in sorted(below):
        node = run.builder.nodes[id]
        if (
            id >= start
            and node.op == "random"
            and source_of(node.attributes) in (Source.DRAWN, Source.NORMAL)
        ):
            place = node.span if node.span is not None and node.span.path == span.path else span
            run.report(
                "TL313",
                f"{name} draws random numbers here: a proof has to hold for every draw, and no input can refute it, "
                "since each run draws others. Draw once, outside of the claim, or make the draw an input with a domain",
                span=place,
            )
            return


def tell_dtype(run: Interpreter, name: str, data: Tensor, dtype: torch.dtype) -> None:
    """Say, once at a place, that weights are rounded when they are loaded, or were when they were saved."""
    if not (data.is_floating_point() and dtype.is_floating_point) or data.dtype == dtype or not run.spans():
        return
    told = run.state.setdefault(TOLD, set())
    if run.place() in told:
        return
    stored, wanted = dtype_name(data.dtype), dtype_name(dtype)
    exact, rounded = data.to(torch.float64), data.to(dtype).to(torch.float64)
    changed = torch.isfinite(rounded) & (rounded != exact)  # what becomes infinite has a warning of its own
    if bool(changed.any()):
        text = (
            f"the file holds `{name}` as {stored}, and rounding it to {wanted} changes its numbers: what runs, and "
            f"what is verified, are not the weights that were saved. Save them as {wanted}, or build the module in "
            f"{stored}"
        )
    elif torch.finfo(data.dtype).bits < torch.finfo(dtype).bits:
        text = (
            f"the file holds `{name}` as {stored}: unless the network was trained in {stored}, its weights were "
            f"rounded when they were saved, and are not those that were trained in {wanted}"
        )
    else:
        return
    told.add(run.place())
    run.report("TL115", text)
