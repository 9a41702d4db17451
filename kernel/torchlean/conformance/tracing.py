"""Every result of a run, with the lines of the user's code that led to it. In the sandbox only.

Eager torch is watched while it calls its functions. An exported program is a list of calls, taken one by one. Of a
compiled one all intermediate results are asked for as results; that may change what the compiler fuses, and then the
difference that is looked for may not show.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, fx

from torchlean.conformance.modes import prepared
from torchlean.conformance.observing import Observed, Recording
from torchlean.exported.recording import places, user_frames

Records = list[tuple[list[tuple[str, int]], Tensor]]

OPAQUE = frozenset({"onnx"})
"""Modes whose steps are not torch's."""


def traced(mode: str, observed: Observed, inputs: Sequence[Tensor], roots: Sequence[str]) -> Records:
    """The results in order; none for a mode that cannot be looked into."""
    if mode in OPAQUE:
        return []
    if mode == "exported":
        return _exported(observed, inputs)
    if mode == "compiled":
        return _compiled(observed, inputs)
    recording = Recording(roots)
    with torch.no_grad(), prepared(mode, observed, inputs) as execute, recording:
        execute(*inputs)
    return recording.records


def _exported(observed: Observed, inputs: Sequence[Tensor]) -> Records:
    with user_frames():
        module = torch.export.export(observed, tuple(inputs), strict=False).module()
    records: Records = []

    class Stepping(fx.Interpreter):  # type: ignore[misc]
        def run_node(self, n: fx.Node) -> Any:
            result = super().run_node(n)
            if isinstance(result, Tensor) and n.op == "call_function":
                records.append((list(places(n.meta.get("stack_trace"))), result.detach().clone()))
            return result

    with torch.no_grad():
        Stepping(module).run(*inputs)
    return records


def _compiled(observed: Observed, inputs: Sequence[Tensor]) -> Records:
    from torch._inductor.compile_fx import compile_fx

    records: Records = []

    def backend(module: fx.GraphModule, example: list[Any]) -> Callable[..., Any]:
        steps = [
            node
            for node in module.graph.nodes
            if node.op.startswith("call_") and isinstance(node.meta.get("example_value"), Tensor)
        ]
        (end,) = (node for node in module.graph.nodes if node.op == "output")
        wanted = tuple(end.args[0])
        end.args = ((*wanted, *steps),)
        module.recompile()
        compiled = compile_fx(module, example)
        lines = [list(places(node.meta.get("stack_trace"))) for node in steps]

        def run(*arguments: Any) -> Any:
            results = compiled(*arguments)
            records.extend(
                zip(lines, (step.detach().clone() for step in results[len(wanted) :]), strict=True)
            )
            return results[: len(wanted)]

        return run

    torch._dynamo.reset()
    with torch.no_grad():
        torch.compile(observed, dynamic=False, backend=backend)(*inputs)
    return records
