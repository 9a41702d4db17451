"""Families of claims: one call bound to a name states many facts, `safe = tl.robust(net, data=..., eps=0.02)`.

What a family says is written out by whoever makes it (`torchlean_robust` and its siblings); what is common to all
stands here: the call gives a `FamilyDefinition`, the module-level name that it is bound to names it, and its claims are
followed and decided like any others under the names `name.fact`. Bodies of such claims are functions of a stub
(`stub_functions`), interpreted like the user's own, so that the code they call is shown and reported where it stands.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torchlean.capture.calling import call
from torchlean.capture.result import Family
from torchlean.capture.stub_modules import stub_module
from torchlean.capture.values import BoundMethod, Instance, Native, Partial, Unknown, UserFunction, Value
from torchlean.claims.errors import unbound_family

if TYPE_CHECKING:
    from torchlean.capture.environment import Frame
    from torchlean.capture.interpreter import Interpreter
    from torchlean.claims.domain import Box
    from torchlean.claims.levels import Levels
    from torchlean.claims.samples import Samples
    from torchlean.source import Span

FUNCTIONS = (Instance, UserFunction, BoundMethod, Partial, Native)
"""What a program can give as a function."""

STATES = "states"
"""Under this key of the interpreter's state: nodes that the fact being followed speaks about (`Unit.states`)."""


@dataclass(eq=False, slots=True)
class Fact:
    """One claim of a family: for all inputs in `domains` (by parameter of `body`), the body's comparison holds, in
    every execution, or with `executed` false in exact arithmetic."""

    name: str
    body: UserFunction
    domains: dict[str, Box]
    executed: bool = True


@dataclass(eq=False, slots=True)
class Batch:
    """One claim for each sample of a data file: `body`, called on a batch of one sample, scores the classes.

    `file` is what the program calls the file, and `place` where it does.
    """

    body: Value
    samples: Samples
    file: str
    place: Span | None


@dataclass(eq=False, slots=True)
class FamilyDefinition:
    """A family as the program makes it.

    Attributes:
        kind: the function that made it: `robust`, `lyapunov`.
        call: where it is made.
        facts: its claims, or `batch`, where it has one for each sample.
        levels: of a Lyapunov function.
        name: the name it is bound to, and `span` that name's place; None until it is.
    """

    kind: str
    call: Span
    facts: tuple[Fact, ...] = ()
    batch: Batch | None = None
    levels: Levels | None = None
    name: str = ""
    span: Span | None = None

    @property
    def bound(self) -> Family:
        """As results have it."""
        assert self.span is not None, "a family is asked for after it was bound"
        return Family(self.name, self.kind, self.span, self.levels)


def new_family(
    run: Interpreter,
    kind: str,
    facts: tuple[Fact, ...] = (),
    batch: Batch | None = None,
    levels: Levels | None = None,
) -> FamilyDefinition:
    """The family that the call at the interpreter's place makes; it is looked at once a name is bound to it."""
    family = FamilyDefinition(kind, run.place(), facts, batch, levels)
    if not run.importing:
        run.families.append(family)
    return family


def stub_functions(
    run: Interpreter, kind: str, function: str, **arguments: Value
) -> Mapping[str, UserFunction] | Unknown:
    """What `function(**arguments)` of the stub `torchlean_<kind>` returns: bodies of facts by name."""
    stub = stub_module(f"torchlean.{kind}")
    assert stub is not None, f"there is a stub for {kind}"
    found = call(run, stub.environment.names[function], [], arguments)
    if isinstance(found, Unknown):
        return found
    assert isinstance(found, dict), "the stub returns its functions by name"
    assert all(isinstance(body, UserFunction) for body in found.values()), "the stub defines its facts"
    return found


def name_family(
    run: Interpreter, node: ast.Assign | ast.AnnAssign, family: FamilyDefinition, frame: Frame
) -> None:
    """`name = tl.robust(...)` at the top level of the analysed file: the first such name is the family's."""
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    top = frame.module.analysed and frame.environment.parent is None
    if isinstance(target, ast.Name) and top and family.span is None:
        family.name, family.span = target.id, frame.module.span(target)


def bound_families(run: Interpreter) -> list[FamilyDefinition]:
    """The file's families that have a name, the last of each name; calls that no name was bound to are reported."""
    last: dict[str, FamilyDefinition] = {}
    for family in run.families:
        if family.span is None:
            run.report("TL304", unbound_family(family.kind), span=family.call)
        else:
            last[family.name] = family
    return list(last.values())
