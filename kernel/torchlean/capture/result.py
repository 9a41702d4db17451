"""What capturing one file yields: one graph for the whole file, and the units that a person asks about.

A *unit* is a claim, a module (with an input shape that was found in the file or inferred), or the file's own
module-level script. All units share the file's graph, so what two claims have in common is one node; a unit's nodes
are the ones below its observations and results.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torchlean.diagnostics import Diagnostic
from torchlean.graph import Graph
from torchlean.source import Span

if TYPE_CHECKING:
    from torchlean.claims.domain import Box
    from torchlean.claims.levels import Levels
    from torchlean.claims.samples import Samples


class UnitKind(str, enum.Enum):
    CLAIM = "claim"
    FAMILY = "family"  # one claim for each sample of a data file, decided together
    MODULE = "module"
    SCRIPT = "script"


class Role(str, enum.Enum):
    """What an observed place is to a reader."""

    EXPRESSION = "expression"  # an expression inside forward, a claim or the script
    ASSIGNMENT = "assignment"  # the target name of an assignment
    RETURN = "return"  # the value a return statement gives back
    ARGUMENT = "argument"  # a parameter of a function: what came in
    LAYER = "layer"  # the line in __init__ that made a layer: its output when called
    PARAMETER = "parameter"  # a weight or buffer at the place that made it


@dataclass(frozen=True, slots=True)
class Observation:
    """At `span`, the program has the tensor `node` of the file's graph.

    A place that runs several times (a loop, a layer used twice) has several observations, in order of execution.
    `label` is what stands there (`self.fc1(x)` shortened, the name, the layer's description). `partly`: at other times
    what stands there is not followed.
    """

    span: Span
    node: int
    role: Role
    label: str
    partly: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """Claims that one call states together.

    Attributes:
        name: what the program binds it to.
        kind: the function that makes it: `robust`, `lyapunov`.
        span: the name, where it is bound.
        levels: of a Lyapunov function.
    """

    name: str
    kind: str
    span: Span
    levels: Levels | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing a person can ask about.

    Attributes:
        kind, name: `claim stays_in_range`, `module Net`, `script model.py`. Names are unique in a file per kind.
        span: the name in the `def` or `class` line (or the target of an assignment), where the code lens stands.
        inputs: ids of the unit's `input` nodes, in order of the parameters.
        domains: the box of each input that has one, by input name.
        outputs: ids of the results; a claim has exactly one, a 0-d (or elementwise) bool, when captured wholly.
        observations: what to show where.
        failure: why there is no (whole) result, if so; also reported as a diagnostic.
        parameters: number of parameter elements (modules).
        summary: one line for the lens of a module: `Controller(hidden=32)`, plus the assumed input where it was.
        assumed_input: the input shape was inferred by trial, not found in the file.
        trained: every weight below the result was loaded from a file or stands in the program.
        executed: a claim is about executions in the program's number types, and not about exact numbers.
        family: what a claim is a fact of, or what a unit of that kind is.
        samples: of a family with one claim for each sample, of the input `sampled`: the region that each speaks of, and
            their labels. `domains` has the box around all of them.
        states: of a fact about a Lyapunov function, its nodes by what gives them: `V`, and `step`, the state after one.
        front_end: `source`, or `export` for what comes from the exported program.
    """

    kind: UnitKind
    name: str
    span: Span
    inputs: tuple[int, ...] = ()
    domains: dict[str, Box] = field(default_factory=dict)
    outputs: tuple[int, ...] = ()
    observations: tuple[Observation, ...] = ()
    failure: str | None = None
    parameters: int = 0
    summary: str = ""
    assumed_input: bool = False
    trained: bool = True
    executed: bool = True
    family: Family | None = None
    samples: Samples | None = None
    sampled: str = ""
    states: dict[str, int] = field(default_factory=dict)
    front_end: str = "source"


@dataclass(frozen=True, slots=True)
class Symbol:
    """An entry of the document's outline: a module class, its methods, a claim."""

    name: str
    kind: UnitKind
    span: Span  # the whole definition
    name_span: Span
    children: tuple[Symbol, ...] = ()


@dataclass(frozen=True, slots=True)
class Capture:
    """Everything static capture knows of one file.

    `dependencies` are the absolute paths of other files that were read or looked for (imports, weights, data), so
    that a change of any of them is a reason to capture again. `wanted` is the key of an export that would complete it
    and is not there yet, and `offer` the configuration file that could ask for one; empty where there is none.
    `differentiated` are nodes that the program wants gradients of, or through, and that do not say so themselves.
    """

    path: str
    graph: Graph
    units: tuple[Unit, ...]
    symbols: tuple[Symbol, ...]
    diagnostics: tuple[Diagnostic, ...]
    dependencies: tuple[str, ...]
    wanted: str = ""
    offer: str = ""
    differentiated: frozenset[int] = frozenset()
