"""Every facet of a call at once: the spelling against torch, and the interval rules against sampled runs.

`check("torch.cat", [a, b], dim=1)` asserts that

1. result, dtype, shape, in-place effect and errors are torch's, bit for bit (`fake_emitter.agree`);
2. with the tensors known exactly, every op of the graph gives a point (one tensor for both ends): its exact value;
3. with the tensors known as boxes, every op's interval contains every sampled run, in exact arithmetic (float64 holds
   what rearrangements do);
4. with `tight`, the ends are reached at the corners of the boxes: rearrangements lose nothing;
5. with operands that are off by a known error, no sampled run is off by more than the rule for rounding errors says.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.ops.fake_emitter import Call, FakeEmitter, Handle, Known, agree, torch_function
from torch import Tensor

from torchlean.graph import evaluate
from torchlean.intervals import Interval
from torchlean.ops import OPS
from torchlean.ops.noise.values import Noisy
from torchlean.rounding import NodeError
from torchlean.rounding.engine import node_error

SAMPLES = 6


def case(name: str, *arguments: Any, **keywords: Any) -> Any:
    """A row of a table of calls, with a readable id."""
    described = [_describe(item) for item in arguments]
    described += [f"{key}={_describe(item)}" for key, item in keywords.items()]
    return pytest.param(
        name, arguments, keywords, id=f"{name.removeprefix('torch.')}({', '.join(described)})"
    )


def check(name: str, arguments: tuple[Any, ...], keywords: dict[str, Any], *, tight: bool = True) -> None:
    """Assert everything above for one call."""
    agree(name, *arguments, **keywords)
    if not _raises(name, arguments, keywords):
        call = Call(name, *arguments, **keywords)
        assert_points(call)
        assert_contained(call, tight=tight)
        assert_errors(call)


def intervals(emitter: FakeEmitter, boxes: dict[str, Interval]) -> list[Interval]:
    """The interval of every node, by the ops' own rules."""
    known: list[Interval] = []
    for node in emitter.builder.nodes:
        if node.op == "input":
            known.append(boxes[str(node.attributes["name"])])
        elif node.op in OPS:
            rule = OPS[node.op].interval
            known.append(rule([known[id] for id in node.inputs], node.attributes, node.type))
        else:
            assert node.data is not None, f"no box for {node.op}"
            known.append(Interval.point(node.data))
        assert known[-1].shape == node.type.shape, f"{node.op}: {known[-1].shape} is not {node.type.shape}"
        for end in (known[-1].lower, known[-1].upper):
            assert end.dtype == torch.float64, f"{node.op}: an end is {end.dtype}"
    return known


def assert_points(call: Call) -> None:
    """Exactly known operands give exactly known results."""
    data = call.emitter.data
    found = intervals(call.emitter, {name: Interval.point(value) for name, value in data.items()})
    run = evaluate(call.emitter.builder.graph(), data, dtype=torch.float64)
    for node, interval, value in zip(call.emitter.builder.nodes, found, run, strict=True):
        assert interval.is_point, f"{node.op}: a point became an interval"
        assert torch.equal(interval.lower, value.to(torch.float64)), (
            f"{node.op}: {interval.lower} is not {value}"
        )


def assert_contained(call: Call, *, tight: bool) -> None:
    """No sampled run leaves the intervals; with `tight` the runs at the corners give their ends."""
    generator = torch.Generator().manual_seed(0)
    boxes = {name: box(value, generator) for name, value in call.emitter.data.items()}
    found = intervals(call.emitter, boxes)
    graph = call.emitter.builder.graph()
    corners = [{name: getattr(b, end) for name, b in boxes.items()} for end in ("lower", "upper")]
    inside = [{name: sample(b, generator) for name, b in boxes.items()} for _ in range(SAMPLES)]
    for inputs in corners + inside:
        for node, interval, value in zip(graph, found, run64(call, inputs), strict=True):
            assert interval.contains(value), (
                f"{node.op}: {value} is outside [{interval.lower}, {interval.upper}]"
            )
    if tight:
        for end, inputs in zip(("lower", "upper"), corners, strict=True):
            for node, interval, value in zip(graph, found, run64(call, inputs), strict=True):
                assert torch.equal(getattr(interval, end), value.to(torch.float64)), (
                    f"{node.op}: {end} end is loose"
                )


OWN_ERROR = 0.01
"""Of floating operands: large enough for decisions to turn out differently."""


def assert_errors(call: Call) -> None:
    """Runs on operands within their errors stay within the errors of all nodes; what is moved keeps its error."""
    generator = torch.Generator().manual_seed(1)
    boxes = {name: box(value, generator) for name, value in call.emitter.data.items()}
    graph = call.emitter.builder.graph()
    found: list[NodeError] = []
    known = intervals(call.emitter, boxes)
    for node, exact in zip(graph, known, strict=True):
        if node.op in OPS:
            operands = [Noisy(known[id], found[id].error, graph[id].type) for id in node.inputs]
            found.append(node_error(node, exact, operands, [found[id] for id in node.inputs]))
        else:
            off = node.op == "input" and node.type.dtype.is_floating_point
            found.append(NodeError(torch.full(exact.shape, OWN_ERROR).double() if off else None))
    for _ in range(SAMPLES):
        inputs = {name: sample(b, generator) for name, b in boxes.items()}
        moved = {name: _moved(value, call.emitter.data[name], generator) for name, value in inputs.items()}
        runs = (run64(call, inputs), run64(call, moved))
        for node, error, before, after in zip(graph, found, *runs, strict=True):
            if node.type.dtype.is_complex:
                continue
            off = (after.double() - before.double()).abs()
            bound = torch.zeros_like(off) if error.error is None else error.error
            fine = (off <= bound * (1 + 1e-12)) | (before.double() == after.double())
            assert bool(fine.all()), f"{node.op}: off by {off}, bound {bound}"


def _moved(value: Tensor, original: Tensor, generator: torch.Generator) -> Tensor:
    """The operand of an execution."""
    if not original.is_floating_point():
        return value
    share = torch.rand(value.shape, dtype=torch.float64, generator=generator) * 2 - 1
    return value + OWN_ERROR * share


def run64(call: Call, inputs: dict[str, Tensor]) -> list[Tensor]:
    """A run in float64; `evaluate` would first round floating inputs to the dtype of the program."""
    data = call.emitter.data
    types = {name: torch.float64 if data[name].is_floating_point() else data[name].dtype for name in data}
    twin = FakeEmitter()
    for node in call.emitter.builder.nodes:
        if node.op == "input":
            name = str(node.attributes["name"])
            twin.input(inputs[name].to(types[name]))
        elif node.op in OPS:
            attributes = dict(node.attributes)
            if isinstance(attributes.get("dtype"), torch.dtype) and attributes["dtype"].is_floating_point:
                attributes["dtype"] = torch.float64
            twin.builder.op(node.op, node.inputs, attributes)
        else:
            known = node.data
            twin.builder.constant(known.to(torch.float64) if known.is_floating_point() else known)
    return evaluate(twin.builder.graph(), twin.data)


def box(value: Tensor, generator: torch.Generator) -> Interval:
    """Some box around the value; masks are open, indices stay what they are."""
    exact = value.to(torch.float64)
    if value.dtype == torch.bool:
        return Interval(torch.zeros_like(exact), torch.ones_like(exact))
    if not value.is_floating_point():
        return Interval.point(value)
    low, high = torch.rand(2, *value.shape, dtype=torch.float64, generator=generator)
    return Interval(exact - low, exact + high)


def sample(interval: Interval, generator: torch.Generator) -> Tensor:
    """A point of a box; masks are drawn too."""
    share = torch.rand(interval.shape, dtype=torch.float64, generator=generator)
    if torch.equal(interval.lower, torch.zeros_like(share)) and torch.equal(
        interval.upper, torch.ones_like(share)
    ):
        return share.round()
    return interval.lower + (interval.upper - interval.lower) * share


def _raises(name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> bool:
    def plain(item: Any) -> Any:
        if isinstance(item, (tuple, list)) and not hasattr(item, "_fields"):
            return type(item)(plain(inner) for inner in item)
        return (
            item.data.clone()
            if isinstance(item, Known)
            else item.clone()
            if isinstance(item, Tensor)
            else item
        )

    try:
        torch_function(name)(*(plain(a) for a in arguments), **{k: plain(v) for k, v in keywords.items()})
    except (RuntimeError, ValueError, IndexError, TypeError):
        return True
    return False


def _describe(item: Any) -> str:
    if isinstance(item, (Tensor, Known, Handle)):
        tensor = item.data if isinstance(item, Known) else item
        return f"{'known' if isinstance(item, Known) else ''}{tuple(tensor.shape)}{str(tensor.dtype)[6:]}"
    if isinstance(item, (tuple, list)):
        return f"{'(' if isinstance(item, tuple) else '['}{','.join(map(_describe, item))}]"
    return str(item).replace("slice", "").replace("None", "-")
