"""What is shown of an input that violates a claim: its numbers, and what the execution compares there."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from torchlean.claims.decide import Question
from torchlean.claims.margin import comparisons
from torchlean.graph import evaluate

MAX_SHOWN = 8
"""Numbers of a counterexample that a message spells out; the whole input is in the result."""

MAX_COMPARED = 3
"""Comparisons that a message spells out."""

_SYMBOLS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}


def inputs_text(inputs: Mapping[str, Tensor]) -> str:
    """`x = [1, -0.5]; y = 2`."""
    parts = []
    for name, value in inputs.items():
        numbers = value.flatten().tolist()
        shown = ", ".join(f"{number:.9g}" for number in numbers[:MAX_SHOWN])
        more = f", … {len(numbers) - MAX_SHOWN} more" if len(numbers) > MAX_SHOWN else ""
        parts.append(f"{name} = [{shown}{more}]")
    return "; ".join(parts)


class Replay:
    """One execution of a claim on the inputs of a counterexample.

    Attributes:
        holds: whether the claim is true there.
    """

    def __init__(self, question: Question, inputs: Mapping[str, Tensor]) -> None:
        self._graph = question.margin.graph
        self._root = question.holds
        self._values = evaluate(self._graph, inputs)
        self.holds = bool(self._values[question.holds].all())

    @property
    def text(self) -> str:
        """` with 4.25 <= 4 false`: what was compared, where a comparison is false at its first such element."""
        compared = [self._comparison(id) for id in comparisons(self._graph, self._root)]
        shown = ", ".join(compared[:MAX_COMPARED])
        more = f" and {len(compared) - MAX_COMPARED} more" if len(compared) > MAX_COMPARED else ""
        return f" with {shown}{more}" if compared else ""

    def _comparison(self, id: int) -> str:
        node, truth = self._graph[id], self._values[id]
        left, right = (self._values[operand].expand(truth.shape).flatten() for operand in node.inputs)
        # The first element where it is false; where it is true everywhere, any element says so.
        place = int(truth.flatten().int().argmin())
        verdict = "true" if bool(truth.all()) else "false"
        where = f" at {[int(i) for i in _index(place, truth)]}" if truth.numel() > 1 else ""
        return f"{_text(left[place])} {_SYMBOLS[node.op]} {_text(right[place])} {verdict}{where}"


def _index(place: int, like: Tensor) -> list[int]:
    index: list[int] = []
    for size in reversed(like.shape):
        place, digit = divmod(place, size)
        index.insert(0, digit)
    return index


def _text(number: Tensor) -> str:
    return f"{number.item():.9g}"
