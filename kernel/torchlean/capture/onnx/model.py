"""What loading an ONNX file gives."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from torchlean.graph import Graph


@dataclass(frozen=True, slots=True)
class OnnxValue:
    """An input or output of a model.

    Attributes:
        shape: as in the file, the batch dimension included; sizes that the file leaves open are filled in.
        batch: the name that the file gives to an open first dimension (`?` where it gives none), if that was taken to
            be 1; None where the file states a number, or the caller did.
    """

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    batch: str | None = None


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """A model as a graph.

    Attributes:
        graph: an `input` node for each of `inputs`, also where nothing reads it; its outputs are those of the model.
        inputs: what the model is called with, in declared order; initialisers are not among them.
        outputs: in declared order; shapes are those that the graph computes.
        opset: the version of ONNX's own operator set that the file asks for.
        notes: what the file says wrongly though it changes nothing; for people.
    """

    graph: Graph
    inputs: tuple[OnnxValue, ...]
    outputs: tuple[OnnxValue, ...]
    opset: int
    notes: tuple[str, ...] = ()
