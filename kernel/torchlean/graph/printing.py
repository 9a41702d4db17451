"""Graphs for people: a text listing and Graphviz DOT."""

from __future__ import annotations

from collections.abc import Callable

import torch

from torchlean.graph.graph import Graph
from torchlean.graph.node import LEAVES, Node
from torchlean.ops import dtype_name
from torchlean.ops.op import Attribute


def to_text(graph: Graph, note: Callable[[Node], str] | None = None) -> str:
    """One line a node: `%3 : (1, 32) float32 = relu(%2)   # model.py:14`.

    Args:
        note: what to add at the end of a node's line instead of its place.
    """
    lines = []
    for node in graph:
        comment = note(node) if note else (_place(node) or "")
        text = f"%{node.id} : {node.type} = {_call(node)}"
        lines.append(f"{text}   # {comment}" if comment else text)
    lines.append("return " + ", ".join(f"%{id}" for id in graph.outputs))
    return "\n".join(lines)


def to_dot(graph: Graph, name: str = "graph") -> str:
    """Graphviz DOT: leaves as boxes, outputs with a double border."""
    lines = [f"digraph {_quote(name)} {{", "  rankdir=TB;", '  node [fontname="monospace"];']
    for node in graph:
        shape = "box" if node.op in LEAVES else "ellipse"
        border = ", peripheries=2" if node.id in graph.outputs else ""
        text = "\n".join(filter(None, [node.label, _operation(node), str(node.type)]))
        lines.append(f"  n{node.id} [shape={shape}{border}, label={_quote(text)}];")
    lines += [f"  n{operand} -> n{node.id};" for node in graph for operand in node.inputs]
    lines.append("}")
    return "\n".join(lines)


def _call(node: Node) -> str:
    arguments = [f"%{id}" for id in node.inputs]
    arguments += [f"{key}={_attribute(value)}" for key, value in sorted(node.attributes.items())]
    name = f"{node.op} {node.label!r}" if node.label and node.op in LEAVES else node.op
    return f"{name}({', '.join(arguments)})"


def _operation(node: Node) -> str:
    attributes = ", ".join(f"{key}={_attribute(value)}" for key, value in sorted(node.attributes.items()))
    return f"{node.op}({attributes})" if attributes else node.op


def _attribute(value: Attribute) -> str:
    return dtype_name(value) if isinstance(value, torch.dtype) else repr(value)


def _place(node: Node) -> str | None:
    return f"{node.span.path}:{node.span.line + 1}" if node.span else None


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
