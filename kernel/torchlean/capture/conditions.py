"""Conditions whose truth is not known: both branches are followed, and what they leave differently is unknown."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy
import torch

from torchlean.capture.array_values import ArrayValue, of_kind, same_kind
from torchlean.capture.enumerations import real_member
from torchlean.capture.environment import Frame
from torchlean.capture.flow import BREAK, CONTINUE, PERHAPS, Returned
from torchlean.capture.interpreter import Doubt, Interpreter
from torchlean.capture.journal import Journal, content_of, put, restore
from torchlean.capture.memory import may_share
from torchlean.capture.values import (
    MISSING,
    Abstract,
    Instance,
    ListIterator,
    Raised,
    TensorValue,
    Unknown,
    Value,
)
from torchlean.capture.varying import joined as joined_numbers
from torchlean.ops import TensorType

T = TypeVar("T")

PLAIN = (bool, int, float, complex, str, bytes, type(None), numpy.generic)


def known_truth(run: Interpreter, value: Value) -> bool | Unknown:
    """Python's truth of a value, or why it is not known."""
    if value is True or value is False:
        return bool(value)
    if isinstance(value, (Unknown, Abstract)):
        return _condition_unknown(run, value if isinstance(value, Unknown) else value.unknown)
    if isinstance(value, TensorValue):
        return _tensor_truth(run, value)
    if isinstance(value, Instance):
        return _instance_truth(run, value)
    if isinstance(value, ListIterator) or not isinstance(
        value, (*PLAIN, list, tuple, dict, set, frozenset, range)
    ):
        return True
    return bool(value)


def is_one_truth(value: Value) -> bool:
    """Whether it is a tensor of one bool: what Python's `and`, `or` and `not` can ask for its truth."""
    return isinstance(value, TensorValue) and value.dtype == torch.bool and value.type.numel == 1


def connected(run: Interpreter, values: Sequence[Value], stops_at: bool, unknown: Unknown) -> Value:
    """`a and b and ...` (`stops_at` False) or `a or b or ...` of tensors of one truth, as one tensor.

    Python gives one of the operands; its truth is that of the conjunction or disjunction of all. `unknown` where some
    operand is something else.
    """
    from torchlean.capture.operators import binary

    if not all(is_one_truth(value) or isinstance(value, bool) for value in values):
        return unknown
    # A bool that has not decided alone decides nothing.
    tensors = [value for value in values if not isinstance(value, bool)]
    result = tensors[0]
    for value in tensors[1:]:
        result = binary(run, "or" if stops_at else "and", result, value)
    return result


def _condition_unknown(run: Interpreter, unknown: Unknown) -> Unknown:
    if unknown.reported:
        return unknown
    label = run.label()
    return Unknown(f"it depends on a condition that is not known: `{label}` ({unknown.reason})", run.place())


def _tensor_truth(run: Interpreter, tensor: TensorValue) -> bool | Unknown:
    if tensor.type.numel != 1:
        return run.error(
            "TL101",
            f"the truth of a tensor of shape {tensor.shape} is not defined: use .any() or .all()",
            kind=ValueError if isinstance(tensor, ArrayValue) else RuntimeError,
        )
    numbers = run.emitter.value_of(tensor)
    if numbers is None:
        return Unknown(
            f"it depends on a condition that is not known: `{run.label()}` depends on the input", run.place()
        )
    return bool(numbers)


def _instance_truth(run: Interpreter, instance: Instance) -> bool | Unknown:
    from torchlean.capture.calling import call

    for name in ("__bool__", "__len__"):
        method = instance.cls.find(name)
        if method is not MISSING:
            return known_truth(run, call(run, method, [instance], {}))
    flag = real_member(instance)
    if flag is not None:
        return bool(flag)
    if instance.cls.builtin is not None and instance.data is not None:
        return bool(instance.data)
    return True


def either(run: Interpreter, node: ast.IfExp, frame: Frame, unknown: Unknown) -> Value:
    """`a if ? else b`."""
    left, right = both(
        run,
        lambda: run.eval(node.body, frame),
        lambda: run.eval(node.orelse, frame),
        unknown,
    )
    if left is MISSING or right is MISSING:
        return right if left is MISSING else left
    return joined(run, left, right, unknown)


def branch(
    run: Interpreter,
    body: Sequence[ast.stmt],
    orelse: Sequence[ast.stmt],
    frame: Frame,
    unknown: Unknown,
) -> object:
    """`if ?: body else: orelse`; gives back the control flow signal of the whole."""
    return merged(run, lambda: run.block(body, frame), lambda: run.block(orelse, frame), frame, unknown)


def merged(
    run: Interpreter,
    first: Callable[[], object],
    second: Callable[[], object],
    frame: Frame,
    unknown: Unknown,
) -> object:
    """One of two blocks is followed; gives back the control flow signal of the whole."""
    left, right = both(run, first, second, unknown)
    if left is MISSING or right is MISSING:
        return right if left is MISSING else left
    return _merged_flow(run, frame, left, right, unknown)


def _merged_flow(run: Interpreter, frame: Frame, left: Any, right: Any, unknown: Unknown) -> object:
    if isinstance(left, Returned) and isinstance(right, Returned):
        return left if same_value(run, left.value, right.value) else Returned(unknown)
    for side in (left, right):
        perhaps_returned(run, frame, side, unknown)
    if left is right:
        return left
    if any(side in (BREAK, CONTINUE, PERHAPS) for side in (left, right)):
        return PERHAPS
    return None


def perhaps_returned(run: Interpreter, frame: Frame, flow: object, unknown: Unknown) -> None:
    """The call may have returned here; its body is followed further, in doubt."""
    if isinstance(flow, Returned):
        frame.maybe_returned.append((flow.value, unknown))
        if not run.doubts or run.doubts[-1].frame is not frame:
            run.doubts.append(Doubt(frame, unknown, {id(frame.environment.names)}))


def perhaps_raises(run: Interpreter, unknown: Unknown) -> None:
    """The program raises here or goes on, and it is followed as going on."""
    run.left_out = True  # an import may fail here only, and the other branch define what is missing
    if run.frame is not None and run.frame.caught:
        run.perhaps_raised = unknown
    else:
        run.promise(unknown, unknown)


def both(
    run: Interpreter, first: Callable[[], T], second: Callable[[], T], unknown: Unknown
) -> tuple[T | Any, T | Any]:
    """Follow two alternatives from the same state and merge what they changed.

    A branch that always raises is not the one the program takes and goes on from: its value is `MISSING` and its
    changes are dropped.

    Raises:
        Raised: both do.
    """
    run.uncertain += 1
    try:
        left, left_journal, left_after, raised = _alternative(run, first)
        right, right_journal, right_after, raised_too = _alternative(run, second)
    finally:
        run.uncertain -= 1
    if raised is not None and raised_too is not None:
        raise raised_too
    if raised is not None or raised_too is not None:
        perhaps_raises(run, unknown)
        journal, after = (right_journal, right_after) if raised is not None else (left_journal, left_after)
        _redo(run, journal, after)
        return left, right
    _merge(run, left_journal, left_after, right_journal, right_after, unknown)
    return left, right


After = tuple[dict[tuple[int, Any], Value], dict[int, Any]]


def _alternative(run: Interpreter, follow: Callable[[], T]) -> tuple[T | Any, Journal, After, Raised | None]:
    journal = run.journal = Journal(run.journal)
    value: T | Any = MISSING
    problem: Raised | None = None
    try:
        value = follow()
    except Raised as raised:
        problem = raised
    finally:
        run.journal = journal.outer
        after = journal.undo()
    return value, journal, after, problem


def _redo(run: Interpreter, journal: Journal, after: After) -> None:
    """Make the changes of a branch that is the one taken."""
    entries, contents = after
    for id, content in journal.contents.items():
        restore(content.container, contents[id])
    for place, entry in journal.entries.items():
        put(entry.names, entry.key, entries[place])


def _merge(
    run: Interpreter, left: Journal, left_after: After, right: Journal, right_after: After, unknown: Unknown
) -> None:
    for place, entry in {**left.entries, **right.entries}.items():
        one = left_after[0].get(place, entry.old)
        other = right_after[0].get(place, entry.old)
        put(entry.names, entry.key, joined(run, one, other, unknown))
    for id, content in {**left.contents, **right.contents}.items():
        one = left_after[1].get(id, content.old)
        other = right_after[1].get(id, content.old)
        if same_content(run, one, other):
            restore(content.container, one)
        else:
            forget_content(run, content.container, one, other, unknown)


def joined(run: Interpreter, one: Value, other: Value, unknown: Unknown) -> Value:
    """A value that is one of two.

    Claims and modules take it as unknown where they differ. In a script, where facts are shown and nothing is proved,
    numbers have the range of both, and tensors are chosen from by a condition that is not known.
    """
    if same_value(run, one, other):
        return one
    may_share(run, unknown, [one, other])
    if not run.in_script:
        return unknown
    if isinstance(one, TensorValue) and isinstance(other, TensorValue) and one.type == other.type:
        if not same_kind(one, other):
            return unknown
        either = of_kind(one, _either_tensor(run, one, other))
        for side in (one, other):
            either.storage.may_be(side.storage)
        either.attributes, either.parameter = one.attributes, one.parameter
        return either
    if type(one) in (tuple, list) and type(one) is type(other) and len(one) == len(other):
        return type(one)(joined(run, a, b, unknown) for a, b in zip(one, other, strict=True))
    number = joined_numbers(one, other, unknown.reason)
    return unknown if number is None else number


def _either_tensor(run: Interpreter, one: TensorValue, other: TensorValue) -> TensorValue:
    which = run.emitter.random(TensorType((), torch.bool), 0.0, 1.0, "a condition")
    return run.emitter.emit("where", which, one, other)


def same_value(run: Interpreter, left: Value, right: Value) -> bool:
    """Whether two values are the same to the program; when in doubt, no."""
    if left is right:
        return True
    if isinstance(left, TensorValue) and isinstance(right, TensorValue):
        alike = left.parameter == right.parameter and same_kind(left, right)
        return alike and run.emitter.same(left.node, right.node)
    if type(left) is not type(right):
        return False
    if isinstance(left, PLAIN):
        return left == right or (left != left and right != right)
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(
            same_value(run, a, b) for a, b in zip(left, right, strict=True)
        )
    return False


def same_content(run: Interpreter, left: Any, right: Any) -> bool:
    if isinstance(left, dict):
        return list(left) == list(right) and all(same_value(run, left[key], right[key]) for key in left)
    if isinstance(left, (set, frozenset)):
        return bool(left == right)
    if isinstance(left, tuple) and len(left) == 4:
        return all(
            a is b or (type(a) is int and a == b) for a, b in zip(left, right, strict=True)
        )  # iterators
    if isinstance(left, tuple) and len(left) == 2 and isinstance(left[0], int):
        return run.emitter.same(left[0], right[0])
    if isinstance(left, (list, tuple)):
        return same_value(run, left, right)
    return bool(left == right)


def perhaps(run: Interpreter, follow: Callable[[], T], unknown: Unknown, once: bool = False) -> T | Any:
    """Follow something that the program does an unknown number of times: whatever it changed is unknown after it.

    In a script, what it does `once` or not at all leaves one of two values.
    """
    value, journal, after, _ = _alternative(run, follow)
    if once and run.in_script:
        _merge(run, journal, after, Journal(None), ({}, {}), unknown)
        return value
    _redo(run, journal, after)
    forget_changes(run, journal, unknown)
    return value


def forget_changes(run: Interpreter, journal: Journal, unknown: Unknown) -> None:
    """Whatever a journal saw changing is unknown now."""
    for entry in journal.entries.values():
        put(entry.names, entry.key, unknown)
    for content in journal.contents.values():
        forget_content(run, content.container, content.old, content_of(content.container), unknown)


def forget_content(run: Interpreter, container: object, one: Any, other: Any, unknown: Unknown) -> None:
    """A container or tensor has one content or another (or one that lies between).

    A floating-point tensor whose type is certain can then have any numbers; it still has its shape. Everything else
    is unknown.
    """
    if isinstance(container, TensorValue) and one[1] == other[1] and run.in_script:
        either = _either_tensor(run, TensorValue(*one), TensorValue(*other))
        container.node, container.type = either.node, either.type
    elif isinstance(container, TensorValue) and one[1] == other[1] and container.dtype.is_floating_point:
        anything = run.emitter.random(one[1], -math.inf, math.inf, "not followed")
        container.node, container.type = anything.node, anything.type
    else:
        run.taint(container, unknown)


def forget_assigned(run: Interpreter, body: Sequence[ast.AST], frame: Frame, unknown: Unknown) -> None:
    """Every name that the statements may assign in this scope is unknown now."""
    stack: list[ast.AST] = list(body)
    while stack:
        node = stack.pop()
        bound = _bound_name(node)
        if bound is not None:
            run.assign(frame.environment.target(bound), bound, unknown)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            run.assign(frame.environment.target(node.name), node.name, unknown)
            continue
        elif isinstance(node, ast.Lambda):
            continue
        stack.extend(ast.iter_child_nodes(node))


def _bound_name(node: ast.AST) -> str | None:
    """The name that a node of a statement binds by itself."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return node.id
    if isinstance(node, ast.alias) and node.name != "*":
        return (node.asname or node.name).partition(".")[0]
    if isinstance(node, (ast.MatchAs, ast.MatchStar)):
        return node.name
    return node.rest if isinstance(node, ast.MatchMapping) else None
