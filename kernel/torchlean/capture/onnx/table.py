"""The table from operators to their handlers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar, Union

from torchlean.capture.onnx.call import Call
from torchlean.capture.onnx.emitter import Value

Handler = Callable[[Call], Union[Value, Sequence[Value]]]
"""Gives the values of the node's outputs, in order. May raise ShapeError (the file is wrong) or UnsupportedError."""

HANDLERS: dict[str, Handler] = {}
"""Every supported operator of ONNX's own domain."""

HandlerType = TypeVar("HandlerType", bound=Handler)


def operator(*names: str) -> Callable[[HandlerType], HandlerType]:
    """Decorator: the function imports these operators.

    Raises:
        ValueError: one has a handler already.
    """

    def decorate(function: HandlerType) -> HandlerType:
        for name in names:
            if name in HANDLERS:
                raise ValueError(f"the operator {name} has two handlers")
            HANDLERS[name] = function
        return function

    return decorate
