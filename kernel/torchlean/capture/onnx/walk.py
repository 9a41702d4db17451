"""Taking the nodes of an ONNX graph in order, and collecting what cannot be imported.

A node that fails leaves its outputs unknown; nodes that read them are passed over, as what is wrong with them may be
a consequence. So one error names all operators that are missing, not just the first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from torchlean.capture.onnx import (
    operators,  # fills the table
    standard,
)
from torchlean.capture.onnx.call import Call
from torchlean.capture.onnx.declared import Declared
from torchlean.capture.onnx.emitter import OnnxEmitter, Value
from torchlean.capture.onnx.file import OWN_DOMAINS, operator
from torchlean.capture.onnx.messages import Problem
from torchlean.capture.onnx.table import HANDLERS
from torchlean.ops import ShapeError, UnsupportedError

if TYPE_CHECKING:
    from onnx import NodeProto

__all__ = ["Walk", "operators"]


class Walk:
    """The values found so far, by name.

    Attributes:
        values: of inputs, initialisers, and the outputs of nodes that were imported.
        problems: of nodes that were not.
    """

    def __init__(
        self, emitter: OnnxEmitter, opset: int, values: dict[str, Value], declared: Declared
    ) -> None:
        self.values = values
        self.problems: list[Problem] = []
        self._emitter = emitter
        self._opset = opset
        self._declared = declared

    def follow(self, nodes: Sequence[NodeProto], outputs: Sequence[str]) -> None:
        """Import nodes, each after those that it reads."""
        readers = Counter(name for node in nodes for name in node.input)
        readers.update(outputs)
        for name, value in self.values.items():
            value.readers += readers[name]
        for node in nodes:
            try:
                results = self._results(node)
            except (ShapeError, UnsupportedError) as error:
                self._refuse(node, str(error))
                continue
            for name, value in zip(node.output, results, strict=False):
                value.readers += readers[name]
                self.values[name] = value

    def _results(self, node: NodeProto) -> Sequence[Value]:
        """The values of the node's outputs; none where an operand is unknown.

        Raises:
            ShapeError, UnsupportedError: with the reason.
        """
        handler = HANDLERS.get(node.op_type) if node.domain in OWN_DOMAINS else None
        if handler is None:
            raise UnsupportedError("the operator is not supported")
        if any(name and name not in self.values for name in node.input):
            return ()
        self._emitter.label = next(filter(None, node.output))
        inputs = [self.values[name] if name else None for name in node.input]
        call = Call(node, self._opset, inputs, self._emitter)
        found = handler(call)
        results = (found,) if isinstance(found, Value) else tuple(found)
        call.check_all_read()
        standard.check(node, self._opset, inputs)
        extra = [name for name in node.output[len(results) :] if name]
        if extra:
            raise UnsupportedError(f"its output `{extra[0]}` is not supported, only the first {len(results)}")
        for name, value in zip(node.output, results, strict=False):
            _check_numbers(value)
            self._declared.compare(node, name, value)
        return results

    def _refuse(self, node: NodeProto, reason: str) -> None:
        output = next(filter(None, node.output))
        self.problems.append(Problem(operator(node), node.name, output, self._opset, reason))


def _check_numbers(value: Value) -> None:
    """Refuse constants that are not numbers: nothing could be said of what depends on them."""
    data = value.data
    if data is not None and data.is_floating_point() and bool(torch.isnan(data).any()):
        raise UnsupportedError("its value, which depends on constants only, contains NaN")
