"""Other shapes and orders of the same elements: Reshape, Transpose, Flatten, Squeeze, Expand and their kin.

What leaves a tensor as it is gives the very same value, so that it costs nothing afterwards.
"""

from __future__ import annotations

import math

from torchlean.capture.onnx.call import Call
from torchlean.capture.onnx.emitter import Value
from torchlean.capture.onnx.table import operator
from torchlean.intervals.broadcasting import broadcast_shapes
from torchlean.ops import ShapeError, UnsupportedError
from torchlean.ops.arguments import torch_errors


@operator("Identity")
def identity(call: Call) -> Value:
    call.takes(1, 1)
    return call.input(0)


@operator("Dropout")
def dropout(call: Call) -> Value:
    """As it runs when the network is used: it leaves its operand alone."""
    call.takes(1, 3)
    call.number("ratio", 0.5)
    call.ignore("seed")
    ratio = call.optional(1)
    if ratio is not None and ratio.shape:
        raise ShapeError(f"its ratio must be one number, it is a tensor {ratio.type}")
    if len(call.inputs) > 2 and call.optional(2) is not None and bool(call.known(2, "training_mode").any()):
        raise UnsupportedError("dropout in training mode is random")
    return call.input(0)


@operator("Flatten")
def flatten(call: Call) -> Value:
    """A matrix: the dimensions before `axis`, and the others."""
    call.takes(1, 1)
    x = call.input(0)
    axis, rank = call.integer("axis", 1), len(x.shape)
    if not (-rank if call.opset >= 11 else 0) <= axis <= rank:
        raise ShapeError(f"axis {axis} is out of range for a tensor of {rank} dimensions")
    axis += rank if axis < 0 else 0
    return call.reshape(x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))


@operator("Reshape")
def reshape(call: Call) -> Value:
    """0 keeps the size at its place (unless `allowzero`), a single -1 is what is left."""
    call.takes(2, 2)
    x, wanted = call.input(0), call.known_integers(1, "the shape")
    keep = not (call.opset >= 14 and call.flag("allowzero"))
    if keep and any(size == 0 and place >= len(x.shape) for place, size in enumerate(wanted)):
        raise ShapeError(f"the shape {wanted} copies a size that {x.shape} does not have")
    sizes = [x.shape[place] if keep and size == 0 else size for place, size in enumerate(wanted)]
    if any(size < -1 for size in sizes) or sizes.count(-1) > 1 or (-1 in sizes and 0 in sizes):
        raise ShapeError(f"the shape {wanted} is not one")
    rest = math.prod(size for size in sizes if size != -1)
    if -1 in sizes and rest:
        sizes[sizes.index(-1)] = x.type.numel // rest
    if math.prod(sizes) != x.type.numel:
        raise ShapeError(f"shape {x.shape} with {x.type.numel} elements cannot become {wanted}")
    return call.reshape(x, sizes)


@operator("Transpose")
def transpose(call: Call) -> Value:
    call.takes(1, 1)
    x = call.input(0)
    order = call.integers("perm")
    if order is None:
        order = tuple(reversed(range(len(x.shape))))
    if sorted(order) != list(range(len(x.shape))):
        raise ShapeError(f"perm {order} does not name each dimension of {x.shape} once")
    return call.permute(x, order)


@operator("Squeeze")
def squeeze(call: Call) -> Value:
    call.takes(1, 2)
    x = call.input(0)
    wanted = call.listed("axes", 1, 13, "the axes")
    if wanted is None:
        axes = tuple(place for place, size in enumerate(x.shape) if size == 1)
    else:
        axes = call.axes(wanted, len(x.shape))
    if any(x.shape[axis] != 1 for axis in axes):
        raise ShapeError(f"the axes {axes} of shape {x.shape} are not all of size 1")
    return call.reshape(x, [size for place, size in enumerate(x.shape) if place not in axes])


@operator("Unsqueeze")
def unsqueeze(call: Call) -> Value:
    call.takes(1, 2)
    x = call.input(0)
    wanted = call.listed("axes", 1, 13, "the axes")
    if wanted is None:
        raise ShapeError("its axes are missing")
    rank = len(x.shape) + len(wanted)
    axes, sizes = call.axes(wanted, rank), iter(x.shape)
    return call.reshape(x, [1 if place in axes else next(sizes) for place in range(rank)])


@operator("Expand")
def expand(call: Call) -> Value:
    """Both shapes broadcast: the given one may have ones where the tensor has more."""
    call.takes(2, 2)
    x, wanted = call.input(0), call.known_integers(1, "the shape")
    with torch_errors():
        shape = broadcast_shapes(x.shape, wanted)
    return x if shape == x.shape else call.emit("expand", x, shape=shape)


@operator("Tile")
def tile(call: Call) -> Value:
    call.takes(2, 2)
    x, repeats = call.input(0), call.known_integers(1, "the repeats")
    if len(repeats) != len(x.shape) or any(count < 0 for count in repeats):
        raise ShapeError(f"the repeats {repeats} do not fit shape {x.shape}")
    return x if set(repeats) <= {1} else call.emit("repeat", x, repeats=repeats)
