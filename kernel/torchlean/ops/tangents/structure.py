"""Tangents through ops that are linear in their operands, jointly or in each: the op itself, on tangents."""

from __future__ import annotations

from torchlean.ops.fused import FUSED
from torchlean.ops.op import UnsupportedError
from torchlean.ops.spelling import TensorValue
from torchlean.ops.tangents.rule import REASONS, RULES, Call, Rule, added, lowered, rule


def linear_in(count: int | None) -> Rule:
    """Linear in its first `count` operands together (None: in all); the others are indices."""

    def tangent(call: Call) -> TensorValue:
        stop = len(call.inputs) if count is None else count
        moved = [
            call.zeros(x) if t is None else t
            for x, t in zip(call.inputs[:stop], call.tangents[:stop], strict=True)
        ]
        return call.again([*moved, *call.inputs[stop:]])

    return tangent


_ALONE = (
    *("reshape", "permute", "expand", "slice", "repeat", "repeat_interleave", "flip", "roll", "tril", "triu"),
    *("diagonal", "diag_embed", "unfold", "sum", "mean", "cumsum", "diff", "clone", "contiguous", "index"),
    *("gather", "avg_pool", "adaptive_avg_pool", "interpolate"),
)
RULES.update({op: linear_in(1) for op in _ALONE})
RULES.update({op: linear_in(None) for op in ("cat", "stack")})
RULES.update({op: linear_in(2) for op in ("slice_update", "index_update")})


@rule("pad")
def _pad(call: Call) -> TensorValue | None:
    """What is filled in does not move."""
    (t,) = call.tangents
    assert t is not None
    return call.again([t], value=0.0) if call.attributes["mode"] == "constant" else call.again([t])


@rule("cast", "autograd", "recomputed", *sorted(FUSED))
def _same(call: Call) -> TensorValue | None:
    """The number itself; a derivative of a derivative is marked as autograd's where it is asked for."""
    return call.tangents[0]


def _products(call: Call, factors: int) -> list[TensorValue | None]:
    """Per factor the op with its tangent in its place, without what is added besides."""
    inputs = call.inputs[:factors]
    return [
        None if t is None else call.again([*inputs[:i], t, *inputs[i + 1 :]])
        for i, t in enumerate(call.tangents[:factors])
    ]


@rule("matmul", "einsum")
def _product(call: Call) -> TensorValue | None:
    return added(call, _products(call, len(call.inputs)))


@rule("linear")
def _linear(call: Call) -> TensorValue | None:
    first = _column(call)
    terms = [first, *_products(call, 2)[1:]] if first is not None else _products(call, 2)
    return added(call, [*terms, *call.tangents[2:]])


def _column(call: Call) -> TensorValue | None:
    """The tangent of a layer's input is known and has one 1: then that column of the weight, exactly.

    The first layer of a network of some inputs has such a tangent, and what is known exactly keeps products linear.
    """
    t, weight = call.tangents[0], call.inputs[1]
    known = None if t is None or len(weight.shape) != 2 else call.emitter.value_of(t)
    if known is None or known.numel() != weight.shape[1] or known.count_nonzero() != 1 or known.max() != 1:
        return None
    place = int(known.flatten().argmax())
    index = ((None, None, None), (place, place + 1, None))
    column = call.emitter.emit("slice", weight, index=index)
    return call.emitter.emit("reshape", column, shape=call.result.shape)


@rule("conv", "conv_transpose")
def _convolution(call: Call) -> TensorValue | None:
    if any(t is not None for t in call.tangents[2:]):
        raise UnsupportedError(f"the derivative of `{call.op}` along its bias is not followed")
    return added(call, _products(call, 2))


@rule("addmm")
def _addmm(call: Call) -> TensorValue | None:
    """`beta x + alpha a b`."""
    x, a, b = call.inputs
    moved, left, right = call.tangents
    operands = [(moved, call.zeros(a), b), (call.zeros(x), left, b), (call.zeros(x), a, right)]
    return added(call, [None if None in each else call.again(each) for each in operands])  # type: ignore[arg-type]


RULES.update(
    dict.fromkeys(
        (
            *("var", "std", "layer_norm", "group_norm", "instance_norm", "rms_norm", "batch_norm", "prod"),
            "normalize",
        ),
        lowered,
    )
)

_TIES = (
    "where elements tie, torch divides the derivative among them or gives it to one of them, depending on the function "
    "it was asked by; write torch.maximum(a, b) or torch.minimum(a, b) instead"
)
REASONS.update({op: f"`{op}` has no derivative here: {_TIES}" for op in ("amax", "amin")})
REASONS.update(
    {
        op: f"`{op}` has no derivative here: it chooses elements by their size, equal ones among them too"
        for op in ("max_pool", "adaptive_max_pool", "kth_value", "sort", "topk")
    }
)
REASONS["cumprod"] = "the derivative of `cumprod` is not followed; write the product of the elements instead"


@rule("vector_norm")
def _norm(call: Call) -> TensorValue | None:
    """Of the order 2 `x . x' / norm`, and zero at zero; of the order 1 the signs."""
    (x,), (t,) = call.inputs, call.tangents
    assert t is not None
    sums = {"dim": call.attributes["dim"], "keepdim": call.attributes["keepdim"]}
    point, moved, norm = call.expression(x), call.expression(t), call.expression(call.result)
    if call.attributes["ord"] == 1.0:
        return (point.op("sign") * moved).op("sum", **sums).value
    if call.attributes["ord"] == 2.0:
        along = (point * moved).op("sum", **sums) / norm
        return (norm.op("eq", 0.0)).where(0.0, along).value
    raise UnsupportedError(
        f"the norm of order {call.attributes['ord']} has no derivative here; those of order 1 and 2 have"
    )
