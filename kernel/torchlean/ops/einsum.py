"""Contractions of tensors in Einstein's notation, and the products that are most simply written in it.

One node holds one or two operands. More are contracted pairwise from the left, which is one of the orders that torch
may choose, so that the interval rule only ever meets products of two numbers.
"""

from __future__ import annotations

import math
import string
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.affine import Expansion, contraction, integral, nonnegative_map
from torchlean.ops.adjoint import weighted
from torchlean.ops.arguments import dimension
from torchlean.ops.cast import promoted
from torchlean.ops.layout import permuted
from torchlean.ops.linearization import Affine
from torchlean.ops.lowering import EXPANDED, Part, Steps
from torchlean.ops.noise.contractions import Contraction
from torchlean.ops.op import Attributes, Op, ShapeError, TensorType, UnsupportedError, dtype_name, register
from torchlean.ops.spelling import Emitter, TensorValue, spelled

NO_TRUTHS = "a matrix product is not defined for bool tensors: convert with `.float()`"
"""As of `torch.matmul`."""


@register
class Einsum(Op):
    """`torch.einsum(equation, ...)` with an explicit equation: letters only, with `->`, without `...`."""

    name = "einsum"
    rounding = Contraction(
        lambda shapes, attributes: _terms(attributes, shapes),
        before=lambda call, magnitudes: _alone(call.attributes, magnitudes),
    )

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        if len({t.dtype for t in inputs}) > 1:
            names = ", ".join(dtype_name(t.dtype) for t in inputs)
            raise ShapeError(f"einsum needs operands of one dtype, got {names}: convert with `.to(...)`")
        sizes = _sizes(_operands(attributes), [t.shape for t in inputs])
        if inputs[0].dtype == torch.bool and _multiplies(attributes, sizes, inputs):
            raise ShapeError(NO_TRUTHS)
        for subscripts, operand in zip(_operands(attributes), inputs, strict=True):
            for letter, size in zip(subscripts, operand.shape, strict=True):
                if size not in (1, sizes[letter]):
                    raise ShapeError(
                        f"einsum: subscript `{letter}` has size {sizes[letter]}, but size {size} "
                        f"in an operand of shape {operand.shape}"
                    )

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        return torch.einsum(str(attributes["equation"]), *inputs)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """Every element is a sum of products (or of elements): see `intervals.affine`."""
        equation = str(attributes["equation"])
        terms = _terms(attributes, [x.shape for x in inputs])
        if len(inputs) == 1:
            result = nonnegative_map(lambda v: torch.einsum(equation, v), inputs[0], terms)
        else:
            a, b = inputs
            result = contraction(
                lambda v, w: torch.einsum(equation, v, w), a, b, terms, out.shape, _expansion(equation, a, b)
            )
        return result if out.dtype.is_floating_point else integral(result)

    def affine(
        self, inputs: Sequence[Interval | None], types: Sequence[TensorType], attributes: Attributes
    ) -> Sequence[Affine | None] | None:
        if not all(type.dtype.is_floating_point for type in types):
            return None
        return weighted(self.evaluate, inputs, types, attributes)

    def lower(self, steps: Steps, inputs: Sequence[Part], attributes: Attributes) -> Part | None:
        """Every single product of two unknown operands, on the dimensions (output letters, summed letters)."""
        subscripts, output = _operands(attributes), str(attributes["equation"]).split("->")[1]
        sizes = _sizes(subscripts, [x.shape for x in inputs])
        once = all(len(set(letters)) == len(letters) for letters in subscripts)
        if not once or not all(x.varies and x.floating for x in inputs) or len(inputs) != 2:
            return None
        letters = output + "".join(sorted(set(sizes) - set(output)))
        if math.prod(sizes.values()) > EXPANDED:
            return None
        aligned = []
        for own, x in zip(subscripts, inputs, strict=True):
            ordered = steps.permute(x, [own.index(letter) for letter in letters if letter in own])
            shape = [x.shape[own.index(letter)] if letter in own else 1 for letter in letters]
            aligned.append(steps.reshape(ordered, shape))
        products = steps.op("mul", *aligned)
        summed = range(len(output), len(letters))
        return steps.sum(products, summed) if summed else products


def _multiplies(attributes: Attributes, sizes: Mapping[str, int], inputs: Sequence[TensorType]) -> bool:
    """Whether torch computes it by a matrix product: where both operands have what is summed."""
    operands, output = _operands(attributes), str(attributes["equation"]).split("->")[1]
    shared = set(operands[0]).intersection(*operands[1:]) - set(output)
    return len(operands) > 1 and any(sizes[letter] > 1 for letter in shared) and all(t.numel for t in inputs)


def _operands(attributes: Attributes) -> list[str]:
    return str(attributes["equation"]).split("->")[0].split(",")


def _sizes(operands: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> dict[str, int]:
    """The size of every subscript; a size of 1 is repeated to fit the others."""
    sizes: dict[str, int] = {}
    for subscripts, shape in zip(operands, shapes, strict=True):
        for letter, size in zip(subscripts, shape, strict=True):
            sizes[letter] = size if sizes.get(letter, 1) == 1 else sizes[letter]
    return sizes


def _terms(attributes: Attributes, shapes: Sequence[tuple[int, ...]]) -> int:
    """How many products each element of the result adds up."""
    output = str(attributes["equation"]).split("->")[1]
    count = 1
    for letter, size in _sizes(_operands(attributes), shapes).items():
        count *= 1 if letter in output else size
    return count


def _alone(attributes: Attributes, magnitudes: Sequence[Tensor]) -> float:
    """The largest sum over the subscripts that only one operand has: torch adds these up before it multiplies."""
    operands, output = _operands(attributes), str(attributes["equation"]).split("->")[1]
    largest = 0.0
    for place, (own, size) in enumerate(zip(operands, magnitudes, strict=True)):
        others = [(s, m.shape) for s, m in zip(operands, magnitudes, strict=True)]
        del others[place]
        shared = {
            letter for s, shape in others for letter, length in zip(s, shape, strict=True) if length > 1
        }
        kept = "".join(letter for letter in dict.fromkeys(own) if letter in output or letter in shared)
        sums = torch.einsum(f"{own}->{kept}", size)
        largest = max(largest, float(sums.amax()) if sums.numel() else 0.0)
    return largest


def _expansion(equation: str, a: Interval, b: Interval) -> Expansion:
    """The single products, on the dimensions (output letters, then the letters that are summed)."""
    inputs, output = equation.split("->")
    operands = inputs.split(",")
    sizes = _sizes(operands, [a.shape, b.shape])
    letters = output + "".join(sorted(set(sizes) - set(output)))
    summed = list(range(len(output), len(letters)))

    def aligned(subscripts: str, operand: Tensor) -> Tensor:
        kept = [letter for letter in letters if letter in subscripts]
        plain = torch.einsum(f"{subscripts}->{''.join(kept)}", operand)
        for position, letter in enumerate(letters):
            if letter not in kept:
                plain = plain.unsqueeze(position)
        return plain

    size = 1
    for letter in letters:
        size *= sizes[letter]
    return Expansion(
        lambda v: aligned(operands[0], v),
        lambda w: aligned(operands[1], w),
        lambda products: products.sum(summed) if summed else products,
        size,
    )


def explicit(equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """Operand subscripts and output subscripts, with `...` spelled out in unused letters and `->` filled in.

    Raises:
        ShapeError: the equation does not fit operands of these ranks.
        UnsupportedError: more than 52 different subscripts.
    """
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    operands = inputs.split(",")
    if len(operands) != len(ranks):
        raise ShapeError(f"einsum equation {equation!r} names {len(operands)} operands, got {len(ranks)}")
    free = [letter for letter in string.ascii_letters if letter not in equation]
    spelled_out, widest = [], ""
    for subscripts, rank in zip(operands, ranks, strict=True):
        named = subscripts.replace("...", "")
        hidden = rank - len(named)
        if (
            "." in named
            or (not named.isalpha() and named)
            or hidden < 0
            or (hidden and "..." not in subscripts)
        ):
            raise ShapeError(f"einsum subscripts {subscripts!r} do not fit an operand of {rank} dimensions")
        if hidden > len(free):
            raise UnsupportedError("einsum with more than 52 different subscripts is not followed")
        letters = "".join(free[:hidden][::-1])  # counted from the right, so that `...` dimensions align
        widest = max(widest, letters, key=len)
        spelled_out.append(subscripts.replace("...", letters))
    if not arrow:
        joined = "".join(subscripts.replace("...", "") for subscripts in operands)
        output = "..." + "".join(sorted(letter for letter in set(joined) if joined.count(letter) == 1))
    output = output.replace("...", widest)
    for letter in output:
        if output.count(letter) > 1 or not any(letter in subscripts for subscripts in spelled_out):
            raise ShapeError(f"einsum output subscript `{letter}` must appear once, and in some operand")
    return spelled_out, output


def contract(emitter: Emitter, equation: str, *operands: TensorValue) -> TensorValue:
    """Emit an einsum of any number of operands, pairwise from the left."""
    subscripts, output = explicit(equation, [len(operand.shape) for operand in operands])
    result, letters = operands[0], subscripts[0]
    for position in range(1, len(operands)):
        later = "".join(subscripts[position + 1 :]) + output
        both = letters + subscripts[position]
        kept = "".join(dict.fromkeys(letter for letter in both if letter in later))
        target = output if position == len(operands) - 1 else kept
        text = f"{letters},{subscripts[position]}->{target}"
        pair = [result, operands[position]]
        if set(both) <= set(target):  # nothing is summed: torch multiplies, and promotes as a product does
            pair = promoted(emitter, *pair)
        result, letters = emitter.emit("einsum", *pair, equation=text), target
    if len(operands) == 1:
        if set(letters) == set(output):
            return _rearranged(emitter, result, letters, output)
        result = emitter.emit("einsum", result, equation=f"{letters}->{output}")
    return result


def _rearranged(emitter: Emitter, x: TensorValue, letters: str, output: str) -> TensorValue:
    """Diagonals and another order of dimensions; where nothing is added up torch gives a view."""
    while len(letters) > len(output):
        twice = next(letter for letter in letters if letters.count(letter) > 1)
        first, second = letters.index(twice), letters.rindex(twice)
        if x.shape[first] != x.shape[second]:
            raise ShapeError(f"einsum: subscript `{twice}` has two sizes in an operand of shape {x.shape}")
        x = emitter.emit("diagonal", x, offset=0, dim1=first, dim2=second)
        letters = "".join(letters[i] for i in range(len(letters)) if i not in (first, second)) + twice
    return permuted(emitter, x, lambda v: v.permute([letters.index(letter) for letter in output]))


@spelled("torch.einsum", "torch.functional.einsum")
def einsum(emitter: Emitter, equation: str, *operands: TensorValue) -> TensorValue:
    if not isinstance(equation, str):
        raise UnsupportedError(
            "einsum with lists of subscripts is not followed: write the equation as a string"
        )
    if len(operands) == 1 and isinstance(operands[0], (tuple, list)):
        operands = tuple(operands[0])
    return contract(emitter, equation, *operands)


@spelled("torch.outer", "torch.ger", "torch.Tensor.outer", "torch.Tensor.ger")
def outer(emitter: Emitter, input: TensorValue, vec2: TensorValue) -> TensorValue:
    if len(input.shape) != 1 or len(vec2.shape) != 1:
        raise ShapeError(f"outer takes two vectors, got {input.shape} and {vec2.shape}")
    return contract(emitter, "i,j->ij", input, vec2)


@spelled("torch.inner", "torch.Tensor.inner")
def inner(emitter: Emitter, input: TensorValue, other: TensorValue) -> TensorValue:
    if not input.shape or not other.shape:
        return emitter.emit("mul", input, other)
    if input.shape[-1] != other.shape[-1]:
        raise ShapeError(f"inner: the last dimensions of {input.shape} and {other.shape} differ")
    return tensordot(emitter, input, other, ([len(input.shape) - 1], [len(other.shape) - 1]))


@spelled("torch.tensordot", "torch.functional.tensordot")
def tensordot(
    emitter: Emitter,
    a: TensorValue,
    b: TensorValue,
    dims: int | Sequence[Sequence[int]] = 2,
) -> TensorValue:
    left, right = _paired(a, b, dims)
    if a.dtype != b.dtype:
        raise ShapeError(
            f"tensordot needs operands of one dtype, got {a.dtype}, {b.dtype}: convert with `.to(...)`"
        )
    if a.dtype == torch.bool and a.type.numel and b.type.numel:
        raise ShapeError(NO_TRUTHS)
    for i, j in zip(left, right, strict=True):
        if a.shape[i] != b.shape[j] and 1 not in (a.shape[i], b.shape[j]):
            raise ShapeError(
                f"tensordot contracts dimension {i} of {a.shape} with dimension {j} of {b.shape}"
            )
    # A size of 1 is repeated to fit the other, whose elements are added up first.
    a, b = (
        _added_up(emitter, x, own, [other.shape[place] for place in others])
        for x, own, other, others in ((a, left, b, right), (b, right, a, left))
    )
    rows = [i for i in range(len(a.shape)) if i not in left]
    columns = [j for j in range(len(b.shape)) if j not in right]
    shape = tuple(a.shape[i] for i in rows) + tuple(b.shape[j] for j in columns)
    count = math.prod(a.shape[i] for i in left)
    first, second = _ordered(emitter, a, [*rows, *left]), _ordered(emitter, b, [*right, *columns])
    if math.prod(shape) == 1:
        # A single number is a product of vectors, or of what lies in memory otherwise: torch looks, and then chooses.
        factors = [emitter.emit("reshape", x, shape=(count,)) for x in (first, second)]
        number = emitter.emit("reshape", emitter.emit("matmul", *factors), shape=shape)
        return emitter.emit("tensordot", number, a, b, left=tuple(left), right=tuple(right))
    if a.dtype == torch.bool:
        return emitter.constant(torch.zeros(shape, dtype=torch.bool))  # the sum of no products
    height, width = (math.prod(x.shape[i] for i in kept) for x, kept in ((a, rows), (b, columns)))
    product = emitter.emit(
        "matmul",
        emitter.emit("reshape", first, shape=(height, count)),
        emitter.emit("reshape", second, shape=(count, width)),
    )
    return emitter.emit("reshape", product, shape=shape)


def _added_up(emitter: Emitter, x: TensorValue, dims: Sequence[int], sizes: Sequence[int]) -> TensorValue:
    """The sum over those of the dimensions that meet a size of 1."""
    summed = tuple(sorted(d for d, size in zip(dims, sizes, strict=True) if size == 1 != x.shape[d]))
    return emitter.emit("sum", x, dim=summed, keepdim=True) if summed else x


def _ordered(emitter: Emitter, x: TensorValue, dims: Sequence[int]) -> TensorValue:
    return permuted(emitter, x, lambda v: v.permute(list(dims)))


def _paired(
    a: TensorValue, b: TensorValue, dims: int | Sequence[Sequence[int]]
) -> tuple[list[int], list[int]]:
    """Which dimensions of `a` and `b` are contracted with each other."""
    if isinstance(dims, int):
        if dims > min(len(a.shape), len(b.shape)) or dims < 0:
            raise ShapeError(f"tensordot over {dims} dimensions of {a.shape} and {b.shape}")
        return list(range(len(a.shape) - dims, len(a.shape))), list(range(dims))
    left = [dimension(i, len(a.shape)) for i in dims[0]]
    right = [dimension(j, len(b.shape)) for j in dims[1]]
    if len(left) != len(right):
        raise ShapeError(f"tensordot: {len(left)} dimensions of the first operand against {len(right)}")
    return left, right
