"""One detector per hazard: a function from a case and a node to a finding, or None.

`DETECTORS` lists those of each op, the most specific first: the first that finds something speaks for the node.
"""

from __future__ import annotations

from torchlean.hazards.case import Detector
from torchlean.hazards.detectors import division, domains, logarithms, overflow

DETECTORS: dict[str, tuple[Detector, ...]] = {
    **dict.fromkeys(("exp", "exp2", "expm1", "sinh", "cosh"), (overflow.of_exponential,)),
    **dict.fromkeys(("log", "log2", "log10"), (logarithms.of_logarithm,)),
    "log1p": (logarithms.of_log1p,),
    **dict.fromkeys(("div", "reciprocal"), (division.by_zero,)),
    "rsqrt": (domains.of_square_root, division.by_zero),
    "sqrt": (domains.of_square_root,),
    "pow": (domains.of_power, division.of_power, overflow.of_result),
    "pow_tensor": (domains.of_power, division.of_power, overflow.of_result),
    **dict.fromkeys(("acos", "asin", "atanh", "acosh"), (domains.of_inverse,)),
}

EVERYWHERE: tuple[Detector, ...] = (overflow.of_result,)
"""For ops without detectors of their own."""
