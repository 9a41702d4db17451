"""How a kernel reads its operands: converted to the dtype that it computes in, and with subnormal numbers flushed."""

from __future__ import annotations

import torch

from torchlean.ops.noise.arithmetic import Arithmetic
from torchlean.ops.noise.values import Noisy


def as_read(x: Noisy, dtype: torch.dtype, arithmetic: Arithmetic) -> Noisy:
    """The operand of a kernel that computes in `dtype`."""
    if x.type.dtype == dtype and not arithmetic.flush_to_zero and arithmetic.autocast is None:
        return x
    if not dtype.is_floating_point or x.type.dtype == torch.bool or x.exact.lower.numel() == 0:
        return x
    precision = arithmetic.precision(dtype)
    if _loses_digits(x, dtype, arithmetic):
        x = x.worse(x.magnitude * precision.unit + precision.tiny)
        if bool((x.magnitude >= precision.largest).any()):
            x = x.worse(
                torch.zeros_like(x.magnitude).masked_fill(x.magnitude >= precision.largest, torch.inf)
            )
    if precision.flushed:
        # Only magnitudes below the smallest normal number are read as zeros.
        tiny = x.magnitude.clamp(max=precision.flushed) if x.exact.is_point else torch.full_like(
            x.magnitude, precision.flushed
        )  # fmt: skip
        read = x.exact.is_point and x.error is None
        flushed = (x.magnitude < precision.flushed) & (x.magnitude > 0) if read else torch.ones_like(tiny) > 0
        if bool(flushed.any()):
            x = x.worse(tiny.masked_fill(~flushed, 0.0))
    return x


def common_dtype(operands: list[Noisy]) -> torch.dtype:
    """What torch converts operands of a comparison to."""
    kinds = [torch.zeros((1,) if x.type.shape else (), dtype=x.type.dtype) for x in operands]
    result = kinds[0].dtype
    if len(kinds) == 2:
        result = torch.result_type(*kinds)
    return result


def _loses_digits(x: Noisy, dtype: torch.dtype, arithmetic: Arithmetic) -> bool:
    """Whether the conversion may round."""
    own = x.type.dtype
    if own.is_floating_point:
        if arithmetic.autocast is not None and own == dtype == torch.float32:
            return True
        return arithmetic.precision(own).unit < arithmetic.precision(dtype).unit
    return bool((x.magnitude > 1.0 / arithmetic.precision(dtype).unit).any())
