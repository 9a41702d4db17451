"""The affine ops of a graph as plain maps of batches: rows go down through the transpose, values go up through the op.

What an optimiser computes needs no accounting for rounding, so all of it is float32: half the memory, twice the speed.
The maps depend on the weights alone and are remembered with the structure they belong to.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from torchlean.bounds.crown.structure import KEPT, Structure
from torchlean.graph.node import Node
from torchlean.intervals import Interval
from torchlean.ops import OPS, TensorType
from torchlean.ops.op import Attributes

SINGLE = torch.float32
"""Twice as fast as float64, and exact enough to find out which slopes are good."""

_ANY_DTYPE = frozenset({"linear", "reshape"})
"""Ops whose transposes compute in the dtype of the known operands; those of all others are asked in float64."""

_SAME_SHAPE = frozenset({"add", "sub", "neg", "mul", "div"})
"""Ops that work element by element, and so on batches as they are, as long as no operand is broadcast."""

Back = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Map:
    """An affine node.

    Attributes:
        back: per varying operand its id and the transpose, (n, *node) to (n, *operand).
        forward: values of the varying operands, (n, *operand) each, to the node's value, (n, *node).
        offset: the value where the varying operands are zero, (elements,).
    """

    back: tuple[tuple[int, Back], ...]
    forward: Callable[[Sequence[Tensor]], Tensor]
    offset: Tensor


_maps: OrderedDict[int, tuple[Structure, dict[int, Map]]] = OrderedDict()


def maps_of(shape: Structure) -> dict[int, Map]:
    """The maps of all affine nodes that vary, by id."""
    found = _maps.get(id(shape))
    if found is None:
        maps = {node.id: _map(shape, node) for node in shape.graph if node.id in shape.parts}
        found = _maps[id(shape)] = (shape, maps)
        if len(_maps) > KEPT:
            _maps.popitem(last=False)
    _maps.move_to_end(id(shape))
    return found[1]


def _map(shape: Structure, node: Node) -> Map:
    types = [shape.graph[id].type for id in node.inputs]
    known = [
        None if shape.varies[id] else _known(shape, id, type)
        for id, type in zip(node.inputs, types, strict=True)
    ]
    unknown = [i for i, value in enumerate(known) if value is None]
    parts = shape.parts[node.id]
    if node.op in _ANY_DTYPE:
        intervals = [None if value is None else Interval(value, value) for value in known]
        single = OPS[node.op].affine(intervals, types, node.attributes)
        assert single is not None, "the op is affine with the same operands in float64"
        transposes = [part.transpose for i in unknown if (part := single[i]) is not None]
    else:
        transposes = [_cast(part.transpose) for i in unknown if (part := parts[i]) is not None]
        if node.op == "conv" and unknown == [0]:
            assert known[1] is not None
            transposes = [subpixel(known[1], types[0].shape, node.attributes) or transposes[0]]
    back = tuple((node.inputs[i], transpose) for i, transpose in zip(unknown, transposes, strict=True))
    offset = shape.offsets[node.id]
    middle = offset.lower if offset.is_point else offset.lower / 2 + offset.upper / 2
    return Map(back, _forward(node, types, known, unknown), middle.reshape(-1).to(SINGLE))


def _known(shape: Structure, id: int, type: TensorType) -> Tensor:
    """Indices and masks keep their dtype."""
    value = shape.constants[id].interval.lower
    return value.to(SINGLE if type.dtype.is_floating_point else type.dtype)


def _cast(transpose: Back) -> Back:
    return lambda rows: transpose(rows.to(torch.float64)).to(SINGLE)


def subpixel(weight: Tensor, shape: tuple[int, ...], attributes: Attributes) -> Back | None:
    """The transpose of a two-dimensional convolution as a convolution, which torch computes several times as fast.

    An output `o` takes `w[k]` of the image at `o s + k - p`, for the stride `s` and the padding `p`. So the image at
    `s a + r - p`, `0 <= r < s`, gets `w[r + s m]` of the output `a - m`, for all `m`: for each `r` a convolution of the
    coefficients, and the `s * s` results are interleaved (Shi et al. 2016, arXiv:1609.05158).

    Returns:
        None where the two dimensions have different strides or paddings, and for dilated or grouped kernels.
    """
    strides, pads = attributes["stride"], attributes["padding"]
    if weight.dim() != 4 or len(shape) != 4 or not isinstance(strides, tuple) or not isinstance(pads, tuple):
        return None
    regular = strides[0] == strides[1] and pads[0] == pads[1] and attributes["dilation"] == (1, 1)
    if not regular or attributes["groups"] != 1:
        return None
    stride, pad = strides[0], pads[0]
    assert isinstance(stride, int) and isinstance(pad, int)
    out, image, *kernel = weight.shape
    counts = [-(-size // stride) for size in kernel]
    short = [count * stride - size for count, size in zip(counts, kernel, strict=True)]
    padded = functional.pad(weight, [0, short[1], 0, short[0]])
    parts = padded.reshape(out, image, counts[0], stride, counts[1], stride).flip(2, 4)
    kernels = parts.permute(1, 3, 5, 0, 2, 4).reshape(image * stride * stride, out, *counts).contiguous()
    edges = (counts[0] - 1, counts[1] - 1)

    def back(rows: Tensor) -> Tensor:
        batch = rows.flatten(0, 1)
        found = functional.pixel_shuffle(functional.conv2d(batch, kernels, padding=edges), stride)
        missing = [max(0, pad + size - have) for size, have in zip(shape[2:], found.shape[2:], strict=True)]
        if any(missing):
            found = functional.pad(found, [0, missing[1], 0, missing[0]])
        return found[:, :, pad : pad + shape[2], pad : pad + shape[3]].reshape(-1, *shape)

    return back


def _forward(
    node: Node, types: Sequence[TensorType], known: Sequence[Tensor | None], unknown: Sequence[int]
) -> Callable[[Sequence[Tensor]], Tensor]:
    """The op itself on a batch of its varying operands."""
    op, attributes, out = OPS[node.op], node.attributes, node.type.shape

    def evaluate(*values: Tensor) -> Tensor:
        operands = list(known)
        for i, value in zip(unknown, values, strict=True):
            operands[i] = value
        return op.evaluate([value for value in operands if value is not None], attributes)

    if node.op == "reshape":
        return lambda values: values[0].reshape(-1, *out)
    if node.op == "linear" or (node.op in _SAME_SHAPE and all(type.shape == out for type in types)):
        return lambda values: evaluate(*values)
    if node.op == "conv" and unknown == [0]:
        weight = known[1]
        assert weight is not None
        if len(out) == weight.dim():
            return lambda values: evaluate(values[0].flatten(0, 1)).unflatten(0, (-1, out[0]))
        return lambda values: evaluate(values[0])
    batched = torch.func.vmap(evaluate)
    return lambda values: batched(*values).to(SINGLE)  # a cast has its own dtype


__all__ = ["SINGLE", "Back", "Map", "maps_of", "subpixel"]
