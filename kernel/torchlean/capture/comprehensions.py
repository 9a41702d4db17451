"""Comprehensions and generator expressions: loops with a scope of their own that build a container."""

from __future__ import annotations

import ast
import builtins as python
from collections.abc import Callable
from dataclasses import replace

from torchlean.capture.calling import call
from torchlean.capture.conditions import known_truth
from torchlean.capture.environment import Environment, Frame
from torchlean.capture.expressions import evaluates
from torchlean.capture.interpreter import Interpreter
from torchlean.capture.iteration import ItemsUnknown, Walk, items_of, one_by_one
from torchlean.capture.statements import store
from torchlean.capture.streams import stream_of
from torchlean.capture.values import MISSING, ListIterator, Raised, Unknown, Value
from torchlean.capture.watching import Reachable, at_once


@evaluates(ast.ListComp)
def _list_comprehension(run: Interpreter, node: ast.ListComp, frame: Frame) -> Value:
    return _comprehension(run, node.generators, frame, lambda inner: run.eval(node.elt, inner))


@evaluates(ast.GeneratorExp)
def _generator(run: Interpreter, node: ast.GeneratorExp, frame: Frame) -> Value:
    """Its first iterable is evaluated now, the rest when something asks for the first item."""
    first = run.eval(node.generators[0].iter, frame)
    if isinstance(first, Unknown):
        return first

    def begin(iterator: ListIterator) -> list[Value] | Unknown:
        run.changes(iterator)
        caller, place = run.frame, run.node
        inner = replace(frame) if caller is None else replace(frame, depth=caller.depth, caught=caller.caught)

        def follow() -> list[Value] | Unknown:
            items: list[Value] = []
            try:
                found: list[Value] | Unknown = _comprehension(
                    run, node.generators, inner, lambda scope: run.eval(node.elt, scope), first, items
                )
            except Raised as problem:
                iterator.stop_at(problem)
                return items
            return found

        def reach() -> Reachable:
            return Reachable([first], node, frame.environment)

        try:
            return at_once(run, iterator, reach, follow, "this generator", frame.module.internal, [first])
        finally:
            run.node, run.frame = place, caller

    return ListIterator([], begin=begin)


@evaluates(ast.SetComp)
def _set_comprehension(run: Interpreter, node: ast.SetComp, frame: Frame) -> Value:
    items = _comprehension(run, node.generators, frame, lambda inner: run.eval(node.elt, inner))
    run.at(node, frame)
    return items if isinstance(items, Unknown) else call(run, python.set, [items], {})


@evaluates(ast.DictComp)
def _dict_comprehension(run: Interpreter, node: ast.DictComp, frame: Frame) -> Value:
    def pair(inner: Frame) -> Value:
        return run.eval(node.key, inner), run.eval(node.value, inner)

    pairs = _comprehension(run, node.generators, frame, pair)
    if isinstance(pairs, Unknown):
        return pairs
    run.at(node, frame)
    return call(run, python.dict, [pairs], {})


def _comprehension(
    run: Interpreter,
    generators: list[ast.comprehension],
    frame: Frame,
    element: Callable[[Frame], Value],
    first: Value = MISSING,
    result: list[Value] | None = None,
) -> Value:
    """All elements as a list, in a scope of its own; unknown where one of the iterables or conditions is.

    Args:
        result: the list, to be filled one by one.
    """
    scope = Environment(frame.environment.enclosing())
    scope.around = frame.environment
    run.makes(scope.names)
    if run.doubts:
        run.doubts[-1].private.add(id(scope.names))
    inner = Frame(
        scope,
        frame.module,
        frame.chain,
        frame.function,
        frame.receiver,
        frame.depth,
        frame.caught,
        yielded=frame.yielded,
        site=frame.site,
    )
    first = run.eval(generators[0].iter, frame) if first is MISSING else first
    result = [] if result is None else result
    run.makes(result)
    unknown = _generate(run, generators, first, inner, lambda: result.append(element(inner)))
    return result if unknown is None else unknown


def _generate(
    run: Interpreter,
    generators: list[ast.comprehension],
    iterable: Value,
    frame: Frame,
    emit: Callable[[], None],
) -> Unknown | None:
    generator, rest = generators[0], generators[1:]
    run.at(generator.iter, frame)
    stream = stream_of(run, iterable)
    if stream is not None:
        store(run, generator.target, stream.make(run), frame)
        if not rest:
            emit()  # for what it computes: how many items there are is not known
        return stream.unknown
    items = one_by_one(run, iterable) if isinstance(iterable, ListIterator) else items_of(run, iterable)
    if isinstance(items, Unknown):
        return items
    walk = Walk(run, iterable, items)
    while True:
        run.at(generator.iter, frame)
        try:
            item = walk.next()
        except ItemsUnknown as changed:
            return changed.unknown
        if item is MISSING:
            return None
        store(run, generator.target, item, frame)
        passed = _passes(run, generator.ifs, frame)
        if isinstance(passed, Unknown):
            return passed
        if not passed:
            continue
        if rest:
            unknown = _generate(run, rest, run.eval(rest[0].iter, frame), frame, emit)
            if unknown is not None:
                return unknown
        else:
            emit()


def _passes(run: Interpreter, conditions: list[ast.expr], frame: Frame) -> bool | Unknown:
    for condition in conditions:
        value = run.eval(condition, frame)
        run.at(condition, frame)
        truth = known_truth(run, value)
        if isinstance(truth, Unknown) or not truth:
            return truth
    return True
