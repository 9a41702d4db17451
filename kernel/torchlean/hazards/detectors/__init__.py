"""One detector per hazard: a function from a case and a node to a finding, or None.

`DETECTORS` lists those of each op, the most specific first: the first that finds something speaks for the node.
"""

from __future__ import annotations

from torchlean.hazards.case import Detector
from torchlean.hazards.detectors import (
    absorption,
    cancellation,
    comparisons,
    conversions,
    division,
    domains,
    epsilons,
    gradients,
    invalid,
    logarithms,
    norms,
    overflow,
    products,
    saturation,
    squares,
)

DETECTORS: dict[str, tuple[Detector, ...]] = {
    "add": (
        absorption.of_repeated_sum,
        cancellation.of_difference,
        epsilons.of_sum,
        absorption.of_sum,
        conversions.of_mixture,
        overflow.of_result,
    ),
    "cast": (conversions.of_cast,),
    "cumprod": (overflow.of_result,),
    "mul": (invalid.of_product, products.of_chain, conversions.of_mixture, overflow.of_result),
    "prod": (products.of_product, overflow.of_result),
    "sub": (
        invalid.of_difference,
        cancellation.of_difference,
        absorption.of_sum,
        conversions.of_mixture,
        overflow.of_result,
    ),
    "sqrt": (gradients.behind_mask, domains.of_square_root, norms.of_root, saturation.of_root),
    "rsqrt": (gradients.behind_mask, domains.of_square_root, division.by_zero),
    "log1p": (logarithms.of_log1p,),
    "reciprocal": (gradients.behind_mask, division.by_zero, conversions.of_mixture),
    "div": (
        invalid.of_selection,
        gradients.behind_mask,
        invalid.of_quotient,
        division.by_zero,
        conversions.of_mixture,
        overflow.of_result,
    ),
    **dict.fromkeys(("acos", "asin"), (gradients.behind_mask, domains.of_inverse)),
    **dict.fromkeys(("atanh", "acosh"), (domains.of_inverse,)),
    **dict.fromkeys(("eq", "ne"), (comparisons.of_equality,)),
    **dict.fromkeys(("exp", "exp2", "expm1"), (gradients.behind_mask, overflow.of_exponential)),
    **dict.fromkeys(("sinh", "cosh"), (overflow.of_exponential,)),
    **dict.fromkeys(
        ("log", "log2", "log10"), (gradients.behind_mask, logarithms.of_logarithm, cancellation.of_logarithm)
    ),
    **dict.fromkeys(("mean", "std", "var"), (invalid.of_statistics, overflow.of_result)),
    **dict.fromkeys(
        ("pow", "pow_tensor"),
        (
            gradients.behind_mask,
            domains.of_power,
            division.of_power,
            norms.of_root,
            saturation.of_root,
            overflow.of_result,
        ),
    ),
    **dict.fromkeys(squares.OPS, (squares.of_squares, overflow.of_result)),
    **dict.fromkeys(("softmax", "log_softmax"), (invalid.of_softmax,)),
}

EVERYWHERE: tuple[Detector, ...] = (overflow.of_result,)
"""For ops without detectors of their own."""
