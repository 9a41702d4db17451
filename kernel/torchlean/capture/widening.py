"""What holds in every iteration of a loop: two descriptions of a value are joined into one that covers both.

A loop's body is followed from a state that covers the one before the loop and the one after each iteration. Names
keep their value where an iteration leaves it alone; numbers keep the range that they cannot leave; tensors keep their
type and can have any numbers, or any from zero on where no iteration makes them negative; everything else is unknown.
Because `covers` is asked after each pass (`iterations`), a description that is too narrow is widened, never used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from torchlean.capture.array_values import of_kind, same_kind
from torchlean.capture.conditions import same_value
from torchlean.capture.signs import nonnegative
from torchlean.capture.values import MISSING, TensorValue, Unknown, Value
from torchlean.capture.varying import Number, joined
from torchlean.graph.origin import Source
from torchlean.ops import TensorType

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

CHANGES = "it changes from one iteration to the next"

Recipe = Callable[["Interpreter"], Value]
"""Makes a description anew: what was made while a pass was tried is forgotten with the pass."""


def widened(run: Interpreter, old: Value, new: Value) -> Recipe | None:
    """How to describe a value that is `old` before and `new` after an iteration; None where it stays the same."""
    if covers(run, old, new):
        return None
    if isinstance(new, TensorValue) and (old is MISSING or _same_type(old, new)):
        trainable = is_trainable(new) or (isinstance(old, TensorValue) and is_trainable(old))
        kind, parameter = new.type, new.parameter
        lower = least(run, old, new) if isinstance(old, TensorValue) and not trainable else -math.inf
        return lambda run: of_kind(new, anything(run, kind, trainable, parameter, lower))
    number = _number(old, new)
    if number is not None:
        return lambda run: number
    if type(new) in (tuple, list) and type(old) is type(new) and len(old) == len(new):
        return _sequence(run, old, new)
    return lambda run: Unknown(CHANGES, reported=True)


def _same_type(old: Value, new: TensorValue) -> bool:
    return isinstance(old, TensorValue) and old.type == new.type and same_kind(old, new)


def _number(old: Value, new: Value) -> Number | None:
    """Ends that were left are infinite: how often the loop runs is not counted."""
    both = joined(new if old is MISSING else old, new, CHANGES)
    if both is None:
        return None
    if old is MISSING:
        return Number(CHANGES, both.integer)
    before = joined(old, old, CHANGES)
    assert before is not None
    lower = both.lower if both.lower == before.lower else -math.inf
    upper = both.upper if both.upper == before.upper else math.inf
    return Number(CHANGES, both.integer, lower, upper)


def _sequence(run: Interpreter, old: Value, new: Value) -> Recipe:
    kind = type(new)
    recipes = [(before, widened(run, before, after)) for before, after in zip(old, new, strict=True)]

    def make(run: Interpreter) -> Value:
        return kind(before if recipe is None else recipe(run) for before, recipe in recipes)

    return make


def least(run: Interpreter, old: TensorValue, new: TensorValue) -> float:
    """Where the numbers of a tensor begin that is `old` before and `new` after an iteration: at zero, or anywhere."""
    floating = new.dtype.is_floating_point
    return 0.0 if floating and nonnegative(run, old.node) and nonnegative(run, new.node) else -math.inf


def anything(
    run: Interpreter,
    type: TensorType,
    trainable: bool,
    parameter: bool = False,
    lower: float = -math.inf,
    label: str | None = None,
) -> TensorValue:
    """A tensor of this type with any numbers from `lower` on; `label` is what people call it."""
    source = Source.TRAINED if trainable else Source.UNKNOWN
    lower, upper = (0.0, 1.0) if type.dtype is torch.bool else (lower, math.inf)
    tensor = run.emitter.random(type, lower, upper, label or source.in_words, source=source)
    tensor.parameter = parameter
    if trainable:
        tensor.attributes = {"requires_grad": True}
    return tensor


def is_trainable(tensor: TensorValue) -> bool:
    """Whether gradients are recorded for it, as far as the program says so."""
    if tensor.attributes is not None and "requires_grad" in tensor.attributes:
        return tensor.attributes["requires_grad"] is True
    return tensor.parameter


def covers(run: Interpreter, description: Value, value: Value) -> bool:
    """Whether whatever a description allows for includes a value."""
    if same_value(run, description, value) or isinstance(description, Unknown):
        return True
    if isinstance(description, Number):
        one = joined(value, value, "")
        return (
            one is not None
            and (one.integer or not description.integer)
            and description.lower <= one.lower
            and one.upper <= description.upper
        )
    if isinstance(description, TensorValue) and isinstance(value, TensorValue):
        return (
            description.type == value.type
            and same_kind(description, value)
            and (
                allows_anything(run, description)
                or (_allows_nonnegative(run, description) and nonnegative(run, value.node))
            )
        )
    if type(description) in (tuple, list) and type(description) is type(value):
        return len(description) == len(value) and all(
            covers(run, a, b) for a, b in zip(description, value, strict=True)
        )
    return False


def allows_anything(run: Interpreter, tensor: TensorValue) -> bool:
    """Whether a tensor is a leaf without bounds."""
    node = run.builder.nodes[tensor.node]
    if node.op != "random":
        return False
    ends = node.attributes["lower"], node.attributes["upper"]
    return ends == (-math.inf, math.inf) or (tensor.dtype is torch.bool and ends == (0.0, 1.0))


def _allows_nonnegative(run: Interpreter, tensor: TensorValue) -> bool:
    """Whether a tensor is a leaf of any numbers from zero on."""
    node = run.builder.nodes[tensor.node]
    return node.op == "random" and (node.attributes["lower"], node.attributes["upper"]) == (0.0, math.inf)
