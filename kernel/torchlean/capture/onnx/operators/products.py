"""Products with weights: Gemm, MatMul, and the bias that an Add puts behind them.

A product with known numbers on its right becomes `linear`, whose rows bound engines read off without a pass. Its
weight is transposed once, here, however many nodes share it.
"""

from __future__ import annotations

from torchlean.capture.onnx.call import Call
from torchlean.capture.onnx.emitter import Value
from torchlean.capture.onnx.table import operator
from torchlean.ops import ShapeError


@operator("Gemm")
def gemm(call: Call) -> Value:
    """`alpha * A' @ B' + beta * C`, where `'` is an optional transposition."""
    call.takes(2, 3)
    a, b, c = call.input(0), call.input(1), call.optional(2)
    if len(a.shape) != 2 or len(b.shape) != 2:
        raise ShapeError(f"it multiplies matrices, it is given shapes {a.shape} and {b.shape}")
    alpha, beta = call.number("alpha", 1.0), call.number("beta", 1.0)
    if call.flag("transA"):
        a = call.permute(a, (1, 0))
    transposed = call.flag("transB")
    bias = None
    if c is not None and alpha == beta == 1.0:
        bias = _bias(call, c, b.shape[0 if transposed else 1])
    if b.data is None:
        result = call.emit("matmul", a, call.permute(b, (1, 0)) if transposed else b)
    else:
        weight = b if transposed else call.permute(b, (1, 0))
        result = call.emit("linear", a, weight, *([] if bias is None else [bias]))
    result = result if alpha == 1.0 else call.emit("mul", result, alpha)
    if c is None or (bias is not None and b.data is not None):
        return result
    total = call.emit("add", result, c if beta == 1.0 else call.emit("mul", c, beta))
    if total.shape != result.shape:
        raise ShapeError(f"its input C of shape {c.shape} does not broadcast to {result.shape}")
    return total


@operator("MatMul")
def matmul(call: Call) -> Value:
    call.takes(2, 2)
    a, b = call.input(0), call.input(1)
    if b.data is None or a.data is not None or len(b.shape) > 2 or not a.shape or not b.shape:
        return call.emit("matmul", a, b)
    return call.emit("linear", a, b if len(b.shape) == 1 else call.permute(b, (1, 0)))


def with_bias(call: Call, product: Value, other: Value) -> Value | None:
    """`product + other` as one `linear`, where `product` is a linear without bias that nothing else reads.

    Returns:
        None where that is not so, or `other` is not one known number per output.
    """
    nodes = call.emitter.builder.nodes
    if product.node is None or product.readers != 1 or other.data is None:
        return None
    node = nodes[product.node]
    if node.op != "linear" or len(node.inputs) != 2 or not product.shape or product.dtype != other.dtype:
        return None
    bias = _bias(call, other, product.shape[-1])
    if bias is None or len(nodes[node.inputs[1]].type.shape) != 2 or len(other.shape) > len(product.shape):
        return None
    return call.emitter.again(node, bias)


def _bias(call: Call, value: Value, size: int) -> Value | None:
    """A known operand as one number per output; None where it is not that."""
    if value.data is None or value.type.numel not in (1, size) or value.shape[-1:] not in ((), (1,), (size,)):
        return None
    if value.type.numel == 1:
        return call.emit("expand", call.reshape(value, ()), shape=(size,))
    return call.reshape(value, (size,)) if value.shape[-1] == size else None
