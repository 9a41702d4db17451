"""What is wrong with an ONNX file, as data and as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NODES_NAMED = 5
"""Nodes that a message names for one reason: a hundred layers of one kind are one problem, not a hundred."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One node that is not supported, or that says something impossible.

    Attributes:
        operator: with its domain, where that is not ONNX's own: `Conv`, `com.microsoft.Gelu`.
        node: the node's name in the file, empty where it has none.
        output: the name of its first output.
        opset: the version of the operator set that the file asks for.
        reason: what exactly is not supported, or wrong.
    """

    operator: str
    node: str
    output: str
    opset: int
    reason: str

    def __str__(self) -> str:
        name = f" `{self.node}`" if self.node else ""
        return f"{self.operator}{name} (output `{self.output}`, opset {self.opset}): {self.reason}"


class OnnxError(ValueError):
    """The file is not a model that TorchLean can analyse; the message says all that is wrong with it.

    Attributes:
        path: the file, as it was given.
        problems: of single nodes; empty where the file as a whole is at fault.
    """

    def __init__(self, path: str, reason: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(f"{path}: {_printable(reason)}")
        self.path = path
        self.problems = tuple(problems)

    @staticmethod
    def of_nodes(path: str, problems: Sequence[Problem]) -> OnnxError:
        """One error for all nodes that cannot be imported: every operator, and how many nodes."""
        return OnnxError(path, _report(problems), problems)


def _printable(text: str) -> str:
    """Names in a file are any text; what would steer a terminal is written as its escape."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


class FileFault(Exception):
    """The file as a whole is at fault. Becomes an `OnnxError` where the path is known."""


def _report(problems: Sequence[Problem]) -> str:
    groups: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        groups.setdefault((problem.operator, problem.reason), []).append(problem)
    counts: dict[str, int] = {}
    for problem in problems:
        counts[problem.operator] = counts.get(problem.operator, 0) + 1
    total = ", ".join(f"{operator} ({_nodes(count)})" for operator, count in counts.items())
    lines = [f"cannot be imported because of {total}; opset {problems[0].opset}"]
    lines += [_group(operator, reason, found) for (operator, reason), found in groups.items()]
    return "\n".join(lines)


def _group(operator: str, reason: str, problems: Sequence[Problem]) -> str:
    named = ", ".join(_place(problem) for problem in problems[:NODES_NAMED])
    rest = len(problems) - NODES_NAMED
    more = f" and {rest} more" if rest > 0 else ""
    return f"  {operator}: {reason}\n    at {named}{more}"


def _place(problem: Problem) -> str:
    return f"`{problem.node}` (output `{problem.output}`)" if problem.node else f"output `{problem.output}`"


def _nodes(count: int) -> str:
    return "1 node" if count == 1 else f"{count} nodes"
