"""The interpreter's heart: dispatch over the syntax tree, the place that is being followed, and what is reported.

It is an abstract interpreter: it walks the tree of a user's file and never runs it. Python values that are known are
computed, operations on tensors append nodes to a graph, and everything else is an `Unknown` with its reason. What
each kind of expression or statement does stands in the modules that register with `EXPRESSIONS` and `STATEMENTS`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torchlean.capture.budgets import CALL_DEPTH, Fuel
from torchlean.capture.environment import Frame
from torchlean.capture.flow import PERHAPS
from torchlean.capture.journal import Journal
from torchlean.capture.observe import Observer
from torchlean.capture.values import (
    ExceptionValue,
    Instance,
    Raised,
    TensorValue,
    Unknown,
    UserClass,
    UserFunction,
    Value,
)
from torchlean.diagnostics import Diagnostic, Related, diagnostic
from torchlean.graph import GraphBuilder
from torchlean.source import Span

if TYPE_CHECKING:
    from torchlean.capture.emitter import CaptureEmitter
    from torchlean.capture.families import FamilyDefinition
    from torchlean.capture.module_units import ModuleCall
    from torchlean.capture.result import Family
    from torchlean.capture.values import ModuleValue
    from torchlean.capture.workspace import Workspace
    from torchlean.claims.domain import Box
    from torchlean.claims.samples import Samples

Expression = Callable[["Interpreter", Any, Frame], Value]
Statement = Callable[["Interpreter", Any, Frame], object]

EXPRESSIONS: dict[type[ast.AST], Expression] = {}
STATEMENTS: dict[type[ast.AST], Statement] = {}
"""What to do for each kind of node; a statement gives back None or a control flow signal (`flow`)."""

NEVER_RIGHT = ("name `", "`torch", "`__init__()`", "`forward()`")
"""How errors begin that are errors whatever a condition that is not known may say of the values there."""

SAME_REASON = 3
"""Places in a file where the same reason for something unknown is said; more of them tell nothing new."""

SAID_OF_IMPORTS = frozenset({"TL104", "TL105"})
"""A file that cannot be read, or that uses up the budget, leaves the importing file without what it defines."""


@dataclass(eq=False, slots=True)
class ClaimDefinition:
    """A function that was decorated as a claim.

    Attributes:
        function: the claim's body.
        domains: the box of each parameter that has one.
        span: where the claim is named.
        name: what to call it, where that is not the function's name.
        executed: see `Unit.executed`.
        family: what it is a fact of, if so.
        sampled: of the parameter that ranges over the samples of a data file, their regions; `domains` has the box
            around all of them.
    """

    function: UserFunction
    domains: dict[str, Box]
    span: Span
    name: str = ""
    executed: bool = True
    family: Family | None = None
    sampled: dict[str, Samples] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Doubt:
    """A call that may have returned, under a condition that is not known, but whose body is still followed.

    What it changes from then on outside of its own scopes (`private`, by identity) is unknown.
    """

    frame: Frame
    unknown: Unknown
    private: set[int]


class Interpreter:
    """Everything that is known while one file is followed.

    Attributes:
        path: the analysed file.
        builder: the file's graph; `emitter` appends to it.
        node, frame: the expression that is being followed, and the call it stands in.
        claims: what the file claims, in order, and `families` of claims.
        modules: imported files by dotted name.
        dependencies: other files that were read or looked for.
        tainted: containers and tensors whose content depends on an unknown condition, by identity.
        default_dtype: what `torch.set_default_dtype` was called with, None where it was not.
        classes: every class that was defined, in order.
        made_in_script: how many of the instances the file itself makes.
        instances: modules of classes in the analysed file, with a one-line description.
        calls: calls of such modules by the file's own top level.
        weights: parameters and buffers that the analysed file makes, with place and description.
        doubts: calls that may have returned already, innermost last.
        perhaps_raised: set when a `try` body may have been left under a condition that is not known.
        replaced: set when the program replaces a function of torch: what torch computes then is not known.
        patched: what the program adds to torch, by dotted name.
        left_out: something went wrong since an imported file was begun, so that it may define more than is known.
        uncertain: how many conditions that are not known stand around what is being followed.
        trying: how many trials of a loop's body are being followed, one inside the other (`iterations`), and how many
            loops were `cut_short` in such a trial so far.
        in_script: the file's own top level is being followed, and not a claim or a module as a unit.
        importing: how many imported files' top levels are being followed, one inside the other.
        discarded: the expression whose value is not used: a call in a statement of its own.
        promises: what has to be true, for the claim that is being followed to give a result and not raise; None outside
            of claims.
    """

    def __init__(
        self, path: str, workspace: Workspace, cancelled: Callable[[], bool] = lambda: False
    ) -> None:
        from torchlean.capture.emitter import CaptureEmitter

        self.path = path
        self.workspace = workspace
        self.builder = GraphBuilder()
        self.emitter: CaptureEmitter = CaptureEmitter(self)
        self.fuel = Fuel(cancelled)
        self.node: ast.AST = ast.Pass()
        self.frame: Frame | None = None
        self.observer = Observer()
        self.journal: Journal | None = None
        self.tainted: dict[int, tuple[object, Unknown]] = {}
        self.diagnostics: dict[tuple[object, ...], Diagnostic] = {}
        self.reported: list[Unknown] = []
        self.claims: list[ClaimDefinition] = []
        self.families: list[FamilyDefinition] = []
        self.modules: dict[str, ModuleValue | Unknown] = {}
        self.dependencies: dict[str, None] = {}
        self.default_dtype: Any = None
        self.classes: list[UserClass] = []
        self.instances: list[tuple[Instance, str]] = []
        self.calls: list[ModuleCall] = []
        self.weights: list[tuple[TensorValue, Span, str]] = []
        self.doubts: list[Doubt] = []
        self.perhaps_raised: Unknown | None = None
        self.script_done = False
        self.importing = 0
        self.left_out = False
        self.uncertain = 0
        self.trying = 0
        self.cut_short = 0
        self.in_script = False
        self.made_in_script = 0
        self.replaced: Unknown | None = None
        self.patched: dict[str, Value] = {}
        self.discarded: ast.AST | None = None
        self.promises: list[Value] | None = None
        self.state: dict[str, Any] = {}

    # -- walking ---------------------------------------------------------------------------------------------------

    def eval(self, node: ast.expr, frame: Frame) -> Value:
        """The value of an expression."""
        fuel = self.fuel
        fuel.slice -= 1
        if fuel.slice < 0:
            self._refill(node, frame)
        return EXPRESSIONS[type(node)](self, node, frame)

    def exec(self, node: ast.stmt, frame: Frame) -> object:
        """Follow a statement; gives back None or a control flow signal."""
        fuel = self.fuel
        fuel.slice -= 1
        if fuel.slice < 0:
            self._refill(node, frame)
        try:
            return STATEMENTS[type(node)](self, node, frame)
        except RecursionError:
            if frame.depth > CALL_DEPTH // 4:
                raise  # unwind further, to have room for the message
            self._too_deep(node, frame)
            return None

    def block(self, body: Sequence[ast.stmt], frame: Frame) -> object:
        """Follow statements until one leaves the block."""
        for position, statement in enumerate(body):
            flow = self.exec(statement, frame)
            if flow is PERHAPS and position + 1 < len(body):
                return self._perhaps_not(body[position + 1 :], frame)
            if flow is not None:
                return flow
        return None

    def _perhaps_not(self, rest: Sequence[ast.stmt], frame: Frame) -> object:
        """The loop may have gone on or ended before these statements: what they change is unknown."""
        from torchlean.capture.conditions import perhaps, perhaps_returned

        unknown = Unknown(
            "it depends on a `break` or `continue` under a condition that is not known", self.place()
        )
        flow = perhaps(self, lambda: self.block(rest, frame), unknown, once=True)
        perhaps_returned(self, frame, flow, unknown)
        return PERHAPS

    def _refill(self, node: ast.AST, frame: Frame) -> None:
        self.node, self.frame = node, frame
        self.fuel.refill()

    def _too_deep(self, node: ast.stmt, frame: Frame) -> None:
        from torchlean.capture.conditions import forget_assigned

        self.at(node, frame)
        unknown = self.over_budget("this statement is nested too deeply to be analysed")
        forget_assigned(self, [node], frame, unknown)

    # -- the place -------------------------------------------------------------------------------------------------

    def at(self, node: ast.AST, frame: Frame) -> None:
        """What follows happens at this expression."""
        self.node = node
        self.frame = frame

    def spans(self) -> tuple[Span, ...]:
        """Where we are, innermost first; stubs have no places."""
        frame = self.frame
        if frame is None:
            return ()
        if frame.module.internal:
            return frame.chain
        return (frame.module.span(self.node), *frame.chain)

    def place(self) -> Span:
        """The innermost place in the analysed file."""
        spans = self.spans()
        return next((span for span in spans if span.path == self.path), Span(self.path, 0, 0, 0, 0))

    def label(self) -> str:
        """The source text of the expression at `place`."""
        frame = self.frame
        if frame is None or frame.module.internal:
            return ""
        return frame.module.label(self.node)

    def promise(self, value: Value, unknown: Unknown) -> None:
        """The program raises an exception unless a value is true, whose truth is not known for this reason."""
        if self.promises is not None:
            certain = isinstance(value, TensorValue) and not self.uncertain and not self.doubts
            self.promises.append(value if certain else unknown)

    # -- reporting -------------------------------------------------------------------------------------------------

    def report(self, code: str, message: str, *related: Related, span: Span | None = None) -> None:
        """Say something once about a place (default: here); without any place it is left to the unit's failure.

        What the top level of an imported file does is said when that file itself is looked at.
        """
        self.left_out = self.left_out or code != "TL102"
        if (span is None and not self.spans()) or (self.importing and code not in SAID_OF_IMPORTS):
            return
        place = span if span is not None else self.place()
        key = (place, code, message)
        if key in self.diagnostics:
            return
        spans = self.spans()
        if span is None and spans and spans[0].path != self.path:
            related = (*related, Related(spans[0], "this is the place"))
        self.diagnostics[key] = diagnostic(code, place, message, *related)

    def error(
        self,
        code: str,
        message: str,
        *related: Related,
        kind: type[BaseException] = TypeError,
        span: Span | None = None,
        text: str | None = None,
    ) -> Unknown:
        """Something the program does that raises in Python for certain; `text` is Python's, where that is known.

        Inside a `try` of the program the exception is raised there; else it is reported and the value is unknown.
        """
        frame = self.frame
        if frame is not None and frame.caught:
            node = self.node
            raise Raised(
                ExceptionValue(kind, (text or Unknown("Python's text of this exception", reported=True),)),
                lambda: self._report_at(node, frame, code, message, related, span),
            )
        if self.uncertain and code == "TL103" and not message.startswith(NEVER_RIGHT):
            return Unknown(f"{message} (if this is reached at all)", self.place())
        if span is None and not self.spans():
            return Unknown(message, self.place())  # the unit's failure says it
        self.report(code, message, *related, span=span)
        return Unknown("an error was reported for it", self.place(), reported=True)

    def _report_at(
        self,
        node: ast.AST,
        frame: Frame,
        code: str,
        message: str,
        related: tuple[Related, ...],
        span: Span | None,
    ) -> None:
        self.at(node, frame)
        self.report(code, message, *related, span=span)

    def unfollowed(self, reason: str) -> Unknown:
        """A tensor computation that is not followed: said here, and everything after it is unknown."""
        return self.enters(Unknown(reason, self.place()))

    def enters(self, unknown: Unknown) -> Unknown:
        """An unknown meets a tensor: say so, the first time."""
        if not unknown.reported:
            unknown.reported = True
            self.reported.append(unknown)
            message = f"unknown from here: {unknown.reason}"
            if not self._is_said(message) and (
                sum(key[1:] == ("TL102", message) for key in self.diagnostics) < SAME_REASON
            ):
                self.report("TL102", message)
        return unknown

    def _is_said(self, message: str) -> bool:
        """Whether this was said of the place, with what is known of the numbers all the same or without.

        A method of a module is followed where the script calls it, and by itself.
        """
        place = self.place()
        said = [
            found.message
            for (where, *_), found in self.diagnostics.items()
            if where == place and found.code == "TL102"
        ]
        return any(text.startswith(message) or message.startswith(text) for text in said)

    def over_budget(self, message: str) -> Unknown:
        """A value that would cost too much: said here, and everything after it is unknown."""
        self.report("TL105", f"not analysed: {message}")
        return Unknown(message, self.place(), reported=True)

    # -- changing things -------------------------------------------------------------------------------------------

    def assign(self, names: dict[str, Value], key: Any, value: Value) -> None:
        """Every change of a scope, an object's attributes or a dictionary goes through here."""
        if self.journal is not None:
            self.fuel.slice -= self.journal.entry(names, key)
        if self.doubts and id(names) not in self.doubts[-1].private:
            value = self.doubts[-1].unknown
        names[key] = value

    def makes(self, container: object) -> None:
        """A scope, an object's attributes or a container has come to be."""
        if self.journal is not None:
            self.journal.makes(container)

    def remove(self, names: dict[str, Value], key: Any) -> None:
        if self.journal is not None:
            self.fuel.slice -= self.journal.entry(names, key)
        del names[key]

    def changes(self, container: object) -> None:
        """A list, set, dictionary or tensor is about to change in place."""
        if self.doubts:
            self.taint(container, self.doubts[-1].unknown)
        if self.journal is not None:
            self.fuel.slice -= self.journal.content(container)

    def taken_doubt(self, before: Unknown | None) -> Unknown | None:
        """Why the `try` body that just ended may have been left, if so; `before` is put back for the one around it."""
        doubt, self.perhaps_raised = self.perhaps_raised, before
        return doubt

    def seen(self, value: Value) -> Value:
        """A value that is read: unknown when its content depends on an unknown condition."""
        if self.tainted:
            found = self.tainted.get(id(value))
            if found is not None:
                return found[1]
        return value

    def taint(self, container: object, unknown: Unknown) -> None:
        self.tainted[id(container)] = (container, unknown)

    # -- modules -------------------------------------------------------------------------------------------------------

    def created(self, instance: Instance, arguments: list[Value], keywords: dict[str, Value]) -> None:
        """An object of a module class was made."""
        from torchlean.capture.module_units import summary_of

        if instance.cls.module.analysed:
            self.instances.append((instance, summary_of(self, instance, arguments, keywords)))
