"""How a row's own choices go into the sound passages of CROWN, whatever they are.

A relu's passage holds for every slope that a row may choose: its rounding penalty is that of the steepest, and any line
through the origin with a slope in [0, 1] lies below a relu exactly, on any interval. So proving a row only means to put
the row's slopes in. Phases are coefficients that the row has at other nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from torchlean.bounds.alpha.descent import Multipliers
from torchlean.bounds.crown.passages import Passage


def having(passage: Passage, alpha: Tensor) -> Passage:
    """A relu's passage for rows with these slopes below, (boxes, rows, *node); whatever is in them is made sound."""
    slopes = alpha.to(torch.float64).nan_to_num(0.0).clamp(0.0, 1.0)
    assert passage.slopes is not None
    ((_, above),) = passage.slopes
    return replace(passage, slopes=((slopes, above),))


def apart(passage: Passage, batch: Sequence[int]) -> Passage:
    """A passage for (boxes, rows) as one for boxes of one row each, box by box."""
    boxes, rows = batch

    def repeated(values: Tensor) -> Tensor:
        return values if values.shape[0] == 1 or boxes == 1 else values.repeat_interleave(rows, 0)

    slopes = passage.slopes
    if slopes is not None:
        slopes = tuple((repeated(plus), repeated(minus)) for plus, minus in slopes)
    return replace(
        passage, positive=repeated(passage.positive), negative=repeated(passage.negative), slopes=slopes
    )


def combined(node: int, rows: Tensor, multipliers: Mapping[int, Multipliers]) -> Passage:
    """Rows of a node minus multiples of phases, as the passage of a node above all others: it only sends coefficients.

    Multipliers are used exactly as stored (float32 numbers, whose negatives and products with a sign are exact).
    Negative or undefined ones count as zero. What adding coefficients at a node rounds, the pass accounts for.
    """
    nothing = torch.zeros(1, 1, 2, dtype=torch.float64)
    batch = rows.shape[:2]

    def sends(coefficients: Tensor) -> Callable[[Tensor], Tensor]:
        return lambda _: coefficients.flatten(0, 1)

    onward = [(node, sends(rows))]
    for id, multiplier in multipliers.items():
        beta = multiplier.beta.to(torch.float64).nan_to_num(0.0, posinf=0.0).clamp(min=0.0)
        signed = (multiplier.sign * beta).reshape(*batch, *beta.shape[2:])
        onward.append((id, sends(-signed)))
    return Passage(nothing, nothing, onward=tuple(onward))


__all__ = ["apart", "combined", "having"]
