"""Comparisons: the result is 1 where the relation holds for all values of the intervals, 0 where for none."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.ops.elementwise import Elementwise, spell_binary, spell_operator
from torchlean.ops.noise.choices import Compared
from torchlean.ops.op import Attributes, Infinities, TensorType, register


def truth(certain: Tensor, possible: Tensor) -> Interval:
    """A bool tensor as numbers: 1 where certain, 0 where not possible, `[0, 1]` where open."""
    lower = certain.to(torch.float64)
    return Interval(lower, lower if torch.equal(certain, possible) else possible.to(torch.float64))


class _Comparison(Elementwise):
    """A relation of two tensors."""

    infinities = Infinities.SETTLED
    rounding = Compared()

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return truth(*self.decide(*inputs))

    def decide(self, a: Interval, b: Interval) -> tuple[Tensor, Tensor]:
        """Masks: where the relation certainly holds, and where it possibly holds."""
        raise NotImplementedError(self.name)


@register
class Lt(_Comparison):
    """`a < b`."""

    name = "lt"
    function = staticmethod(torch.lt)

    def decide(self, a: Interval, b: Interval) -> tuple[Tensor, Tensor]:
        return a.upper < b.lower, a.lower < b.upper


@register
class Le(_Comparison):
    """`a <= b`."""

    name = "le"
    function = staticmethod(torch.le)

    def decide(self, a: Interval, b: Interval) -> tuple[Tensor, Tensor]:
        return a.upper <= b.lower, a.lower <= b.upper


@register
class Gt(_Comparison):
    """`a > b`."""

    name = "gt"
    function = staticmethod(torch.gt)

    def decide(self, a: Interval, b: Interval) -> tuple[Tensor, Tensor]:
        return a.lower > b.upper, a.upper > b.lower


@register
class Ge(_Comparison):
    """`a >= b`."""

    name = "ge"
    function = staticmethod(torch.ge)

    def decide(self, a: Interval, b: Interval) -> tuple[Tensor, Tensor]:
        return a.lower >= b.upper, a.upper >= b.lower


@register
class Eq(_Comparison):
    """`a == b`: certain only between equal points."""

    name = "eq"
    function = staticmethod(torch.eq)

    def decide(self, a: Interval, b: Interval) -> tuple[Tensor, Tensor]:
        return _same_point(a, b), _overlap(a, b)


@register
class Ne(_Comparison):
    """`a != b`."""

    name = "ne"
    function = staticmethod(torch.ne)

    def decide(self, a: Interval, b: Interval) -> tuple[Tensor, Tensor]:
        return ~_overlap(a, b), ~_same_point(a, b)


def _same_point(a: Interval, b: Interval) -> Tensor:
    return (a.lower == a.upper) & (b.lower == b.upper) & (a.lower == b.lower)


def _overlap(a: Interval, b: Interval) -> Tensor:
    return (a.lower <= b.upper) & (b.lower <= a.upper)


# Python reflects `2 < x` into `x > 2` itself: comparisons have no `__r...__` methods.
for _op, _long in (
    ("lt", "less"),
    ("le", "less_equal"),
    ("gt", "greater"),
    ("ge", "greater_equal"),
    ("ne", "not_equal"),
):
    spell_binary(_op, _long)
    spell_operator(_op, _op, reflected=False, in_place=False)
# `torch.equal` asks about the whole tensors and is not the long name of `eq`.
spell_binary("eq")
spell_operator("eq", "eq", reflected=False, in_place=False)
