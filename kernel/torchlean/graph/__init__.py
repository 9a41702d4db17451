"""The op-tagged SSA graph that every front end builds and every engine reads."""

from torchlean.graph.builder import GraphBuilder
from torchlean.graph.evaluate import evaluate
from torchlean.graph.graph import Graph
from torchlean.graph.node import LEAVES, Node
from torchlean.graph.origin import Certainty, Region, Source, region_of
from torchlean.graph.printing import to_dot, to_text
from torchlean.graph.spec import InvalidGraphError, validate

__all__ = [
    "LEAVES",
    "Certainty",
    "Graph",
    "GraphBuilder",
    "InvalidGraphError",
    "Node",
    "Region",
    "Source",
    "evaluate",
    "region_of",
    "to_dot",
    "to_text",
    "validate",
]
