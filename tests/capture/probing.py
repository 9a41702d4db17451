"""Capturing a file and comparing its graph with what torch computes eagerly.

A probe is a claim appended to the file: its inputs become the graph's inputs, and it assigns every result to a name of
its own, so that the capture observes the node. Nothing but the public `capture_file` is used.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from torchlean.capture import capture_file
from torchlean.capture.result import Capture, Role, Unit
from torchlean.capture.workspace import Workspace
from torchlean.graph import evaluate, validate

SEED = 20


def flat(value: object) -> list[Tensor]:
    """The tensors of a result, in order: of a tuple, list or dictionary of results too."""
    if isinstance(value, Tensor):
        return [value]
    if value is None:
        return []
    if isinstance(value, dict):
        value = list(value.values())
    assert isinstance(value, (list, tuple)), value
    return [tensor for item in value for tensor in flat(item)]


def paths(value: object) -> list[str]:
    """The subscripts that reach each tensor of `flat(value)`."""
    if isinstance(value, Tensor):
        return [""]
    if value is None:
        return []
    items = value.items() if isinstance(value, dict) else enumerate(value)  # type: ignore[var-annotated,arg-type]
    return [f"[{key!r}]{rest}" for key, item in items for rest in paths(item)]


def probe(text: str, call: str, inputs: dict[str, Tensor], result: object) -> str:
    """The file's text with a claim that calls it and names every tensor of the result."""
    domains = ", ".join(f"{name}=_tl.box(-1e9, 1e9, shape={tuple(x.shape)})" for name, x in inputs.items())
    names = [f"probed_{position}" for position in range(len(paths(result)))]
    lines = [f"    {name} = probed{path}" for name, path in zip(names, paths(result), strict=True)]
    body = "\n".join([f"    probed = {call}", *lines, f"    return {names[0]} == {names[0]}"])
    return f"{text}\n\nimport torchlean as _tl\n\n@_tl.claim({domains})\ndef probe({', '.join(inputs)}):\n{body}\n"


def captured(path: Path, text: str) -> Capture:
    """Write a file and capture it."""
    path.write_text(text)
    return capture_file(str(path), text, Workspace([path.parent]))


def unit_of(capture: Capture, name: str = "probe") -> Unit:
    return next(unit for unit in capture.units if unit.name == name)


def probed(capture: Capture, inputs: dict[str, Tensor]) -> list[Tensor]:
    """The values of the probe's results, computed by the captured graph.

    Raises:
        AssertionError: a result was not captured; the diagnostics are shown.
    """
    validate(capture.graph)
    unit = unit_of(capture)
    found = {
        seen.label: seen.node
        for seen in unit.observations
        if seen.role is Role.ASSIGNMENT and seen.label.startswith("probed_")
    }
    shown = "\n".join(f"{d.code} {d.span}: {d.message}" for d in capture.diagnostics)
    assert found, f"nothing was captured: {unit.failure}\n{shown}"
    roots = [found[f"probed_{position}"] for position in range(len(found))]
    cone, renumbered = capture.graph.cone(roots)
    values = evaluate(cone, inputs)
    return [values[renumbered[root]] for root in roots]


def assert_same(ours: list[Tensor], eager: list[Tensor], tolerance: float = 1e-6) -> None:
    """Same number of tensors, shapes and dtypes; numbers within `tolerance`, relative to the tensor's largest."""
    assert len(ours) == len(eager)
    for mine, theirs in zip(ours, eager, strict=True):
        assert mine.shape == theirs.shape
        assert mine.dtype == theirs.dtype
        scale = float(theirs.abs().max()) if theirs.numel() and theirs.dtype != torch.bool else 0.0
        torch.testing.assert_close(mine, theirs.detach(), rtol=tolerance, atol=tolerance * scale)
