"""Definitions under their decorators."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from torchlean.capture.calling import call
from torchlean.capture.environment import Frame
from torchlean.capture.values import Unknown, Value

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter


def decorated(
    run: Interpreter, decorators: list[ast.expr], define: Callable[[], Value], frame: Frame
) -> Value:
    """What `define` gives under its decorators: they are evaluated first, downwards, and called upwards."""
    wrappers = [run.eval(decorator, frame) for decorator in decorators]
    value = define()
    for decorator, wrapper in zip(reversed(decorators), reversed(wrappers), strict=True):
        run.at(decorator, frame)
        if isinstance(wrapper, Unknown):
            label = frame.module.label(decorator)
            reason = wrapper.reason if wrapper.reported else f"its decorator `{label}` is not followed"
            value = Unknown(reason, frame.module.span(decorator), wrapper.reported)
        else:
            value = call(run, wrapper, [value], {})
    return value
