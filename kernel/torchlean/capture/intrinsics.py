"""What the stubs under `stubs/` need beyond Python and torch: weights without numbers, errors at the user's call.

A stub imports these like any module; they are natives, reachable from nowhere else. Weights are never allocated: an
uninitialised or drawn tensor is a `random` leaf that knows its type and range.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from torchlean.capture.budgets import TENSOR_ELEMENTS
from torchlean.capture.emitter import TensorTooLarge, too_large
from torchlean.capture.gradient_leaves import wants_gradient
from torchlean.capture.habits import IN_TRAINING, tell_dtype
from torchlean.capture.values import (
    ExceptionValue,
    Instance,
    ModuleValue,
    Raised,
    TensorValue,
    Unknown,
    Value,
    native,
    type_name,
)
from torchlean.graph.origin import Source, source_of
from torchlean.ops import SPELLINGS, TensorType, UnsupportedError
from torchlean.ops.random import normal_range

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

MODULE = "torchlean.capture.intrinsics"

ADDRESSABLE_ELEMENTS = 2**59
"""torch cannot describe larger tensors, not even without their numbers: bytes are counted in 64 bits."""

KNOWN_FILL = 2**20
"""Elements up to which a tensor of equal numbers is a constant with data; a larger one is a range of one number."""


def fail(run: Interpreter, code: str, kind: type[BaseException], message: str) -> NoReturn:
    """Raise in the followed program; reported under `code` at the user's call where nothing catches it."""
    raise Raised(ExceptionValue(kind, (message,)), lambda: run.report(code, message))


native(f"{MODULE}.fail")(fail)


@native(f"{MODULE}.unsupported")
def unsupported(run: Interpreter, reason: str, *given: Value) -> NoReturn:
    """What follows is not followed, for this reason."""
    raise UnsupportedError(reason)


@native(f"{MODULE}.fused", unknowns=True)
def fused(run: Interpreter, steps: Value, op: str, *operands: Value, **attributes: Value) -> Value:
    """What the steps give, executed by torch's own function of the operands that are present (`torchlean.ops.fused`).
    Where an argument is no plain number, the steps stand for themselves."""
    present = [x for x in operands if x is not None]
    if not isinstance(steps, TensorValue) or not all(isinstance(x, TensorValue) for x in present):
        return steps
    if not all(x is None or isinstance(x, (bool, int, float, str)) for x in attributes.values()):
        return steps
    return run.emitter.emit(op, steps, *present, **attributes)


@native(f"{MODULE}.in_script")
def in_script(run: Interpreter) -> bool:
    """Whether the program itself is followed, and not a claim or a module, whose numbers something may be proved of."""
    return run.in_script


@native(f"{MODULE}.in_training")
def in_training(run: Interpreter, layer: str) -> None:
    """A layer computes as in training; `habits` says so of claims."""
    run.state.setdefault(IN_TRAINING, {})[layer] = None


@native(f"{MODULE}.check_sizes")
def check_sizes(run: Interpreter, layer: str, **sizes: Value) -> None:
    """Sizes are natural numbers; torch's own message names neither layer nor argument."""
    for name, size in sizes.items():
        if not isinstance(size, int):
            fail(run, "TL103", TypeError, f"`{layer}`: {name} must be an integer, got {_shown(size)}")
        if size < 0:
            fail(run, "TL103", RuntimeError, f"`{layer}`: {name} must not be negative, got {size}")


def _shown(value: Value) -> str:
    return repr(value) if isinstance(value, (str, float, tuple, list)) else f"a {type_name(value)}"


@native(f"{MODULE}.empty")
def empty(run: Interpreter, shape: tuple[int, ...], dtype: torch.dtype | None = None) -> TensorValue:
    """A tensor whose numbers are whatever the memory holds."""
    type = TensorType(tuple(shape), _dtype(run, dtype))
    return _leaf(run, type, -math.inf, math.inf, "uninitialised", Source.UNKNOWN)


@native(f"{MODULE}.drawn")
def drawn(
    run: Interpreter, shape: tuple[int, ...], dtype: torch.dtype | None, lower: float, upper: float
) -> TensorValue:
    """Numbers drawn uniformly between two ends, in floating point."""
    type = TensorType(tuple(shape), _dtype(run, dtype))
    return _leaf(run, type, *drawn_range(type.dtype, lower, upper), "drawn at random", Source.DRAWN)


@native(f"{MODULE}.filled")
def filled(run: Interpreter, shape: tuple[int, ...], dtype: torch.dtype | None, value: float) -> TensorValue:
    """The same number everywhere."""
    return _filled(run, TensorType(tuple(shape), _dtype(run, dtype)), value)


@native(f"{MODULE}.redraw")
def redraw(run: Interpreter, tensor: TensorValue, lower: float, upper: float) -> TensorValue:
    """An initialiser: the tensor's numbers are drawn anew, in place."""
    ends = drawn_range(tensor.dtype, lower, upper)
    name = run.builder.nodes[tensor.node].label or "drawn at random"
    return _overwritten(run, tensor, _leaf(run, tensor.type, *ends, name))


@native(f"{MODULE}.redraw_normal")
def redraw_normal(run: Interpreter, tensor: TensorValue, mean: Value, std: Value) -> TensorValue:
    """An initialiser: the tensor's numbers are drawn from a normal distribution, in place."""
    name = run.builder.nodes[tensor.node].label or "drawn at random"
    likely = normal_range(mean, std)
    return _overwritten(run, tensor, _leaf(run, tensor.type, -math.inf, math.inf, name, likely=likely))


@native(f"{MODULE}.trained")
def trained(run: Interpreter, tensor: TensorValue) -> TensorValue:
    """A training step: the tensor's numbers become any others, in place."""
    name = run.builder.nodes[tensor.node].label or "trained"
    return _overwritten(run, tensor, _leaf(run, tensor.type, -math.inf, math.inf, name, Source.TRAINED))


@native(f"{MODULE}.refill")
def refill(run: Interpreter, tensor: TensorValue, value: float) -> TensorValue:
    """An initialiser: every number becomes `value`, in place."""
    return _overwritten(run, tensor, _filled(run, tensor.type, value))


@native(f"{MODULE}.is_unknown", unknowns=True)
def is_unknown(run: Interpreter, value: Value) -> bool:
    """Whether a value is not followed."""
    return isinstance(value, Unknown)


@native(f"{MODULE}.is_among", unknowns=True)
def is_among(run: Interpreter, value: Value, items: Value) -> Value:
    """Whether one of the items is this very object; in one step, where models have a thousand parts."""
    items = run.seen(items)
    return items if isinstance(items, Unknown) else any(item is value for item in items)


@native(f"{MODULE}.followed_module")
def followed_module(run: Interpreter, name: Value) -> Value:
    """What `sys.modules[name]` is, where that is a file that is followed."""
    known: dict[Value, ModuleValue] = run.state.setdefault("followed modules", {})
    if name not in known:
        modules = (module for module in run.modules.values() if isinstance(module, ModuleValue))
        known.update({module.module.name: module for module in modules})
    if name in known:
        return known[name]
    return Unknown(f"whether `{name}` was imported is not followed", run.place())


@native(f"{MODULE}.environment")
def environment(run: Interpreter) -> dict[str, Value]:
    """The variables of the environment that this program has set."""
    variables: dict[str, Value] = run.state.setdefault("environment", {})
    return variables


@native(f"{MODULE}.adopt", unknowns=True)
def adopt(run: Interpreter, target: TensorValue, loaded: Value, name: str) -> TensorValue:
    """Copy loaded weights into a parameter or buffer: its dtype stays, the numbers are rounded to it.

    Weights that are not known can be anything: what the initialiser drew does not hold any more.
    """
    if not isinstance(loaded, TensorValue):
        return _overwritten(run, target, _leaf(run, target.type, -math.inf, math.inf, name, Source.TRAINED))
    data = run.builder.nodes[loaded.node].data
    if data is not None:
        tell_dtype(run, name, data, target.dtype)
        loaded = run.emitter.parameter(cast(data, target.dtype), name)
    if loaded.dtype != target.dtype:
        loaded = SPELLINGS["torch.Tensor.to"](run.emitter, loaded, target.dtype)  # `copy_` converts
    return _overwritten(run, target, loaded)


@native(f"{MODULE}.convert")
def convert(run: Interpreter, tensor: TensorValue, dtype: torch.dtype) -> None:
    """`module.double()` and the like: the tensor itself changes its dtype, if it is a floating one."""
    if not tensor.dtype.is_floating_point or tensor.dtype == dtype:
        return
    node = run.builder.nodes[tensor.node]
    if node.data is not None:
        converted = run.emitter.parameter(cast(node.data, dtype), node.label or "")
    elif node.op == "random":
        lower, upper = float(str(node.attributes["lower"])), float(str(node.attributes["upper"]))
        ends = drawn_range(dtype, lower, upper)
        source = source_of(node.attributes)
        converted = _leaf(run, TensorType(tensor.shape, dtype), *ends, node.label or "", source)
    else:
        converted = SPELLINGS["torch.Tensor.to"](run.emitter, tensor, dtype)
    run.changes(tensor)
    tensor.node, tensor.type = converted.node, converted.type


@native("torch.nn.parameter.Parameter", "torch.nn.Parameter")
def parameter(run: Interpreter, data: TensorValue | None = None, requires_grad: bool = True) -> TensorValue:
    """`nn.Parameter(tensor)`: a name of its own for the tensor's memory, registered when assigned to a module."""
    if data is None:
        data = run.emitter.constant(torch.empty(0))
    if not isinstance(data, TensorValue):
        fail(run, "TL103", TypeError, f"`nn.Parameter` takes a tensor, got {_shown(data)}")
    if requires_grad and not (data.dtype.is_floating_point or data.dtype.is_complex):
        message = f"only tensors of floating point dtype can require gradients, got {data.type}: requires_grad=False"
        fail(run, "TL101", RuntimeError, message)
    made = TensorValue(data.node, data.type, data.storage)
    made.parameter = True
    made.attributes = {"requires_grad": requires_grad}
    if requires_grad:
        wants_gradient(run, made)
    return made


@native("torch.nn.parameter.Buffer", "torch.nn.Buffer")
def buffer(run: Interpreter, data: TensorValue | None = None, *, persistent: bool = True) -> TensorValue:
    """`nn.Buffer(tensor)`: as a parameter, but registered as a buffer."""
    if data is None:
        data = run.emitter.constant(torch.empty(0))
    if not isinstance(data, TensorValue):
        fail(run, "TL103", TypeError, f"`nn.Buffer` takes a tensor, got {_shown(data)}")
    made = TensorValue(data.node, data.type, data.storage)
    made.attributes = {"persistent": persistent, BUFFER: True}
    return made


BUFFER = "_is_buffer"
"""What torch calls the attribute by which it knows a buffer."""


@native(f"{MODULE}.is_buffer")
def is_buffer(run: Interpreter, value: Value) -> bool:
    """Whether a value is an `nn.Buffer`."""
    return isinstance(value, TensorValue) and BUFFER in (value.attributes or {})


@native(f"{MODULE}.registered")
def registered(run: Interpreter, module: Instance, name: str, tensor: TensorValue) -> None:
    """A module got a parameter or buffer: it gets a name, and its numbers are shown at the line that made it."""
    node = run.builder.nodes[tensor.node]
    if node.op == "random":
        run.builder.nodes[node.id] = replace(node, label=f"{module.cls.name}.{name}")
    place = run.spans()
    if place and place[0].path == run.path:
        run.weights.append((tensor, place[0], f"{module.cls.name}.{name}"))


def _overwritten(run: Interpreter, target: TensorValue, result: TensorValue) -> TensorValue:
    try:
        return run.emitter.overwrite(target, result)
    except UnsupportedError as error:
        from torchlean.capture.memory import taint_memory

        taint_memory(run, target, run.unfollowed(str(error)))
        return target


def _dtype(run: Interpreter, dtype: torch.dtype | None) -> torch.dtype:
    if dtype is not None and not isinstance(dtype, torch.dtype):
        fail(run, "TL103", TypeError, f"dtype must be a torch.dtype, got {_shown(dtype)}")
    return dtype or run.default_dtype or torch.float32


def _leaf(
    run: Interpreter,
    type: TensorType,
    lower: float,
    upper: float,
    description: str,
    source: Source = Source.INITIALISER,
    likely: tuple[float, float] | None = None,
) -> TensorValue:
    """A random leaf; one that is too large to analyse is reported, but keeps its shape.

    Raises:
        TensorTooLarge: not even the shape can be handled.
    """
    if type.numel <= TENSOR_ELEMENTS:
        return run.emitter.random(type, lower, upper, description, source=source, likely=likely)
    if type.numel > ADDRESSABLE_ELEMENTS:
        raise TensorTooLarge(too_large(type.shape))
    run.report("TL113", too_large(type.shape))
    serial = run.state["unpaid draws"] = int(run.state.get("unpaid draws", TENSOR_ELEMENTS)) + 1
    node = run.builder.random(type, lower, upper, serial, run.spans(), description, source, likely)
    return TensorValue(node.id, node.type)


def _filled(run: Interpreter, type: TensorType, value: float) -> TensorValue:
    if type.numel <= KNOWN_FILL:
        return run.emitter.constant(torch.full(type.shape, value, dtype=type.dtype))
    exact = float(torch.tensor(value, dtype=type.dtype))
    return _leaf(run, type, exact, exact, f"filled with {value}")


def drawn_range(dtype: torch.dtype, lower: float, upper: float) -> tuple[float, float]:
    """Ends that `x * (upper - lower) + lower`, computed in `dtype` for `x` in [0, 1], cannot leave.

    With `u` the unit roundoff and `m = max(|lower|, |upper|)`: converting the ends errs by `u m` at most, the
    difference by `2 u m`, the product by `2 u m`, the sum by `u m`, to first order; together below `8 u m = 4 eps m`.
    """
    if not dtype.is_floating_point or math.isinf(lower) or math.isinf(upper):
        return lower, upper
    ends = torch.tensor([lower, upper], dtype=torch.float64).to(dtype)
    if lower == 0.0 <= upper:
        return 0.0, max(upper, float(ends[1]))  # x * upper is never above upper
    slack = 4 * torch.finfo(dtype).eps * max(abs(lower), abs(upper))
    return min(lower, float(ends[0])) - slack, max(upper, float(ends[1])) + slack


_casts: WeakIdKeyDictionary = WeakIdKeyDictionary()


def cast(data: Tensor, dtype: torch.dtype) -> Tensor:
    """`data.to(dtype)`, the same object every time, so that its content digest is computed once."""
    if data.dtype == dtype:
        return data
    casts: dict[torch.dtype, Tensor] = _casts.setdefault(data, {})
    if dtype not in casts:
        real = data.real if data.is_complex() and not dtype.is_complex else data
        casts[dtype] = real.to(dtype)
    return casts[dtype]
