"""Derivatives of ops: for each op a rule for the tangent of its result, or the reason why there is none.

The rules stand together, and not with their ops, because they are written in other ops: a rule of three words for each
of a hundred ops is read as a table.
"""

from torchlean.ops.tangents import elementwise, structure
from torchlean.ops.tangents.rule import REASONS, RULES, Call, tangent

__all__ = ["REASONS", "RULES", "Call", "elementwise", "structure", "tangent"]
