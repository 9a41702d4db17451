"""Guessing what input a module wants, from its layers in the order in which `forward` mentions them."""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from torchlean.capture.unit_parts import children
from torchlean.capture.values import Instance, TensorValue, UserFunction
from torchlean.ops import TensorType

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

Shapes = list[tuple[int, ...]]

IMAGE_SIZES = (28, 32, 224, 64, 96, 16, 8, 128, 256, 299)
"""MNIST, CIFAR, ImageNet, then other usual sizes; 299 is Inception's."""

SIGNAL_LENGTHS = (128, 100, 64, 1000, 256, 512, 16000, 32)
"""Usual lengths of one-dimensional signals."""

VOLUME_SIZES = (16, 32, 8, 64)

SEQUENCE = 16
"""Length of a guessed sequence of tokens or features."""

TRIALS = 24
"""Guesses per module; each costs about as much as one forward pass on types."""

EXACT = 2
"""Of the guesses for a layer without spatial dimensions, those that only choose leading dimensions."""

ANY = [(1, 8), (1, 3, 32, 32), (1, SEQUENCE, 8), (8,)]
"""For modules whose layers say nothing about their input."""


@dataclass(frozen=True, eq=False, slots=True)
class Candidates:
    """Guesses of the input types, the likeliest first.

    Attributes:
        exact: how many of the first guesses have all sizes that are not free (features, channels) read off the
            layer that is used first.
        spatial: the other sizes of these are spatial.
        anchor: the node of that layer's weight.
    """

    types: list[tuple[TensorType, ...]]
    exact: int
    spatial: bool
    anchor: int | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Guess:
    """What one layer says about its input.

    Attributes:
        dtype: None for the default dtype.
        spatial: sizes beside the channels are free.
        exact: the layer has that number of features or channels; False for bare parameters, used in any way.
        anchor: the node of the layer's weight.
    """

    shapes: Shapes
    dtype: torch.dtype | None = None
    spatial: bool = False
    exact: bool = True
    anchor: int | None = None


def candidates(run: Interpreter, instance: Instance, count: int) -> Candidates:
    """Guesses for a module with `count` tensor parameters."""
    if count == 0:
        return Candidates([()], 0, False)
    dtype = run.default_dtype or torch.float32
    layers = list(itertools.islice(_layers(instance, set()), 3))
    lists = [[TensorType(shape, guess.dtype or dtype) for shape in guess.shapes] for guess in layers]
    spatial = bool(layers) and layers[0].spatial
    first = lists[0] if lists else [TensorType(shape, dtype) for shape in ANY]
    guesses = [(type,) * count for type in first]
    if count > 1:
        guesses += list(
            itertools.product(*[lists[min(i, len(lists) - 1)] if lists else first for i in range(count)])
        )
    else:
        guesses += [(type,) for types in lists[1:] for type in types]
    exact = (
        0
        if not layers or count > 1 or not layers[0].exact
        else len(first)
        if spatial
        else min(len(first), EXACT)
    )
    return Candidates(
        list(dict.fromkeys(guesses))[:TRIALS], exact, spatial, layers[0].anchor if layers else None
    )


def _layers(module: Instance, seen: set[int]) -> Iterator[Guess]:
    """Guesses of the layers that say something about their input, in order of use."""
    if id(module) in seen:
        return
    seen.add(id(module))
    guess = _of_layer(module)
    if guess is not None:
        weight = module.attributes.get("_parameters", {}).get("weight")
        yield replace(guess, anchor=weight.node if isinstance(weight, TensorValue) else None)
        return
    for part in _in_order_of_use(module):
        if isinstance(part, Instance):
            yield from _layers(part, seen)
        elif len(part.shape) >= 1:
            yield Guess(_of_weight(part), part.dtype, exact=False)


def _in_order_of_use(module: Instance) -> list[Instance | TensorValue]:
    """Submodules and parameters: those that `forward` mentions first, then the others as they were registered."""
    held: dict[str, Instance | TensorValue] = {}
    for registry in ("_modules", "_parameters"):
        values = module.attributes.get(registry)
        if isinstance(values, dict):
            held.update({k: v for k, v in values.items() if isinstance(v, (Instance, TensorValue))})
    method = module.cls.find("forward")
    if not isinstance(method, UserFunction) or method.module.internal:
        return list(children(module)) or list(held.values())
    mentioned = [name for name in _evaluated(method.node) if name in held]
    return [held[name] for name in dict.fromkeys([*mentioned, *held])]


def _evaluated(node: ast.AST) -> Iterator[str]:
    """Attribute names in the order in which Python gets to use them: arguments of a call before what is called."""
    stack: list[ast.AST | str] = [node]
    while stack:
        top = stack.pop()
        if isinstance(top, str):
            yield top
        elif isinstance(top, ast.Call):
            stack.append(top.func)
            stack += [*(keyword.value for keyword in reversed(top.keywords)), *reversed(top.args)]
        elif isinstance(top, ast.Attribute):
            stack += [top.attr, top.value]
        elif isinstance(top, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
            stack += [top.value] if top.value is not None else []
        else:
            stack += reversed(list(ast.iter_child_nodes(top)))


def _of_weight(weight: TensorValue) -> Shapes:
    """A bare parameter: `x @ w`, `F.linear(x, w)`, or an element-wise use."""
    shape = weight.shape
    if len(shape) == 1:
        return [(1, shape[0]), shape]
    return [(1, shape[-2]), (1, shape[-1]), (shape[-2],), (shape[-1],), shape]


def _of_layer(module: Instance) -> Guess | None:
    """What a layer of torch says about its input: shapes, dtype, and whether spatial sizes are free."""
    cls = next((cls for cls in module.cls.mro if cls.module.internal), None)
    if cls is None or cls.name == "Module" or module.cls is not cls:
        return None
    size, dtype = _sizes(module), _weight_dtype(module)
    name = cls.name
    if name == "Linear" and "in_features" in size:
        return Guess(_features(size["in_features"]), dtype)
    if name.startswith(("Conv", "ConvTranspose")) and "in_channels" in size:
        return Guess(_spatial(size["in_channels"], name), dtype, spatial=True)
    if name == "Embedding":
        return Guess([(1, SEQUENCE), (1,), (SEQUENCE,), (1, 64)], torch.int64)
    if name in ("LSTM", "GRU", "RNN") and "input_size" in size:
        return Guess([(1, SEQUENCE, size["input_size"]), (SEQUENCE, size["input_size"])], dtype)
    if name in ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm2d") and "num_features" in size:
        flat: Shapes = [(1, size["num_features"])] if name == "BatchNorm1d" else []
        return Guess(flat + _spatial(size["num_features"], name), dtype, spatial=True)
    if name == "GroupNorm" and "num_channels" in size:
        return Guess(_spatial(size["num_channels"], "2d"), dtype, spatial=True)
    if name == "LayerNorm":
        shape = module.attributes.get("normalized_shape")
        if isinstance(shape, tuple):
            return Guess([(1, *shape), (1, SEQUENCE, *shape), shape], dtype)
    if name == "MultiheadAttention" and "embed_dim" in size:
        return Guess([(1, SEQUENCE, size["embed_dim"]), (SEQUENCE, 1, size["embed_dim"])], dtype)
    if name == "Bilinear" and "in1_features" in size:
        return Guess([(1, size["in1_features"])], dtype)
    return None


def _weight_dtype(module: Instance) -> torch.dtype | None:
    """The dtype of a layer's first parameter: `net.double()` wants doubles."""
    held = module.attributes.get("_parameters")
    tensors = [v for v in held.values() if isinstance(v, TensorValue)] if isinstance(held, dict) else []
    return tensors[0].dtype if tensors else None


def _sizes(module: Instance) -> dict[str, int]:
    return {key: value for key, value in module.attributes.items() if type(value) is int and value > 0}


def _features(count: int) -> Shapes:
    """A vector of features, alone, in a batch, in a sequence; or an image that is flattened first."""
    shapes: Shapes = [(1, count), (count,), (1, SEQUENCE, count)]
    for channels in (1, 3):
        side = math.isqrt(count // channels)
        if side > 1 and channels * side * side == count:
            shapes.append((1, channels, side, side))
    return shapes


def _spatial(channels: int, name: str) -> Shapes:
    if "1d" in name:
        return [(1, channels, length) for length in SIGNAL_LENGTHS]
    if "3d" in name:
        return [(1, channels, size, size, size) for size in VOLUME_SIZES]
    return [(1, channels, size, size) for size in IMAGE_SIZES]
