"""Loops: unrolled where the number of iterations is known and small, else followed once for any of them.

A loop that trains is always followed once, as its iterations differ in the weights; `iterations` says how.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from torchlean.capture.budgets import LOOP
from torchlean.capture.conditions import forget_assigned, known_truth, perhaps, perhaps_returned
from torchlean.capture.environment import Frame
from torchlean.capture.flow import BREAK, CONTINUE, PERHAPS
from torchlean.capture.foreign import silenced
from torchlean.capture.interpreter import Interpreter
from torchlean.capture.iteration import ItemsUnknown, Walk, one_by_one, range_length
from torchlean.capture.iterations import any_iteration
from torchlean.capture.standard import Endless
from torchlean.capture.statements import follows, store
from torchlean.capture.streams import common_item, items_before_unknown, stream_of
from torchlean.capture.training import trains
from torchlean.capture.values import MISSING, GeneratorStopped, Instance, Unknown, Value
from torchlean.capture.varying import counter

GENERATOR = 1_000
"""Iterations of a `while` loop in a generator: one that goes on has no end, and is meant to be stopped from outside."""

COMPUTING = 64
"""Iterations of a script's loop that are followed one by one where each computes with tensors: a recurrent network goes
through that many steps, a simulation or an iterative solver through thousands. The rest is followed once, for any."""

UNROLLED = 4_000
"""Tensors of a script that its loops compute one by one. Bounds, errors and hazards of each take a millisecond when
they are new and a tenth of that after every edit; ten times as many took longer than an analysis may."""

UNROLLED_LATER = UNROLLED // 4
"""As many are left to each loop that comes later: a step of a recurrent network takes some dozens."""

UNROLLED_ELEMENTS = 2**24
"""Elements of these tensors together, for each loop, those of weights apart. All that is found out of one takes some
microseconds, and an image network that a sampler goes through a thousand times computes as many at once."""

RETURNS_IN_DOUBT = 8
"""Iterations of a `while` loop that may each have left the function: the next ones tell nothing new."""


@follows(ast.For)
@follows(ast.AsyncFor)
def _for(run: Interpreter, node: ast.For | ast.AsyncFor, frame: Frame) -> object:
    iterable = run.eval(node.iter, frame)
    run.at(node.iter, frame)
    stream = stream_of(run, iterable)
    if stream is not None:
        return _once(run, node, frame, stream.unknown, stream.make, surely=True)
    if isinstance(iterable, range) and (trains(run, node, frame) or range_length(iterable) > LOOP):
        return _counted(run, node, frame, iterable)
    endless = _items_ahead(iterable)
    items = one_by_one(run, iterable) if endless is None else endless
    if isinstance(items, Unknown):
        return _once(run, node, frame, items)
    if trains(run, node, frame) and len(items) > 1:
        common = common_item(run, items)
        if common is not None or not run.in_script:
            unknown = Unknown("it is the result of a training loop", run.place())
            return _once(run, node, frame, unknown, common, surely=True)
    if len(items) > LOOP:
        text = f"this loop runs {len(items):,} times; TorchLean follows loops of up to {LOOP:,}"
        return _once(run, node, frame, run.over_budget(text))
    return _unrolled(run, node, frame, items, endless, iterable)


def _counted(run: Interpreter, node: ast.For | ast.AsyncFor, frame: Frame, numbers: range) -> object:
    """A range that is not gone through: any of its numbers."""
    length = range_length(numbers)
    if length == 0:
        return run.block(node.orelse, frame)
    first, final = numbers.start, numbers.start + (length - 1) * numbers.step
    reason = "it is the result of a training loop"
    if not trains(run, node, frame):
        reason = f"this loop runs {length:,} times; TorchLean follows loops of up to {LOOP:,}"
        if not run.in_script:
            return _once(run, node, frame, run.over_budget(reason))
    variable = counter("the variable of a loop", min(first, final), max(first, final))
    return _once(run, node, frame, Unknown(reason, run.place()), lambda run: variable, surely=True)


def _unrolled(
    run: Interpreter,
    node: ast.For | ast.AsyncFor,
    frame: Frame,
    items: list[Value],
    endless: list[Value] | None,
    iterable: Value,
) -> object:
    walk, computed, position = Walk(run, iterable, items), _Computed(run), 0
    while True:
        reason = _computes(run, node.iter, frame, position, computed) if walk.rest else None
        if reason is not None:
            return _once(run, node, frame, reason, common_item(run, walk.rest), surely=True)
        if position >= LOOP:
            endless = items
            break
        if run.tainted and isinstance(run.seen(items), Unknown):
            return _once(run, node, frame, run.seen(items))
        run.at(node.iter, frame)
        try:
            item = walk.next()
        except ItemsUnknown as changed:
            return _once(run, node, frame, changed.unknown)
        if item is MISSING:
            break
        position += 1
        store(run, node.target, item, frame)
        flow = run.block(node.body, frame)
        if flow is BREAK:
            return None
        if flow is PERHAPS:
            if walk.rest or node.orelse:
                return _stopped(run, node, frame)
        elif flow is not None and flow is not CONTINUE:
            return flow
    if endless is not None:
        run.at(node.iter, frame)
        return _once(run, node, frame, run.over_budget(f"this loop runs more than {len(items):,} times"))
    return run.block(node.orelse, frame)


class _Computed:
    """The tensors that a loop has computed so far.

    Attributes:
        before: how many nodes the graph had when the loop began.
        elements: of what was computed since, weights apart. Each node is counted once, and not in every iteration.
    """

    def __init__(self, run: Interpreter) -> None:
        self.before = self._counted = len(run.builder.nodes)
        self.elements = 0

    def count(self, run: Interpreter) -> int:
        """Count what came since the last time; returns how many nodes came since the loop began."""
        nodes = run.builder.nodes
        self.elements += sum(node.type.numel for node in nodes[self._counted :] if node.inputs)
        self._counted = len(nodes)
        return len(nodes) - self.before


def _computes(
    run: Interpreter, head: ast.expr, frame: Frame, count: int, computed: _Computed
) -> Unknown | None:
    """Why the rest of a script's loop is followed once, after `count` iterations; None where it goes on."""
    made = computed.count(run)
    if not run.in_script or not made:
        return None
    if count == COMPUTING and made >= COMPUTING:
        return Unknown(f"this loop computes with tensors more than {COMPUTING} times", reported=True)
    if _within_network(frame):
        return None
    if made < max(UNROLLED - computed.before, UNROLLED_LATER):
        if computed.elements <= UNROLLED_ELEMENTS:
            return None
        reason = f"this loop computes tensors of more than {UNROLLED_ELEMENTS:,} elements together"
        return Unknown(reason, reported=True)
    run.at(head, frame)
    reason = f"the loops of this script compute more than {UNROLLED:,} tensors"
    said = "the first iterations of this one are followed one by one, and one more stands for all others"
    run.report("TL105", f"{reason}: {said}")
    return Unknown(reason, reported=True)


def _within_network(frame: Frame) -> bool:
    """Whether the frame is part of a forward pass of a module, or makes one: what its loops go through are layers, and
    steps of one input. Other methods are like functions: they sample, a thousand times through the forward pass."""
    here: Frame | None = frame
    while here is not None:
        of_module = isinstance(here.receiver, Instance) and here.receiver.cls.is_module
        if of_module and here.function is not None and here.function.name in ("forward", "__init__"):
            return True
        here = None if here.site is None else here.site[1]
    return False


def _items_ahead(iterable: Value) -> list[Value] | None:
    """The first items of an iterator without a known end; None for all others."""
    if isinstance(iterable, Endless):
        return iterable.first(LOOP)
    return items_before_unknown(iterable)


@follows(ast.While)
def _while(run: Interpreter, node: ast.While, frame: Frame) -> object:
    if trains(run, node, frame):
        unknown = Unknown("it is the result of a training loop", frame.module.span(node.test))
        endless = isinstance(node.test, ast.Constant) and bool(node.test.value)
        return _once(run, node, frame, unknown, surely=endless)
    computed, returns = _Computed(run), len(frame.maybe_returned)
    for count in range(LOOP if frame.yielded is None else GENERATOR):
        reason = _computes(run, node.test, frame, count, computed)
        if reason is not None:
            if frame.yielded is not None:
                raise GeneratorStopped
            return _once(run, node, frame, reason)
        condition = run.eval(node.test, frame)
        run.at(node.test, frame)
        truth = known_truth(run, condition)
        if isinstance(truth, Unknown):
            return _once(run, node, frame, truth)
        if not truth:
            return run.block(node.orelse, frame)
        flow = run.block(node.body, frame)
        if flow is BREAK:
            return None
        if flow is PERHAPS or len(frame.maybe_returned) - returns >= RETURNS_IN_DOUBT:
            return _stopped(run, node, frame)
        if flow is not None and flow is not CONTINUE:
            return flow
    run.at(node.test, frame)
    if frame.yielded is not None:
        raise GeneratorStopped
    return _once(run, node, frame, run.over_budget(f"this loop runs more than {LOOP:,} times"))


def _once(
    run: Interpreter,
    node: ast.For | ast.AsyncFor | ast.While,
    frame: Frame,
    unknown: Unknown,
    item: Callable[[Interpreter], Value] | None = None,
    surely: bool = False,
) -> object:
    """Any one iteration; what is not known of it is unknown.

    Outside of scripts everything that the loop changes is unknown afterwards: a claim must not depend on what is
    assumed of loops here.
    """

    def body() -> object:
        if isinstance(node, ast.While):
            run.eval(node.test, frame)
        elif item is not None:
            store(run, node.target, item(run), frame)
        else:
            store(run, node.target, silenced(unknown) if run.in_script else unknown, frame)
        return run.block(node.body, frame)

    if run.in_script:
        flow: Value = any_iteration(run, frame, body, surely)
        perhaps_returned(run, frame, flow, unknown)
        return run.block(node.orelse, frame)
    flow = perhaps(run, body, unknown)
    perhaps_returned(run, frame, flow, unknown)
    forget_assigned(run, [node], frame, unknown)
    return run.block(node.orelse, frame)


def _stopped(run: Interpreter, node: ast.For | ast.AsyncFor | ast.While, frame: Frame) -> object:
    """The loop may or may not have ended here: what the rest of it changes is unknown."""
    reason = "the loop that computes it ends on a condition that is not known"
    return _once(run, node, frame, Unknown(reason, frame.module.span(node)))
