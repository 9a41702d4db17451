"""The op `recomputed`: a value whose bounds come from one formula while programs compute it by another.

The exact value is the operand. What the other formula does to it by rounding is not bounded here, and the rounding of
the graph's own ops would say nothing about it: each runtime of ONNX computes the weights of `Resize` in its own way.
(Where torch has the other formula, it is executed and bounded: `torchlean.ops.fused`.)
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
    """The operand, which programs compute otherwise: the attribute `how` says how, as the end of a sentence."""

    name = "recomputed"
    rounding = OtherRounding()

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        return inputs[0].clone()
