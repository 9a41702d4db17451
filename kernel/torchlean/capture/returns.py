"""What a call gives that may have returned before, under a condition that is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchlean.capture.flow import Returned
from torchlean.capture.values import Unknown, Value

if TYPE_CHECKING:
    from torchlean.capture.environment import Frame
    from torchlean.capture.interpreter import Interpreter


def final_result(run: Interpreter, frame: Frame, flow: object) -> Value:
    """The value of a call whose body was left by `flow`."""
    from torchlean.capture.conditions import same_value

    result = flow.value if isinstance(flow, Returned) else None
    for value, unknown in frame.maybe_returned:
        if not same_value(run, value, result):
            return result if isinstance(result, Unknown) and result.reported else unknown
    return result


def earlier_result(run: Interpreter, frame: Frame) -> Value:
    """The value of a call whose body raises at its end: a program that goes on has returned before."""
    from torchlean.capture.conditions import perhaps_raises, same_value

    (first, unknown), *rest = frame.maybe_returned
    perhaps_raises(run, unknown)
    return first if all(same_value(run, first, value) for value, _ in rest) else unknown
