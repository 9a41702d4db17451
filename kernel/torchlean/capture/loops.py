"""Loops: unrolled where the number of iterations is known and small, else followed once with everything unknown."""

from __future__ import annotations

import ast

from torchlean.capture.budgets import LOOP
from torchlean.capture.calling import silenced
from torchlean.capture.conditions import forget_assigned, known_truth, perhaps, perhaps_returned
from torchlean.capture.environment import Frame
from torchlean.capture.flow import BREAK, CONTINUE, PERHAPS
from torchlean.capture.interpreter import Interpreter
from torchlean.capture.iteration import items_of, range_length
from torchlean.capture.standard import Endless
from torchlean.capture.statements import follows, store
from torchlean.capture.values import GeneratorStopped, ListIterator, Unknown, Value

GENERATOR = 1_000
"""Iterations of a `while` loop in a generator: one that goes on has no end, and is meant to be stopped from outside."""


@follows(ast.For)
@follows(ast.AsyncFor)
def _for(run: Interpreter, node: ast.For | ast.AsyncFor, frame: Frame) -> object:
    iterable = run.eval(node.iter, frame)
    run.at(node.iter, frame)
    if _trains(node):
        return _once(run, node, frame, Unknown("it is the result of a training loop", run.place()))
    if isinstance(iterable, range) and range_length(iterable) > LOOP:
        text = f"this loop runs {range_length(iterable):,} times; TorchLean follows loops of up to {LOOP:,}"
        return _once(run, node, frame, run.over_budget(text))
    if isinstance(iterable, ListIterator):
        _ = iterable.items  # asked for one by one: the body runs in between
    endless = _items_ahead(iterable)
    items = items_of(run, iterable) if endless is None else endless
    if isinstance(items, Unknown):
        return _once(run, node, frame, items)
    if len(items) > LOOP:
        text = f"this loop runs {len(items):,} times; TorchLean follows loops of up to {LOOP:,}"
        return _once(run, node, frame, run.over_budget(text))
    if isinstance(iterable, list):
        items = iterable  # not a copy: what the body adds is iterated over, too
    position = -1
    while position + 1 < len(items):
        position += 1
        if position >= LOOP:
            endless = items
            break
        if run.tainted and isinstance(run.seen(items), Unknown):
            return _once(run, node, frame, run.seen(items))
        store(run, node.target, items[position], frame)
        flow = run.block(node.body, frame)
        if flow is BREAK:
            return None
        if flow is PERHAPS:
            if position < len(items) - 1 or node.orelse:
                return _stopped(run, node, frame)
        elif flow is not None and flow is not CONTINUE:
            return flow
    if endless is not None:
        run.at(node.iter, frame)
        return _once(run, node, frame, run.over_budget(f"this loop runs more than {len(items):,} times"))
    return run.block(node.orelse, frame)


def _items_ahead(iterable: Value) -> list[Value] | None:
    """The first items of an iterator without a known end; None for all others."""
    if isinstance(iterable, Endless):
        return iterable.first(LOOP)
    if isinstance(iterable, ListIterator) and iterable.rest_unknown is not None and iterable.items:
        return iterable.items[iterable.position :]
    return None


@follows(ast.While)
def _while(run: Interpreter, node: ast.While, frame: Frame) -> object:
    if _trains(node):
        return _once(
            run, node, frame, Unknown("it is the result of a training loop", frame.module.span(node.test))
        )
    for _ in range(LOOP if frame.yielded is None else GENERATOR):
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
        if flow is PERHAPS:
            return _stopped(run, node, frame)
        if flow is not None and flow is not CONTINUE:
            return flow
    run.at(node.test, frame)
    if frame.yielded is not None:
        raise GeneratorStopped
    return _once(run, node, frame, run.over_budget(f"this loop runs more than {LOOP:,} times"))


def _trains(node: ast.For | ast.AsyncFor | ast.While) -> bool:
    """Whether the loop trains: it computes gradients. Its iterations differ in the weights, which are not followed."""
    cached = getattr(node, "torchlean_trains", None)
    if cached is None:
        cached = any(
            isinstance(inner, ast.Attribute) and inner.attr == "backward"
            for statement in node.body
            for inner in ast.walk(statement)
        )
        node.torchlean_trains = cached  # type: ignore[union-attr] # remembered on the tree, which is shared
    return bool(cached)


def _once(
    run: Interpreter, node: ast.For | ast.AsyncFor | ast.While, frame: Frame, unknown: Unknown
) -> object:
    """One iteration with the loop variable unknown; everything it changes is unknown afterwards."""

    def body() -> object:
        if not isinstance(node, ast.While):
            store(run, node.target, silenced(unknown) if run.in_script else unknown, frame)
        return run.block(node.body, frame)

    flow: Value = perhaps(run, body, unknown)
    perhaps_returned(run, frame, flow, unknown)
    forget_assigned(run, [node], frame, unknown)
    return run.block(node.orelse, frame)


def _stopped(run: Interpreter, node: ast.For | ast.AsyncFor | ast.While, frame: Frame) -> object:
    """The loop may or may not have ended here: what the rest of it changes is unknown."""
    reason = "the loop that computes it ends on a condition that is not known"
    return _once(run, node, frame, Unknown(reason, frame.module.span(node)))
