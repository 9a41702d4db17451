"""Smooth activations: each an op of its own with a tight rule, because composing the rules of its parts is
not.

`gelu`, `silu` and `mish` fall to a single minimum and rise from there, which
`torchlean.intervals.shapes.valley` bounds; the others rise everywhere. How they are computed, and how
accurately, stands in `torchlean.intervals.smooth`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from torchlean.intervals import Interval, derivatives, smooth
from torchlean.intervals.approximation import Approximant, Approximation
from torchlean.intervals.rounding import down, up
from torchlean.intervals.shapes import increasing, valley
from torchlean.ops.bent import Bent
from torchlean.ops.curves import ROUNDED_BENDS, Curve, Curved, Piece, between, curve
from torchlean.ops.elementwise import Elementwise, activate, number, spell_unary
from torchlean.ops.linearization import Relaxation
from torchlean.ops.looked_up import Looked
from torchlean.ops.noise import elementwise as noise
from torchlean.ops.noise import partials
from torchlean.ops.op import Attributes, Infinities, ShapeError, TensorType, UnsupportedError, register
from torchlean.ops.planes import plane
from torchlean.ops.sigmoids import Sigmoidal
from torchlean.ops.spelling import Emitter, TensorValue, spelled


def around(value: float) -> tuple[float, float]:
    """The neighbours of a constant's float64: they enclose what it was rounded from."""
    return math.nextafter(value, -math.inf), math.nextafter(value, math.inf)


class _Rising(Elementwise):
    """An increasing activation without parameters and with values in `[least, greatest]`."""

    approximant: Callable[[Tensor], Approximation]
    least = -math.inf
    greatest = math.inf

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return increasing(inputs[0], self.approximant, self.least, self.greatest)


def _bent(value: Approximant, slope: Approximant, left: float, right: float) -> Bent:
    """Of a function that is convex between two bends, given to the last digit, and concave outside."""
    return Bent(value, slope, (left, right), convex=False, slack=ROUNDED_BENDS)


class _Valley(Looked, Elementwise):
    """An activation that falls to one minimum, `minimum` at `place`, and rises from there.

    It is convex between two bends and concave outside.
    """

    approximant: Callable[[Tensor], Approximation]
    place: float
    minimum: float

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return valley(inputs[0], self.approximant, around(self.place), around(self.minimum)[0])


@register
class Sigmoid(Looked, _Rising):
    """`1 / (1 + e**-x)`."""

    name = "sigmoid"
    function = staticmethod(torch.sigmoid)
    rounding = noise.Curve(noise.at_zero_most(derivatives.logistic_density), least=0.0, greatest=1.0)
    planes = Sigmoidal(smooth.sigmoid, derivatives.accurate(derivatives.logistic_density, bounded=True))
    approximant = staticmethod(smooth.sigmoid)
    least, greatest = 0.0, 1.0
    infinities = Infinities.SETTLED


@register
class Logsigmoid(Looked, _Rising):
    """`log(sigmoid(x))`."""

    name = "logsigmoid"
    function = staticmethod(functional.logsigmoid)
    rounding = noise.Curve(noise.steepest(1.0), greatest=0.0)
    approximant = staticmethod(smooth.logsigmoid)
    planes = Bent(smooth.logsigmoid, derivatives.accurate(lambda x: smooth.sigmoid(-x).value), convex=False)
    greatest = 0.0


@register
class Softsign(Looked, _Rising):
    """`x / (1 + |x|)`."""

    name = "softsign"
    function = staticmethod(functional.softsign)
    rounding = noise.Curve(noise.at_zero_most(lambda x: (1.0 + x).reciprocal().square()))
    planes = Sigmoidal(smooth.softsign, derivatives.accurate(lambda x: (1.0 / (1.0 + x.abs())).square()))
    approximant = staticmethod(smooth.softsign)
    least, greatest = -1.0, 1.0


@register
class Tanhshrink(Looked, _Rising):
    """`x - tanh(x)`."""

    name = "tanhshrink"
    function = staticmethod(functional.tanhshrink)
    rounding = noise.Curve(noise.steepest(1.0))
    approximant = staticmethod(smooth.tanhshrink)
    planes = Bent(
        smooth.tanhshrink, derivatives.accurate(lambda x: torch.tanh(x).square()), (0.0,), convex=False
    )


@register
class Silu(_Valley):
    """`x sigmoid(x)`. `1 + e**-x + x e**-x` has one zero `x0 = -1 - W(1/e)`, and there `silu(x0) = x0 + 1`."""

    name = "silu"
    function = staticmethod(functional.silu)
    rounding = noise.Curve(noise.steepest(1.1))
    approximant = staticmethod(smooth.silu)
    place = -1.27846454276107379510935873902298
    minimum = -0.27846454276107379510935873902298
    planes = _bent(
        smooth.silu, derivatives.silu, -2.39935728051546766783273969728228, 2.39935728051546766783273969728228
    )


@register
class Mish(_Valley):
    """`x tanh(softplus(x))`. Its derivative has the sign of `4 (x + 1) + 4 e**2x + e**3x + e**x (4 x + 6)`
    (Misra, Mish, 2019), which is increasing (`e**x (4 x + 10) > -1`, and all else in its derivative adds up
    to more than 4): one zero.
    """

    name = "mish"
    function = staticmethod(functional.mish)
    rounding = noise.Curve(noise.steepest(1.1))
    approximant = staticmethod(smooth.mish)
    place = -1.19243121451549521213758834042074
    minimum = -0.30884341301725040662876022904195
    planes = _bent(
        smooth.mish, derivatives.mish, -2.25637639636079312000574854395016, 1.49057117948542845929441890819791
    )


@register
class Gelu(_Valley):
    """`x Phi(x)`; with `approximate="tanh"` its approximation by tanh (Hendrycks and Gimpel 2016,
    arXiv:1606.08415).

    The derivative `Phi(x) + x phi(x)` vanishes once, as Mills' ratio `Phi(x) / phi(x) = -x` has one solution;
    that of `x sigmoid(v)` where `-x v'(x) sigmoid(-v) = 1`, whose left side falls for negative `x`.
    """

    name = "gelu"
    function = staticmethod(functional.gelu)
    rounding = noise.Curve(noise.steepest(1.13))
    place = -0.75179152469356445745790494677952
    minimum = -0.16997120747990366169386847098243
    tanh_place = -0.75246142207101625848795444328892
    tanh_minimum = -0.17004075057125405063906742798756
    planes = _bent(smooth.gelu, derivatives.gelu, -math.sqrt(2.0), math.sqrt(2.0))
    tanh_planes = _bent(
        smooth.gelu_tanh,
        derivatives.gelu_tanh,
        -1.41850400879082835554803354559964,
        1.41850400879082835554803354559964,
    )

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        if attributes["approximate"] == "tanh":
            return valley(x, smooth.gelu_tanh, around(self.tanh_place), around(self.tanh_minimum)[0])
        return valley(x, smooth.gelu, around(self.place), around(self.minimum)[0])

    def lines(self, inputs: Sequence[Interval], attributes: Attributes, at: Tensor | None) -> Relaxation:
        """`phi(x) (2 - x**2)` is the second derivative; the other form has the same shape."""
        planes = self.tanh_planes if attributes["approximate"] == "tanh" else self.planes
        return planes.relax(self, inputs, attributes, at)


@register
class Elu(Curved, Elementwise):
    """`x` for `x > 0`, else `alpha (e**x - 1)`; for a negative alpha that is a valley with its minimum at 0."""

    name = "elu"
    function = staticmethod(functional.elu)
    rounding = noise.Curve(partials.elu)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        alpha = number(attributes, "alpha")
        if alpha < 0:
            return valley(inputs[0], smooth.elu(alpha), at=(0.0, 0.0), least=0.0)
        return increasing(inputs[0], smooth.elu(alpha), least=-alpha)

    def lines(self, inputs: Sequence[Interval], attributes: Attributes, at: Tensor | None) -> Relaxation:
        alpha = number(attributes, "alpha")
        return between(self, inputs[0], attributes, [_exponential_unit(smooth.elu(alpha), alpha, 1.0)], at=at)


@register
class Celu(Curved, Elementwise):
    """`x` for `x > 0`, else `alpha (e**(x / alpha) - 1)`."""

    name = "celu"
    function = staticmethod(functional.celu)
    rounding = noise.Curve(noise.steepest(1.0))

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        alpha = number(attributes, "alpha")
        if not alpha > 0:
            raise UnsupportedError(f"`celu` has bounds for alpha > 0, got {alpha}")
        return increasing(inputs[0], smooth.elu(alpha, input_scale=1.0 / alpha), least=-alpha)

    def lines(self, inputs: Sequence[Interval], attributes: Attributes, at: Tensor | None) -> Relaxation:
        """Both pieces have the slope 1 at 0, so the whole is convex."""
        alpha = number(attributes, "alpha")
        slope = derivatives.accurate(
            lambda x: torch.exp(x.clamp(max=0.0) / alpha), lambda x: (x / alpha).abs() * 2.0
        )
        value = smooth.elu(alpha, input_scale=1.0 / alpha)
        return between(self, inputs[0], attributes, [curve(value, slope, convex=True)], at=at)


@register
class Selu(Curved, Elementwise):
    """`scale elu(x, alpha)` with the constants of Klambauer et al. 2017 (arXiv:1706.02515)."""

    name = "selu"
    function = staticmethod(functional.selu)
    rounding = noise.Curve(noise.steepest(1.7581))
    alpha = 1.6732632423543772848170429916717
    scale = 1.0507009873554804934193349852946

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return increasing(inputs[0], smooth.elu(self.alpha, self.scale))

    def lines(self, inputs: Sequence[Interval], attributes: Attributes, at: Tensor | None) -> Relaxation:
        shape = _exponential_unit(smooth.elu(self.alpha, self.scale), self.scale * self.alpha, self.scale)
        return between(self, inputs[0], attributes, [shape], at=at)


@register
class Softplus(Elementwise):
    """`log(1 + e**(beta x)) / beta`; torch returns `x` instead where `beta x > threshold`.

    Both are bounded: above the threshold `x` lies just below the smooth function, so only the lower bound
    moves.
    """

    name = "softplus"
    function = staticmethod(functional.softplus)
    rounding = noise.Softplus()

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        beta, threshold = number(attributes, "beta"), number(attributes, "threshold")
        if not beta > 0:
            raise UnsupportedError(f"`softplus` has bounds for beta > 0, got {beta}")
        bounds = increasing(x, smooth.softplus(beta), least=0.0)
        # The first number above the threshold; a step down covers the quotient's rounding.
        border = math.nextafter(threshold / beta, -math.inf)
        linear = torch.minimum(bounds.lower, x.lower.clamp(min=border))
        return Interval(torch.where(x.upper > border, linear, bounds.lower), bounds.upper)

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        (x,) = inputs
        beta, threshold = number(attributes, "beta"), number(attributes, "threshold")
        planes = Bent(smooth.softplus(beta), derivatives.softplus(beta)).relax(self, inputs, attributes)
        # Above the threshold torch returns x, which is less by log(1 + e**-(beta x)) / beta.
        beyond = x.upper > math.nextafter(threshold / beta, -math.inf)
        if not bool(beyond.any()):
            return planes
        gap = smooth.softplus(1.0)(torch.tensor(-threshold, dtype=torch.float64)).above()
        base = torch.zeros(()) if planes.lower.intercept is None else planes.lower.intercept
        lowered = down(base - torch.where(beyond, up(gap / beta), 0.0))
        return Relaxation(plane(planes.lower.slopes, lowered), planes.upper)


def _exponential_unit(value: Approximant, left: float, right: float) -> Curve:
    """`f(x)` with the derivative `left e**x` for `x < 0` and `right` for `x > 0`."""

    def falling(x: Tensor) -> Tensor:
        return torch.exp(x.clamp(max=0.0)) * left

    if 0 <= left <= right == 1.0:
        rising = derivatives.accurate(lambda x: torch.where(x > 0, 1.0, falling(x)))
        return curve(value, rising, convex=True)
    straight = derivatives.accurate(lambda x: torch.full_like(x, right))
    return Curve(
        (Piece(value, derivatives.accurate(falling), left >= 0), Piece(value, straight, convex=True)),
        lambda x: (0.0,),
        kinked=True,
    )


@spelled("torch.nn.functional.silu")
def silu(emitter: Emitter, input: TensorValue, inplace: bool = False) -> TensorValue:
    return activate(emitter, "silu", input, inplace)


@spelled("torch.nn.functional.mish")
def mish(emitter: Emitter, input: TensorValue, inplace: bool = False) -> TensorValue:
    return activate(emitter, "mish", input, inplace)


@spelled("torch.nn.functional.gelu")
def gelu(emitter: Emitter, input: TensorValue, approximate: str = "none") -> TensorValue:
    if approximate not in ("none", "tanh"):
        raise ShapeError(f"`approximate` of gelu is 'none' or 'tanh', got {approximate!r}")
    return emitter.emit("gelu", input, approximate=approximate)


@spelled("torch.nn.functional.elu")
def elu(emitter: Emitter, input: TensorValue, alpha: float = 1.0, inplace: bool = False) -> TensorValue:
    return activate(emitter, "elu", input, inplace, alpha=alpha)


@spelled("torch.nn.functional.elu_")
def elu_(emitter: Emitter, input: TensorValue, alpha: float = 1.0) -> TensorValue:
    return activate(emitter, "elu", input, True, alpha=alpha)


@spelled("torch.nn.functional.celu", "torch.celu")
def celu(emitter: Emitter, input: TensorValue, alpha: float = 1.0, inplace: bool = False) -> TensorValue:
    return activate(emitter, "celu", input, inplace, alpha=alpha)


@spelled("torch.nn.functional.celu_", "torch.celu_")
def celu_(emitter: Emitter, input: TensorValue, alpha: float = 1.0) -> TensorValue:
    return activate(emitter, "celu", input, True, alpha=alpha)


@spelled("torch.nn.functional.selu", "torch.selu")
def selu(emitter: Emitter, input: TensorValue, inplace: bool = False) -> TensorValue:
    return activate(emitter, "selu", input, inplace)


@spelled("torch.nn.functional.selu_", "torch.selu_")
def selu_(emitter: Emitter, input: TensorValue) -> TensorValue:
    return activate(emitter, "selu", input, True)


@spelled("torch.nn.functional.softplus")
def softplus(emitter: Emitter, input: TensorValue, beta: float = 1, threshold: float = 20) -> TensorValue:
    return activate(emitter, "softplus", input, beta=beta, threshold=threshold)


spell_unary("sigmoid", also=["torch.special.expit", "torch.nn.functional.sigmoid"])
for _op in ("logsigmoid", "softsign", "tanhshrink"):
    spell_unary(_op, also=[f"torch.nn.functional.{_op}"])
