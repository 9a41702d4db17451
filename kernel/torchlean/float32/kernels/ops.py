"""The bound of an op with its attributes: which function of the table it is, and what parameters change."""

from __future__ import annotations

from collections.abc import Mapping

from torchlean.float32.formats import BINARY32, Format
from torchlean.float32.kernels import compiled as by_inductor
from torchlean.float32.kernels.kernel import Kernel
from torchlean.float32.kernels.reduced import ROUNDED_ONCE, reduced
from torchlean.float32.kernels.table import KERNELS

_SPECIAL_EXPONENTS = {
    2.0: "pow[2]",
    3.0: "pow[3]",
    0.5: "pow[0.5]",
    -0.5: "pow[-0.5]",
    -1.0: "pow[-1]",
    -2.0: "pow[-2]",
}
"""Exponents that torch computes by products, roots and reciprocals."""

_PARAMETERS = {"softplus": "beta", "elu": "alpha", "celu": "alpha"}
"""Parameters that change the arithmetic; 1 is the default of each."""


def of_op(
    name: str, attributes: Mapping[str, object], format: Format = BINARY32, *, compiled: bool = False
) -> Kernel:
    """The bound for an op of this name with these attributes, on tensors of a format (binary32 or shorter).

    `compiled`: for `torch.compile` on a processor as well (`torchlean.float32.kernels.compiled`). An exponent of `pow`
    that is no number of the format may be rounded to one first, and counts as exact here.

    Raises KeyError for an op without a kernel here, ValueError for other formats.
    """
    parameter = _PARAMETERS.get(name)
    value = 1.0 if parameter is None else abs(float(str(attributes.get(parameter, 1.0))))
    if value != 1.0:
        return _with_parameter(name, value, format, compiled)
    if name == "gelu" and attributes.get("approximate") == "tanh":
        name = "gelu_tanh"
    if name == "pow":
        exponent = float(str(attributes["exponent"]))
        if exponent in (0.0, 1.0):
            return Kernel(0.0, format=format)
        name = _SPECIAL_EXPONENTS.get(exponent, "pow_tensor")
        if compiled and name == "pow_tensor" and format == BINARY32:
            return by_inductor.power(exponent)
    if format != BINARY32:
        return reduced(name, format, compiled=compiled)
    return by_inductor.compiled(name) if compiled else KERNELS[name]


def _with_parameter(name: str, value: float, format: Format, compiled: bool) -> Kernel:
    if name == "softplus":
        # beta * x is rounded: t e^t / beta is at most e^-1 / beta, times a unit roundoff of 2^-24.
        ulps, absolute = 3.0, 2.0**-25 / value
    elif name == "elu":
        ulps, absolute = 2.5, 0.0
    else:
        # x / alpha is rounded, in the subnormal range by half of 2^-149, and multiplied by alpha again.
        ulps, absolute = 4.0, value * 2.0**-149
    if compiled and name != "softplus":
        # Both are multiples of expm1.
        expm1 = by_inductor.compiled("expm1")
        ulps, absolute = ulps + expm1.ulps, absolute + value * expm1.absolute
    return Kernel(ulps if format == BINARY32 else ROUNDED_ONCE, absolute=absolute, format=format)
