"""A search that also chooses how to combine the rows of a clause.

Some row of a clause is positive if a combination `sum w_k r_k` with weights `w >= 0` is. On a box where two rows change
places, each is negative somewhere and their combination may be positive everywhere, so weights are searched together
with the slopes. To the machinery of phases they are nothing new: a combination is a row of zeros with the multiplier
`w` on the rows themselves, "known" to be at most zero (`torchlean.bounds.alpha.descent`): what is bounded is then
exactly `sum w_k r_k`, for the weights as stored.

The bound is the concave minimum over inputs of a function that is linear in the weights, and only its sign matters, so
weights stay on the simplex; they move by multiplicative updates (exponentiated gradient: Kivinen and Warmuth 1997),
which keeps them there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from torchlean.bounds.alpha.descent import Descent
from torchlean.bounds.alpha.search import Search

RATE = 1.0
"""Of the exponent, with derivatives measured by their largest: a row can gain a factor of e in one step."""

TINY = 1e-30


@dataclass
class MixedSearch(Search):
    """`rows` are zero, `signs[goal]` is -1 on the rows of each clause, and `betas[goal]` are the weights."""

    goal: int = field(kw_only=True)

    def _move(
        self, slopes: Mapping[int, Tensor], forces: Mapping[int, Tensor], run: Descent, count: int
    ) -> None:
        others = {id: force for id, force in forces.items() if id != self.goal}
        super()._move(slopes, others, run, count)
        weights = self.betas[self.goal]
        member = -self.signs[self.goal]
        # The total is linear in the weights: what a row gives beyond the total is what moving towards it gains.
        gain = (forces[self.goal] - run.total.unsqueeze(2)) * member
        scale = gain.abs().amax(2, keepdim=True).clamp(min=TINY)
        weights.mul_((gain * (RATE / scale)).exp_())
        weights.div_(weights.sum(2, keepdim=True).clamp(min=TINY))
