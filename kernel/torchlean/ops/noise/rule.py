"""The facet of an op for rounding errors: an object that bounds what one call adds to the error.

Most ops belong to one of a few families, so the facet is an attribute of the op's class with a rule of its family:
`rounding = Curve("tanh", slope=...)`. An op without a rule has `Unknown`: its error is infinite, with the reason, and
never silently zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torchlean.ops.noise.values import Call, Noise


class Rule:
    """A family of ops.

    `computes` says whether the op rounds; ops that do not may still compare their operands (`compares`), and then read
    subnormal numbers as zeros where those are flushed. Ops that only move elements do not notice. Those that `convert`
    give numbers of operands in the result's dtype, which may have too few digits for them: integers beside floats.
    """

    computes: bool = True
    compares: bool = True
    converts: bool = False

    def noise(self, call: Call) -> Noise:
        """A bound on what the execution of this call adds, and passes on from its operands.

        Raises:
            UnsupportedError: no bound for these operands; the error is then infinite, with this reason.
        """
        raise NotImplementedError(type(self).__name__)


@dataclass(frozen=True)
class Unknown(Rule):
    """No bound is known."""

    def noise(self, call: Call) -> Noise:
        from torchlean.ops.op import UnsupportedError

        raise UnsupportedError(f"no bound is known for the rounding error of `{call.op.name}`")


UNKNOWN = Unknown()
