"""The file read without shapes, and what is reported of that."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection

from torchlean.graph import Graph
from torchlean.graph.origin import Source, source_of
from torchlean.hazards.finding import Finding
from torchlean.hazards.memory import HazardMemory
from torchlean.hazards.patterns import COSINE, SELECTED
from torchlean.hazards.report import Examination, diagnostics_of
from torchlean.hazards.shapeless.components import component_findings
from torchlean.hazards.shapeless.interpreter import Exhausted, Interpreter, Names
from torchlean.hazards.shapeless.statements import block, run_function
from torchlean.hazards.shapeless.values import ClassValue, Function, Opaque
from torchlean.hazards.written import Written
from torchlean.source import Span

OF_NETWORKS = frozenset({"TL201", "TL210", "TL211", "TL212"})
"""Reported as soon as a network's output, or a sigmoid or softmax of anything, is below."""

BY_SHAPE = frozenset({"TL206", "TL209", "TL213", "TL219"})
"""Reported for the way of writing it, if a network's output is below."""

SATURATING = frozenset({"relu", "sigmoid", "softmax", "softplus", "tanh"})
"""Ops whose results reach the ends of their range for the numbers that anything may have."""

VANISHING = frozenset({"abs", "std", "var"})
"""Ops that are zero for some of any numbers: the deviation of equal ones, the size of zero."""


def examine_shapeless(
    written: Written,
    elsewhere: Collection[Span],
    generic: Collection[Span],
    cancelled: Callable[[], bool] = lambda: False,
    memory: HazardMemory | None = None,
) -> Examination:
    """Hazards of operations that capture did not reach.

    Args:
        written: the file.
        elsewhere: the places that were examined with shapes.
        generic: those that were examined as part of a module by itself alone. What the script gives it is better
            known here, where everything that is used there is followed.
        cancelled: asked before every node that is new.
        memory: what was found out about operations before.

    Raises:
        Cancelled: `cancelled()` became true.
    """
    graph, executed = _graph(written)
    places = [written.place(node) for node in graph]
    mine = [place is not None for place in places]
    recorded = [place is None or written.is_recorded(place) for place in places]
    memory = HazardMemory() if memory is None else memory
    found = component_findings(graph.nodes, mine, recorded, memory, cancelled)
    unfounded, fed = _unfounded(graph), _fed_by_networks(graph)
    guessed = {places[node.id] for node in graph if unfounded[node.id] or node.id >= executed}
    followed = frozenset(place for place in places if place is not None) - guessed
    seen = {*elsewhere, *(set(generic) - followed)}
    shown = [
        finding
        for finding in found
        if places[finding.node] not in seen and _is_founded(graph, finding, unfounded, fed)
    ]
    return Examination(tuple(diagnostics_of(graph, shown, written)), followed)


def _graph(written: Written) -> tuple[Graph, int]:
    """Everything the file computes, and how many of its nodes the script executes.

    The script comes first, then functions and classes that nothing calls.
    """
    run = Interpreter(written, run_function)
    names: Names = {}
    executed = 0
    try:
        block(run, written.module.tree.body, names)
        executed = len(run.operations.builder.nodes)
        for cls in written.syntax.of(ast.ClassDef):
            _class(run, cls, names)
        for statement in written.module.tree.body:
            if isinstance(statement, ast.FunctionDef) and statement not in run.called:
                run.function(Function(statement, names), (), {})
    except (Exhausted, RecursionError):
        executed = executed or len(run.operations.builder.nodes)  # what was followed until then is looked at
    return run.operations.builder.graph(), executed


def _class(run: Interpreter, node: ast.ClassDef, names: Names) -> None:
    """The methods of a class that were not followed from a call, on the first object that there is of it."""
    methods = [item for item in node.body if isinstance(item, ast.FunctionDef) and item not in run.called]
    if not methods:
        return
    made = run.made.get(node) or run.instance(ClassValue(node, names), (), {})
    for method in methods:
        if method.name != "__init__":
            given = [Opaque(tensor=method.name == "forward") for _ in method.args.args[1:]]
            run.function(Function(method, names, made), given, {})


def _unfounded(graph: Graph) -> list[bool]:
    """Whether a node's numbers depend directly on something that is not followed."""
    unfounded: list[bool] = []
    for node in graph:
        if node.op == "random":
            unfounded.append(source_of(node.attributes) is Source.UNKNOWN)
        else:
            reaching = node.op in SATURATING or node.op in VANISHING
            unfounded.append(not reaching and any(unfounded[id] for id in node.inputs))
    return unfounded


def _fed_by_networks(graph: Graph) -> list[bool]:
    """Whether a network's output, or a saturated function of anything, is below a node."""
    fed: list[bool] = []
    for node in graph:
        own = node.op == "random" and source_of(node.attributes) is Source.TRAINED
        # Vectors are alike sooner or later, the same one with itself at the latest: their cosine is 1.
        own = own or node.label == COSINE
        fed.append(own or node.op in SATURATING or any(fed[id] for id in node.inputs))
    return fed


def _is_founded(graph: Graph, finding: Finding, unfounded: list[bool], fed: list[bool]) -> bool:
    """Whether the finding rests on more than not following something."""
    if finding.code in OF_NETWORKS | BY_SHAPE:
        return fed[finding.operand]
    node = graph[finding.node]
    if node.op == "div" and graph[node.inputs[1]].label == SELECTED:
        return True
    operands = node.inputs if node.op == "pow_tensor" else (finding.operand,)
    return not any(unfounded[id] for id in operands) and finding.code not in (
        "TL202",
        "TL207",
        "TL214",
        "TL215",
        "TL218",
    )
