"""How an op looks to backward linear bounds (CROWN): as an affine map of some operands, or between two planes.

Backward bounds carry, for each row to be bounded, coefficients `L` with the meaning *row >= sum(L * value) + rest*.
Passing an op means to rewrite `L * output` in terms of the op's operands:

- an op that is affine in an operand, the others being known constants, passes `L` through its transpose (`Affine`);
- an op that is not lies between two planes on the intervals of its operands (`Relaxation`): positive coefficients
  take the lower plane, negative ones the upper.

Soundness in floating point follows statement 3 of the theory (`lean/`): whatever the computed coefficients `L'` are,
`L.J.a >= L'.a - |L.J - L'|.|a|`, and the difference is bounded a priori by `gamma(terms) |L||J|`. So a part states how
many products its transpose adds up, and can push a magnitude forward through `|J|`.

Where a function has a kink, a whole family of planes is right and none is best for every row (Xu et al. 2021,
arXiv:2011.13824). `Op.relax_with` takes the member as a parameter `alpha` in [0, 1] per element and box, shape of the
planes: for relu, leaky relu, prelu and abs the slope between that on the left and that on the right of the kink, on the
side where the function is convex; for maximum and minimum the share of the first operand. The slopes are
differentiable in `alpha`, every `alpha` is sound, and elements without a choice ignore it. Smooth functions of one
operand take it as the place in the interval, from the lower to the upper end, where the lines shall be close: tangents
touch there, as far as it lies on the side where tangents are right. For products it is the share of one of McCormick's
two planes on either side. All other ops ignore it. `relax` makes the choice with the least area.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

Transpose = Callable[[Tensor], Tensor]
"""Coefficients of a result, with the rows in front, to those of an operand."""


@dataclass(frozen=True, eq=False, slots=True)
class Window:
    """A convolution of one image in two dimensions, without groups and dilation.

    Attributes:
        weight: (channels out, channels in, height, width), float64.
        shape: of the image, (channels in, height, width).
        out: height and width of the result.
        stride, before: along height and width; `before` is the padding above and to the left.
    """

    weight: Tensor
    shape: tuple[int, int, int]
    out: tuple[int, int]
    stride: tuple[int, int]
    before: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Affine:
    """The linear map from one operand of an op to its output.

    Attributes:
        transpose: coefficients of the output, shape (rows, *output), to coefficients of this operand, (rows, *operand).
        terms: the most products that one element of `transpose`'s result adds up; 0 when it only moves numbers.
        magnitude: a bound on |operand|, shape of the operand, to `|J| |operand|` in the shape of the output, each
            element a sum of at most `terms` products. Not needed where `terms` is 0.
        forward: values of the operand, with one batch dimension in front, to `J value`; as many products are added up.
            An op that states it takes a batch in `magnitude`, too, and rows of float32 in `transpose`.
        unit: flat indices (n,) of output elements to their coefficients on this operand, (n, *operand), exactly: rows
            of the matrix, for ops that have them at hand.
        window: for convolutions, what `unit` and `transpose` need to work on small patches of the image.
    """

    transpose: Callable[[Tensor], Tensor]
    terms: int = 0
    magnitude: Callable[[Tensor], Tensor] | None = None
    unit: Callable[[Tensor], Tensor] | None = None
    forward: Callable[[Tensor], Tensor] | None = None
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Plane:
    """`intercept + sum_i slopes[i] * operand_i`, element by element.

    Shapes: those of the output after one batch dimension (boxes, or 1); an operand of smaller shape takes part as
    torch broadcasts it. No intercept means zero.
    """

    slopes: tuple[Tensor, ...]
    intercept: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Relaxation:
    """`lower <= op(operands) <= upper` in exact arithmetic, for all operands inside the intervals it was made for.

    The intercepts are rounded outward so that the inequality holds for the slopes exactly as stored.
    """

    lower: Plane
    upper: Plane
