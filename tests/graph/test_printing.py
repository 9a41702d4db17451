"""Graphs for people: the listing and DOT."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
import torch

from torchlean.graph import Graph, GraphBuilder, to_dot, to_text
from torchlean.ops import TensorType
from torchlean.source import Span


def sample(label: str = "fc1.weight") -> Graph:
    builder = GraphBuilder()
    x = builder.input("x", TensorType((1, 4), torch.float32))
    w = builder.parameter(torch.ones(1, 4), label)
    joined = builder.op("cat", [x.id, w.id], {"dim": 0}, (Span("dir/model.py", 13, 8, 13, 20),))
    half = builder.op("cast", [joined.id], {"dtype": torch.float16})
    flat = builder.op("reshape", [half.id], {"shape": (8,)})
    return builder.graph([flat.id, w.id])


def test_the_listing_shows_types_operands_attributes_names_and_places() -> None:
    assert to_text(sample()).splitlines() == [
        "%0 : (1, 4) float32 = input 'x'(name='x', position=0)",
        "%1 : (1, 4) float32 = parameter 'fc1.weight'()",
        "%2 : (2, 4) float32 = cat(%0, %1, dim=0)   # dir/model.py:14",
        "%3 : (2, 4) float16 = cast(%2, dtype=float16)",
        "%4 : (8,) float16 = reshape(%3, shape=(8,))",
        "return %4, %1",
    ]


def test_a_note_replaces_the_place() -> None:
    lines = to_text(sample(), note=lambda node: "seen" if node.op == "cat" else "").splitlines()
    assert lines[2].endswith("dim=0)   # seen")
    assert not any("model.py" in line for line in lines)


def test_dot_has_every_node_and_edge_once() -> None:
    lines = to_dot(sample()).splitlines()
    assert lines[0] == 'digraph "graph" {' and lines[-1] == "}"
    nodes = [match[1] for line in lines if (match := re.fullmatch(r"  n(\d+) \[.*\];", line))]
    edges = [match[0].strip() for line in lines if (match := re.fullmatch(r"  n\d+ -> n\d+;", line))]
    assert nodes == ["0", "1", "2", "3", "4"]
    assert edges == ["n0 -> n2;", "n1 -> n2;", "n2 -> n3;", "n3 -> n4;"]


def test_dot_draws_leaves_as_boxes_and_outputs_with_a_double_border() -> None:
    shapes = re.findall(r"n\d+ \[shape=(\w+)(, peripheries=2)?", to_dot(sample()))
    assert [shape for shape, _ in shapes] == ["box", "box", "ellipse", "ellipse", "ellipse"]
    assert [bool(double) for _, double in shapes] == [False, True, False, False, True]


NASTY = ['a"b', "back\\slash", "new\nline", "{braces} <tags> | bars", "ünïcödé", 'ends with \\"', "-> n0;"]


@pytest.mark.parametrize("label", NASTY)
def test_dot_strings_are_closed_whatever_a_label_holds(label: str) -> None:
    """Every line must consist of plain text and whole quoted strings, with all quotes inside them escaped."""
    for line in to_dot(sample(label), name=label).splitlines():
        outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", line)
        assert '"' not in outside, line
        assert re.fullmatch(r"[\w \[\]{};,=\->]*", outside), line


@pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")
@pytest.mark.parametrize("label", ["fc1.weight", *NASTY])
def test_graphviz_accepts_the_dot(label: str) -> None:
    done = subprocess.run(
        ["dot", "-Tsvg"], input=to_dot(sample(label), name=label), capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0 and done.stderr == ""
