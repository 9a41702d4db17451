"""Where calls inside of calls are not followed any further."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchlean.capture.budgets import CALL_DEPTH
from torchlean.capture.foreign import may_change
from torchlean.capture.function_syntax import fresh_names, has_effects
from torchlean.capture.values import Instance, Unknown, UserFunction, Value, contains_unknown

if TYPE_CHECKING:
    from torchlean.capture.environment import Frame
    from torchlean.capture.interpreter import Interpreter

IN_DOUBT = 1
"""Calls of one function that are followed inside each other where it is not known whether they happen. Both branches of
the conditions that would end the recursion are followed, so that it ends at no depth, and branches out at each."""


def too_deep(run: Interpreter) -> Unknown | None:
    """Why the call that is about to begin is one too many on the stack; None where it is not."""
    if run.frame is not None and run.frame.depth >= CALL_DEPTH:
        return run.over_budget(f"calls are nested more than {CALL_DEPTH} deep here")
    return None


def without_end(run: Interpreter, function: UserFunction, given: list[Value]) -> Unknown | None:
    """Why a function that calls itself with something unknown, under a condition that is not known, is not followed."""
    if not run.uncertain or (cause := contains_unknown(given)) is None:
        return None
    calls, frame = 0, run.frame
    while frame is not None and calls < IN_DOUBT:
        calls += frame.function is not None and frame.function.node is function.node
        frame = _caller(frame)
    if calls < IN_DOUBT:
        return None
    if has_effects(function.node, fresh_names(function.node)):
        what = (
            "what this goes through"
            if function.module.internal
            else f"how often `{function.name}` calls itself"
        )
        return run.over_budget(f"{what} is not known: {cause.reason}")
    may_change(run, cause, given)
    if isinstance(given[0], Instance) and given[0].cls.is_module:
        from torchlean.capture.passed_over import passed_over

        passed_over(run, given[0], cause)
    return cause


def _caller(frame: Frame) -> Frame | None:
    return frame.site[1] if frame.site is not None else None
