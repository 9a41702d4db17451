"""Numbers for whole dimensions: sums, means, extrema, norms, running sums, and where extrema are."""

from __future__ import annotations

from collections.abc import Callable

from torchlean.capture.onnx.call import Call
from torchlean.capture.onnx.emitter import Value
from torchlean.capture.onnx.operators.arithmetic import fractional
from torchlean.capture.onnx.table import operator
from torchlean.ops import ShapeError, UnsupportedError

Reduction = Callable[[Call, Value, tuple[int, ...], bool], Value]
"""The call, its operand, the dimensions (sorted, at least one), and whether they stay as ones."""


def _plain(op: str) -> Reduction:
    return lambda call, x, dims, keep: call.emit(op, x, dim=dims, keepdim=keep)


def _product(call: Call, x: Value, dims: tuple[int, ...], keep: bool) -> Value:
    for dim in reversed(dims):
        x = call.torch("torch.prod", x, dim, keep)
    return x


def _absolute(call: Call, x: Value, dims: tuple[int, ...], keep: bool) -> Value:
    return call.emit("sum", call.emit("abs", x), dim=dims, keepdim=keep)


def _squares(call: Call, x: Value, dims: tuple[int, ...], keep: bool) -> Value:
    return call.emit("sum", call.emit("square", x), dim=dims, keepdim=keep)


def _length(call: Call, x: Value, dims: tuple[int, ...], keep: bool) -> Value:
    return call.torch("torch.linalg.vector_norm", fractional(x), 2, dims, keep)


def _log_sum(call: Call, x: Value, dims: tuple[int, ...], keep: bool) -> Value:
    return call.emit("log", call.emit("sum", fractional(x), dim=dims, keepdim=keep))


def _log_sum_exp(call: Call, x: Value, dims: tuple[int, ...], keep: bool) -> Value:
    return call.torch("torch.logsumexp", fractional(x), dims, keep)


REDUCTIONS: dict[str, tuple[Reduction, int, bool]] = {
    "ReduceSum": (_plain("sum"), 13, True),
    "ReduceMean": (_plain("mean"), 18, True),
    "ReduceMax": (_plain("amax"), 18, True),
    "ReduceMin": (_plain("amin"), 18, True),
    "ReduceProd": (_product, 18, True),
    "ReduceL1": (_absolute, 18, False),
    "ReduceL2": (_length, 18, False),
    "ReduceSumSquare": (_squares, 18, False),
    "ReduceLogSum": (_log_sum, 18, False),
    "ReduceLogSumExp": (_log_sum_exp, 18, False),
}
"""How to reduce; the opset since which the axes are an operand; whether a single element is its own result."""


def _register(name: str) -> None:
    reduction, since, idle = REDUCTIONS[name]

    def handler(call: Call) -> Value:
        call.takes(1, 2 if call.opset >= since else 1)
        x, keep = call.input(0), call.flag("keepdims", True)
        axes = call.listed("axes", 1, since, "the axes")
        alone = call.opset >= since and call.flag("noop_with_empty_axes")
        if not axes and alone:
            if not idle:
                raise UnsupportedError("noop_with_empty_axes without axes is not supported")
            return x
        dims = call.axes(axes, len(x.shape)) if axes else tuple(range(len(x.shape)))
        if not dims and idle:
            return x
        if not dims:
            return _of_type(call, x, call.reshape(reduction(call, call.reshape(x, (1,)), (0,), False), ()))
        return _of_type(call, x, reduction(call, x, dims, keep))

    operator(name)(handler)


def _of_type(call: Call, x: Value, result: Value) -> Value:
    """A sum of small integers is one of the same width; torch makes it a wider one."""
    return result if result.dtype == x.dtype else call.emit("cast", result, dtype=x.dtype)


for _name in REDUCTIONS:
    _register(_name)


def _place(call: Call, op: str) -> Value:
    """The first of equal ones; the last, if asked for, is the first from the other end."""
    call.takes(1, 1)
    x = call.input(0)
    axis = call.axis(call.integer("axis", 0), len(x.shape))
    keep = call.flag("keepdims", True)
    if call.opset < 12 or not call.flag("select_last_index"):
        return call.emit(op, x, dim=axis, keepdim=keep)
    found = call.emit(op, call.emit("flip", x, dims=(axis,)), dim=axis, keepdim=keep)
    return call.torch("torch.rsub", found, x.shape[axis] - 1)


@operator("ArgMax")
def arg_max(call: Call) -> Value:
    return _place(call, "argmax")


@operator("ArgMin")
def arg_min(call: Call) -> Value:
    return _place(call, "argmin")


@operator("CumSum")
def cum_sum(call: Call) -> Value:
    """`exclusive` sums leave the element itself out: the operand is moved by one place, and zero moves in."""
    call.takes(2, 2)
    x, places = call.input(0), call.known(1, "the axis")
    if places.numel() != 1 or places.is_floating_point():
        raise ShapeError("its axis must be one integer")
    axis = call.axis(int(places.item()), len(x.shape))
    backward = call.flag("reverse")
    if backward:
        x = call.emit("flip", x, dims=(axis,))
    if call.flag("exclusive"):
        pad = (0, 0) * (len(x.shape) - 1 - axis) + (1, -1)
        x = call.emit("pad", x, pad=pad, mode="constant", value=None)
    total = _of_type(call, x, call.emit("cumsum", x, dim=axis))
    return call.emit("flip", total, dims=(axis,)) if backward else total
