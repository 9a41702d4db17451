"""What a rule for the derivative of an op is, and the words rules are written in.

Derivatives are taken forward: next to every value stands its *tangent*, the derivative of the value in one direction of
the variable. An op's rule says what the tangent of its result is, as ops on the operands, their tangents and the
result. Forward, a linear op is its own rule, no op needs its transpose written in other ops, and a second derivative
along a layer comes out as `f''(z) z'**2 + f'(z) z''`, whose square the bounds know to be no less than zero. Rules emit
ordinary ops, so that derivatives of derivatives need nothing more.

The rules state what torch's autograd computes, at kinks too: each names the local derivative that torch takes there,
by a comparison whose bounds are both sides where a box contains the kink. They are about exact arithmetic: nothing is
said about the rounding of torch's backward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from torchlean.ops.lowering import Part, Steps
from torchlean.ops.op import OPS, Attribute, Attributes, UnsupportedError
from torchlean.ops.spelling import Emitter, TensorValue


@dataclass(frozen=True, slots=True)
class Call:
    """One op that was applied.

    Attributes:
        inputs: its operands.
        tangents: theirs; None where an operand does not depend on the variable. At least one is not None.
        result: what it gave, floating.
    """

    emitter: Emitter
    op: str
    inputs: tuple[TensorValue, ...]
    tangents: tuple[TensorValue | None, ...]
    result: TensorValue
    attributes: Attributes

    def expression(self, value: TensorValue) -> Expression:
        return Expression(self.emitter, value)

    def again(self, inputs: Sequence[TensorValue], **changed: Attribute) -> TensorValue:
        """The op with other operands."""
        return self.emitter.emit(self.op, *inputs, **{**self.attributes, **changed})

    def zeros(self, like: TensorValue) -> TensorValue:
        return self.emitter.constant(torch.zeros(like.shape, dtype=like.dtype))


Rule = Callable[[Call], TensorValue | None]
"""The result's tangent; None for zero. It broadcasts to the result's shape.

Raises:
    UnsupportedError: there is no rule for these operands or attributes, for this reason.
"""

RULES: dict[str, Rule] = {}
"""By the name of the op."""

REASONS: dict[str, str] = {}
"""Why an op has no rule, by its name."""


def rule(*ops: str) -> Callable[[Rule], Rule]:
    """Decorator: the rule of these ops.

    Raises:
        ValueError: one has a rule already.
    """

    def decorate(function: Rule) -> Rule:
        for op in ops:
            if op in RULES:
                raise ValueError(f"`{op}` has two rules for its derivative")
            RULES[op] = function
        return function

    return decorate


def tangent(call: Call) -> TensorValue | None:
    """The tangent of what an op gave, of the result's shape and dtype; None where it is zero.

    Raises:
        UnsupportedError: the op has no rule; the message is the reason.
    """
    if not call.result.dtype.is_floating_point:
        return None  # truth values and integers do not change but by jumps: autograd stops at them
    found = RULES.get(call.op)
    if found is None:
        raise UnsupportedError(REASONS[call.op])
    result = found(call)
    if result is not None and result.dtype != call.result.dtype:
        result = call.emitter.emit("cast", result, dtype=call.result.dtype)
    if result is not None and result.shape != call.result.shape:
        result = call.emitter.emit("expand", result, shape=call.result.shape)
    return result


def lowered(call: Call) -> TensorValue | None:
    """Of a composite op, from the simpler ops it can be written in.

    Raises:
        UnsupportedError: it cannot, or one of them has no rule.
    """
    values = list(zip(call.inputs, call.tangents, strict=True))

    def part(value: TensorValue, moved: TensorValue | None) -> Part:
        values.append((value, moved))
        return Part(len(values) - 1, value.type, True)

    def emit(op: str, operands: Sequence[Part], attributes: dict[str, Attribute]) -> Part:
        inputs, moved = zip(*(values[operand.id] for operand in operands), strict=True)
        result = call.emitter.emit(op, *inputs, **attributes)
        if all(each is None for each in moved):
            return part(result, None)
        return part(result, tangent(Call(call.emitter, op, inputs, moved, result, attributes)))

    steps = Steps(emit, lambda data: part(call.emitter.constant(data), None))
    operands = [Part(index, value.type, True) for index, value in enumerate(call.inputs)]
    done = OPS[call.op].lower(steps, operands, call.attributes)
    if done is None:
        raise UnsupportedError(f"`{call.op}` has no derivative for these shapes and arguments")
    return values[done.id][1]


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A value with Python's operators, so that derivatives can be read."""

    emitter: Emitter
    value: TensorValue

    def op(self, name: str, *others: Expression | float, **attributes: Attribute) -> Expression:
        operands = [self.value, *(self._operand(other) for other in others)]
        return Expression(self.emitter, self.emitter.emit(name, *operands, **attributes))

    def number(self, value: float) -> Expression:
        """A known number in float64, without dimensions: it is exact, and gives way to the tensor's dtype."""
        return Expression(self.emitter, self.emitter.constant(torch.tensor(value, dtype=torch.float64)))

    def where(
        self, true: Expression | float, false: Expression | float, like: Expression | None = None
    ) -> Expression:
        """This, a condition, chooses; numbers take the dtype of the other choice, or of `like`."""
        dtype = next(x.value.dtype for x in (like, true, false) if isinstance(x, Expression))
        operands = [
            x.value if isinstance(x, Expression) else self.emitter.constant(torch.tensor(x, dtype=dtype))
            for x in (true, false)
        ]
        return Expression(self.emitter, self.emitter.emit("where", self.value, *operands))

    def _operand(self, other: Expression | float) -> TensorValue:
        return other.value if isinstance(other, Expression) else self.number(other).value

    def __add__(self, other: Expression | float) -> Expression:
        return self.op("add", other)

    __radd__ = __add__

    def __sub__(self, other: Expression | float) -> Expression:
        return self.op("sub", other)

    def __rsub__(self, other: float) -> Expression:
        return self.number(other) - self

    def __mul__(self, other: Expression | float) -> Expression:
        return self if isinstance(other, (int, float)) and other == 1 else self.op("mul", other)

    __rmul__ = __mul__

    def __truediv__(self, other: Expression | float) -> Expression:
        return self.op("div", other)

    def __neg__(self) -> Expression:
        return self.op("neg")

    def __gt__(self, other: Expression | float) -> Expression:
        return self.op("gt", other)

    def __ge__(self, other: Expression | float) -> Expression:
        return self.op("ge", other)

    def __lt__(self, other: Expression | float) -> Expression:
        return self.op("lt", other)

    def __le__(self, other: Expression | float) -> Expression:
        return self.op("le", other)


def added(call: Call, terms: Sequence[TensorValue | None]) -> TensorValue | None:
    """The sum of what is not zero."""
    present = [term for term in terms if term is not None]
    if not present:
        return None
    total = present[0]
    for term in present[1:]:
        total = call.emitter.emit("add", total, term)
    return total
