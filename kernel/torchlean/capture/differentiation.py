"""`tl.D(u, x)`: the derivative of a value by another, as nodes of the graph; and where a program stops derivatives.

The graph holds numbers, and `detach` and `torch.no_grad` change no number: they leave no node. What they stop is
remembered beside the graph, and a derivative whose way leads through such a place is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from torchlean.capture.gradient_stops import KNOWN, is_detached, remember_switched_off, stop_around
from torchlean.capture.standard import identity
from torchlean.capture.torchlean_api import shown
from torchlean.capture.values import TensorValue, UserClass, UserFunction, Value, native
from torchlean.claims.errors import independent, no_variable, not_differentiable
from torchlean.graph import Node
from torchlean.graph.differentiation import IndependentError, NoDerivativeError, between, gradient
from torchlean.ops import UnsupportedError
from torchlean.source import Span

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter


@native("torchlean.D")
def derivative(run: Interpreter, u: Value, *variables: Value) -> Value:
    """`tl.D(u, x)`, `tl.D(u, x, t)`: see `torchlean.claims.api.D`."""
    if not variables:
        return run.error("TL103", no_variable())
    for value in (u, *variables):
        if not isinstance(value, TensorValue) or not value.dtype.is_floating_point:
            got = f"a {value.type} tensor" if isinstance(value, TensorValue) else shown(value)
            return run.error("TL103", not_differentiable(got))
    assert isinstance(u, TensorValue)
    found = u
    for order, variable in enumerate(variables):
        assert isinstance(variable, TensorValue)
        try:
            found = _gradient(run, found, variable)
        except IndependentError:
            if order == 0:
                return run.error("TL103", independent(), kind=ValueError)
            found = run.emitter.constant(torch.zeros(variable.shape, dtype=variable.dtype))
    return found


def _gradient(run: Interpreter, of: TensorValue, by: TensorValue) -> TensorValue:
    for node in between(run.builder, of.node, by.node)[1:]:
        _check_followed(run, node)

    def made(node: Node) -> TensorValue:
        return TensorValue(node.id, node.type)

    try:
        found = gradient(run.builder, run.emitter, made, run.state.setdefault(KNOWN, {}), of, by)
    except NoDerivativeError as error:
        raise UnsupportedError(f"{_place(run, error.node)}: {error}") from error
    return run.emitter.emit("autograd", TensorValue(found.node, found.type))


def _check_followed(run: Interpreter, node: Node) -> None:
    """No `detach` and no `no_grad` between.

    Raises:
        UnsupportedError: there is one, and where.
    """
    if is_detached(run, node.id):
        raise UnsupportedError(f"{_place(run, node)}: `detach` stops the derivative, or may stop it")
    stop = stop_around(run, node.spans)
    if stop is not None:
        raise UnsupportedError(f"{_place(run, node)}: gradients are switched off here, on {_line(stop)}")


def _place(run: Interpreter, node: Node) -> str:
    """The op, and its innermost line in the analysed file."""
    own = [span for span in node.spans if span.path == run.path] or list(node.spans)
    return f"`{node.op}` on {_line(own[0])}" if own else f"`{node.op}`"


def _line(span: Span) -> str:
    return f"line {span.line + 1}"


@native(
    "torch.no_grad",
    "torch.inference_mode",
    "torch.set_grad_enabled",
    "torch.autograd.no_grad",
    "torch.autograd.grad_mode.no_grad",
    unknowns=True,
)
def _without_gradients(run: Interpreter, value: Value = None, **options: Value) -> Value:
    """No number depends on it; as a decorator it gives back the function."""
    if value is not True:
        remember_switched_off(run, value)
    return value if isinstance(value, (UserFunction, UserClass)) else identity
