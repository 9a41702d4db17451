"""The op `recomputed`: a value whose bounds come from one formula while torch computes it by another.

The exact value is the operand. What torch's formula does to it by rounding is not bounded here, and the rounding of the
graph's own ops would say nothing about it: `cdist` of many rows adds up squared lengths and subtracts products, which
cancels where points are close.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from torchlean.ops.noise.rule import Rule
from torchlean.ops.noise.values import Call, Noise
from torchlean.ops.op import Attributes, UnsupportedError, register
from torchlean.ops.rearrangement import Rearrangement


@dataclass(frozen=True)
class OtherRounding(Rule):
    """None is known."""

    def noise(self, call: Call) -> Noise:
        raise UnsupportedError(f"no bound is known for the rounding of {call.attributes['how']}")


@register
class Recomputed(Rearrangement):
    """The operand, which torch computes otherwise: the attribute `how` says how, as the end of a sentence."""

    name = "recomputed"
    rounding = OtherRounding()

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        return inputs[0].clone()
