"""A torch function that no op follows, in a script: its result keeps the shape and dtype that torch gives it.

The function runs on torch's meta device, where tensors have no numbers. What the numbers of the result can be is
known only of functions that move numbers about: then they are among those of the operands.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import get_overridable_functions

from torchlean.capture.emitter import TensorTooLarge
from torchlean.capture.gradient_leaves import hands_gradients_on
from torchlean.capture.ranges import Range, range_of
from torchlean.capture.signs import nonnegative
from torchlean.capture.tables import words
from torchlean.capture.tensors import begin_backward, gradient
from torchlean.capture.torch_names import real_object
from torchlean.capture.values import MISSING, Native, TensorValue, Value, contains_unknown
from torchlean.capture.widening import anything, is_trainable
from torchlean.graph.origin import Source
from torchlean.ops import SPELLINGS, ShapeError, TensorType, UnsupportedError
from torchlean.ops.arguments import TORCH_ERRORS

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

WRITING = words(
    """scatter scatter_ index_fill index_fill_ index_copy index_copy_ masked_scatter masked_scatter_ put_ index_put
    index_put_ __setitem__"""
)
"""Functions that put numbers of their operands into places of the first, whose shape they keep."""

MIXING = WRITING | words("take take_along_dim gather index_select")
"""Functions whose results consist of numbers of their operands; integer operands beside floating ones are indices."""


ADDING = words("scatter_add scatter_add_ index_add index_add_")
"""Functions that add numbers of their last operand to places of the first, whose shape they keep."""


COMPUTING = ("torch.fft.", "torch.linalg.", "torch.nn.functional.", "torch.nn.utils.rnn.", "torch.special.")
"""Modules whose functions do nothing but compute."""


@functools.cache
def _operations() -> frozenset[Any]:
    """Functions and methods that torch lets tensors of one's own take over: they compute, and touch no files."""
    return frozenset(each for listed in get_overridable_functions().values() for each in listed)


def computes(dotted: str, function: object) -> bool:
    """Whether a function of torch may be called on a program's behalf: `torch.onnx.export` writes, others run code."""
    return dotted in SPELLINGS or dotted.startswith(COMPUTING) or function in _operations()


def described(run: Interpreter, dotted: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    """The result of `dotted(*arguments, **keywords)`, `MISSING` where not even its shape is known."""
    function = real_object(dotted)
    if not callable(function) or isinstance(function, type) or contains_unknown([arguments, keywords]):
        return MISSING
    if dotted == "torch.autograd.grad":
        return _gradients(run, arguments, keywords)
    if not computes(dotted, function):
        return MISSING
    name = dotted.rpartition(".")[2]
    back = _put_back(run, name, arguments, keywords)
    if back is not None:
        return back
    try:
        # The first use of the meta device takes a second, and is not needed where the shape stays.
        made = (
            _like_first(arguments)
            if name in WRITING | ADDING
            else _without_numbers(function, arguments, keywords)
        )
    except (*TORCH_ERRORS, AttributeError, LookupError, ArithmeticError):
        return MISSING  # what torch writes in Python raises whatever its first statement on a wrong argument does
    if any(
        part.is_complex()
        for part in (made if isinstance(made, (tuple, list)) else [made])
        if torch.is_tensor(part)
    ):
        return MISSING  # complex numbers have no ranges
    found = _numbers(run, name, arguments, keywords)
    try:
        result = _leaves(run, made, found, name)
    except TensorTooLarge:
        return MISSING
    hands_gradients_on(run, result, (*arguments, *keywords.values()))
    return result


def _gradients(run: Interpreter, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    """One gradient for each of the tensors by which is derived, of its type."""
    by = arguments[1] if len(arguments) > 1 else keywords.get("inputs")
    listed: list[Value] = list(by) if isinstance(by, (tuple, list)) else [by]
    tensors = [value for value in listed if isinstance(value, TensorValue)]
    if len(tensors) < len(listed):
        return MISSING
    begin_backward(run)
    return tuple(gradient(run, tensor) for tensor in tensors)


def described_instead(
    run: Interpreter,
    function: Native,
    arguments: list[Value],
    keywords: dict[str, Value],
    target: TensorValue | None,
    reason: str,
) -> Value:
    """What a call leaves that an op refused: its result, or `target` with other numbers; `MISSING` as above."""
    name = function.name.rpartition(".")[2]
    if target is not None and name not in WRITING | ADDING:
        if not target.dtype.is_floating_point:
            return MISSING
        run.unfollowed(f"{reason}; its numbers can be any")
        return anything_in(run, target)
    result = described(run, function.name, arguments, keywords)
    if result is MISSING:
        return MISSING
    if name not in MIXING:
        run.unfollowed(said_of_numbers(run, reason, name, arguments, keywords))
    if target is None:
        return result
    try:
        return run.emitter.overwrite(target, result)
    except (UnsupportedError, ShapeError):
        return anything_in(run, target)


def anything_in(run: Interpreter, target: TensorValue) -> TensorValue:
    """The memory of a tensor, and of all its views, can have any numbers."""
    for handle in list(target.storage.handles):
        run.changes(handle)
        handle.node = anything(run, handle.type, is_trainable(handle)).node
    return target


def _put_back(
    run: Interpreter, name: str, arguments: list[Value], keywords: dict[str, Value]
) -> TensorValue | None:
    """`x.scatter(dim, order, src)` where `order` sorts along `dim`: every place is written once, from where it went.

    The order is not known, but sorting it says where each place was: `src.gather(dim, order.argsort(dim))`.
    """
    if name not in ("scatter", "scatter_") or set(keywords) - {"dim", "index", "src"}:
        return None
    given = dict(zip(("input", "dim", "index", "src"), arguments, strict=False)) | keywords
    x, dim, index, src = (given.get(key) for key in ("input", "dim", "index", "src"))
    if not isinstance(dim, int) or not all(isinstance(value, TensorValue) for value in (x, index, src)):
        return None
    assert isinstance(x, TensorValue) and isinstance(index, TensorValue) and isinstance(src, TensorValue)
    order, rank = run.builder.nodes[index.node], len(x.shape)
    same = x.shape == index.shape == src.shape and x.dtype == src.dtype
    if order.op != "argsort" or not same or dim % max(rank, 1) != order.attributes["dim"]:
        return None
    places = run.emitter.emit("argsort", index, dim=order.attributes["dim"], descending=False)
    return run.emitter.emit("gather", src, places, dim=order.attributes["dim"])


def _like_first(arguments: list[Value]) -> Any:
    first = arguments[0]
    if not isinstance(first, TensorValue):
        raise TypeError("no tensor to write into")
    return torch.empty((), dtype=first.dtype).expand(first.shape)


def _without_numbers(function: Callable[..., Any], arguments: list[Value], keywords: dict[str, Value]) -> Any:
    """What the function makes of such tensors; tensors that it makes of nothing, of whatever size, have none either."""
    with torch.no_grad(), torch.device("meta"):
        return function(*map(_meta, arguments), **{key: _meta(value) for key, value in keywords.items()})


def _meta(value: Value) -> Any:
    if isinstance(value, TensorValue):
        return torch.empty(value.shape, dtype=value.dtype, device="meta")
    if isinstance(value, (tuple, list)):
        return type(value)(map(_meta, value))
    return value


def _leaves(run: Interpreter, made: Any, found: Range, name: str) -> Value:
    if isinstance(made, torch.Tensor):
        type = TensorType(tuple(made.shape), made.dtype)
        lower, upper = (0.0, 1.0) if made.dtype is torch.bool else (found.lower, found.upper)
        source = Source.DRAWN if found.known else Source.UNKNOWN
        return run.emitter.random(type, lower, upper, f"result of {name}", source=source)
    if isinstance(made, (tuple, list)):
        return tuple(_leaves(run, part, found, name) for part in made)
    return MISSING if made is not None else None


def _numbers(run: Interpreter, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Range:
    """What numbers the result can have: those of the operands, sums of them, or any."""
    if name in MIXING:
        return _mixed(run, name, arguments, keywords)
    if name in ADDING and _adds_nothing_negative(run, arguments, keywords):
        return Range(0.0, math.inf)
    return Range(-math.inf, math.inf)


def said_of_numbers(
    run: Interpreter, reason: str, name: str, arguments: list[Value], keywords: dict[str, Value]
) -> str:
    """Why a function is not followed, and what is known of its result all the same."""
    name = name.rpartition(".")[2]
    what = "any" if _numbers(run, name, arguments, keywords).lower < 0 else "any from 0 on"
    return f"{reason}; its numbers can be {what}"


def _adds_nothing_negative(run: Interpreter, arguments: list[Value], keywords: dict[str, Value]) -> bool:
    """Whether neither the first operand nor what is added to it has a negative number: roundings keep that."""
    added = [
        *arguments[:1],
        *arguments[3:4],
        *(keywords[key] for key in ("src", "source") if key in keywords),
    ]
    alpha = keywords.get("alpha", 1)
    if len(added) != 2 or not isinstance(alpha, (int, float)) or alpha < 0:
        return False
    return all(isinstance(value, TensorValue) and nonnegative(run, value.node) for value in added)


def _mixed(run: Interpreter, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Range:
    """The hull of the operands of the first one's kind, and of plain numbers after the dimension."""
    first = arguments[0]
    if name == "__setitem__":
        operands = [value for value in (first, arguments[2]) if isinstance(value, TensorValue)]
    else:
        operands = [
            value
            for value in (*arguments, *keywords.values())
            if isinstance(value, TensorValue) and value.dtype == first.dtype
        ]
    ranges = [range_of(run, operand.node) for operand in operands]
    numbers = [value for value in (*arguments[2:], *keywords.values()) if isinstance(value, (int, float))]
    lower = min([found.lower for found in ranges] + [float(number) for number in numbers])
    upper = max([found.upper for found in ranges] + [float(number) for number in numbers])
    if all(number >= 0 for number in numbers) and all(nonnegative(run, operand.node) for operand in operands):
        lower = max(lower, 0.0)
    likely = any(found.likely for found in ranges)
    return Range(-math.inf, math.inf) if likely else Range(lower, upper)
